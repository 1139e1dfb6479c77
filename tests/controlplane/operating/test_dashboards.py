"""No panel is empty: a real Prometheus scrapes the operator in the middle of a rollout, and a Triton that works.

It scrapes as docs/monitoring.md says. Made up are only the counts of the gateway's pods, what Triton tells of GPUs, and
the node that has some.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import yaml

from hack.dashboards import FOLDER
from tests.controlplane.operating.requests import Requests
from tests.controlplane.scheduling import Node
from tests.controlplane.waiting import wait_for
from tests.dataplane.prometheus import Prometheus
from tests.dataplane.runtime import runtime
from tests.dataplane.triton import Triton, repository
from tests.ports import HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.controlplane.gateways import Gateways
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models, Operator

GPUS: Final = Path(__file__).with_name("gpus.prom")
SCALING: Final = {"min": 1, "max": 4, "capacityRps": 300}
SERVER: Final = {"gpu": {"count": 1}}
ROLLOUT: Final = {"steps": [{"weight": 20, "minDuration": "10m"}], "bakeTime": "1s"}
SUM: Final = {
    "inputs": [{"name": each, "datatype": "FP32", "shape": [1, 2], "data": [1.0, 2.0]} for each in ("A", "B")]
}
SHORT: Final = {"[$__rate_interval]": "[20s]", "[$__range]": "[20s]"}
"""What Grafana would put in, for a run of seconds."""


def queries(namespace: str) -> Iterator[tuple[str, str, str]]:
    """Of all panels, of the marks on them and of what is recorded: where it is, the query, its legend."""
    values = SHORT | {"$namespace": namespace, "$name": "fraud"}
    for path in sorted(FOLDER.glob("*.json")):
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", put_in(values, target["expr"]), target["legendFormat"]
        for note in dashboard["annotations"]["list"]:
            yield f"{path.stem}: {note['name']}", put_in(values, note["expr"]), note["titleFormat"]
    for group in yaml.safe_load((FOLDER.parent / "rules.yaml").read_text())["groups"]:
        yield from ((rule["record"], rule["expr"], "") for rule in group["rules"] if "record" in rule)


def put_in(values: dict[str, str], text: str) -> str:
    """Variables replaced, as Grafana does."""
    for name, value in values.items():
        text = text.replace(name, value)
    assert "$" not in text, text
    return text


async def test_no_panel_is_empty(
    operator: Operator, models: Models, kubelet: Kubelet, gateways: Gateways, tmp_path_factory: Any
) -> None:
    tmp_path = tmp_path_factory.mktemp("scraped")
    await kubelet.add_node(Node("gpus", {"nvidia.com/gpu": 8}))
    await models.apply(scaling=SCALING, server=SERVER)
    await models.settled(revision=1)
    made = await asyncio.to_thread(runtime, tmp_path_factory.mktemp("triton-runtime"))
    pod = {"namespace": models.namespace, "name": "fraud", "pod": "fraud-1"}
    with Triton(made, repository(tmp_path / "models", "adder"), tmp_path / "triton.log") as triton:
        jobs = [
            job("tritium-operator", operator.port) | {"honor_labels": True},
            job("tritium-models", triton.metrics, pod),
        ]
        async with (
            Requests(gateways, models.namespace),
            asking(triton),
            Prometheus(tmp_path, shown(pod), jobs) as prometheus,
        ):
            await models.apply(uri="s3://models/fraud/2", scaling=SCALING, server=SERVER, rollout=ROLLOUT)

            async def empty() -> list[str]:
                async with httpx.AsyncClient(trust_env=False) as http:
                    return [
                        f"{where}: {query}"
                        for where, query, legend in queries(models.namespace)
                        if not is_drawn(await results(http, prometheus, query), legend)
                    ]

            await wait_for(empty, 90, "something in every panel", until=lambda found: not found)


def job(name: str, port: int, labels: dict[str, str] | None = None) -> dict[str, Any]:
    """What is scraped there."""
    target = {"targets": [f"{HOST}:{port}"], "labels": labels or {}}
    return {"job_name": name, "scrape_interval": "1s", "scrape_timeout": "1s", "static_configs": [target]}


def shown(labels: dict[str, str]) -> list[str]:
    """What a Triton would tell of its GPU, with the labels of its pod."""
    of_pod = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return [line.replace("{", f"{{{of_pod},") for line in GPUS.read_text().splitlines()]


@asynccontextmanager
async def asking(triton: Triton) -> AsyncIterator[None]:
    """Triton has something to do."""

    async def go_on() -> None:
        async with httpx.AsyncClient(trust_env=False, base_url=f"http://{HOST}:{triton.http}") as http:
            while True:
                (await http.post("/v2/models/adder/infer", json=SUM)).raise_for_status()
                await asyncio.sleep(0.1)

    task = asyncio.create_task(go_on())
    try:
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def results(http: httpx.AsyncClient, prometheus: Prometheus, query: str) -> list[dict[str, Any]]:
    """What a query gives; one that Prometheus cannot read fails the test."""
    answer = (await http.get(f"{prometheus.address}/api/v1/query", params={"query": query})).json()
    assert answer["status"] == "success", (query, answer)
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def is_drawn(found: list[dict[str, Any]], legend: str) -> bool:
    """Whether there is a number, and each series has what its legend names."""
    named = set(re.findall(r"{{(\w+)}}", legend))
    numbers = [each for each in found if math.isfinite(float(each["value"][1]))]
    return bool(numbers) and all(named <= each["metric"].keys() for each in numbers)
