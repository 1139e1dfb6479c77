"""The stand-in for gateway pods says what an agent would say whose Envoy takes everything at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.controlplane.operating.harness import MDEP
from tests.controlplane.waiting import wait_for
from tritium.api.gateway import AGENT_PORT, COUNTERS_PATH, REPORT_PATH, GatewayReport
from tritium.resources.gateway.identity import LABELS

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.gateways import Gateways
    from tests.controlplane.operating.harness import Models

SLICE = "fraud-0a1b2c3d"


async def ask(ip: str, path: str = REPORT_PATH) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(f"http://{ip}:{AGENT_PORT}{path}")


async def ready_pod(models: Models, name: str = "gateway") -> str:
    """A gateway's pod that the stub kubelet has made ready; returns its address."""
    spec = {"containers": [{"name": "envoy", "image": "envoy"}], "automountServiceAccountToken": False}
    metadata = {"name": name, "namespace": models.namespace, "labels": dict(LABELS)}
    await models.api.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

    async def address() -> str:
        status = (await models.api.get("v1/pods", name, models.namespace)).get("status") or {}
        ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", ()))
        return str(status["podIP"]) if ready else ""

    return await wait_for(address, 10, "the pod is ready")


async def tell(models: Models, version: int) -> Object:
    """A status that sends all requests to revision 1."""
    revision = {"revision": 1, "service": SLICE, "weight": 10_000}
    traffic = {"version": version, "port": 10_001, "revisions": [revision]}
    return await models.api.patch(
        MDEP, "fraud", models.namespace, {"status": {"traffic": traffic}}, subresource="status"
    )


def endpoints(namespace: str, *ready: bool) -> Object:
    """An EndpointSlice of revision 1."""
    addresses = [
        {"addresses": [f"10.0.0.{number}"], "conditions": {"ready": each}} for number, each in enumerate(ready, 1)
    ]
    labels = {"kubernetes.io/service-name": SLICE}
    metadata = {"name": SLICE, "namespace": namespace, "labels": labels}
    kind = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4"}
    return {**kind, "metadata": metadata, "endpoints": addresses, "ports": [{"name": "http", "port": 8000}]}


async def says(ip: str, wanted: dict[str, Any]) -> GatewayReport:
    """Wait until a pod says that of the model."""

    async def seen() -> dict[str, Any] | None:
        report = GatewayReport.model_validate_json((await ask(ip)).content)
        (model,) = report.models or (None,)
        if model is None:
            return None
        (revision,) = model.revisions or (None,)
        refused = model.rejection.message if model.rejection else None
        return {"version": model.version, "endpoints": revision and revision.endpoints, "refused": refused}

    await wait_for(seen, 10, "it says so", until=lambda found: found == wanted)
    return GatewayReport.model_validate_json((await ask(ip)).content)


async def test_it_says_what_the_api_server_has(models: Models, gateways: Gateways) -> None:
    obj = await models.apply()
    await models.apply("untold")
    await tell(models, 3)
    await models.api.create(endpoints(models.namespace, True, False, True))
    ip = await ready_pod(models)
    report = await says(ip, {"version": 3, "endpoints": 2, "refused": None})
    assert (report.synced, report.connected, report.envoy) == (True, True, "1.40.0")
    assert (report.models[0].uid, report.models[0].port) == (obj["metadata"]["uid"], 10_001)
    await tell(models, 4)
    await says(ip, {"version": 4, "endpoints": 2, "refused": None})
    assert (await ask(ip, COUNTERS_PATH)).json() == {"age": None, "models": [], "revisions": []}

    (agent,) = gateways.of(models.namespace)
    agent.stays_behind()
    await tell(models, 5)
    await says(ip, {"version": 4, "endpoints": 2, "refused": None})
    agent.refuses("it is bad")
    await tell(models, 6)
    await says(ip, {"version": 4, "endpoints": 2, "refused": "it is bad"})
    agent.follows()
    await says(ip, {"version": 6, "endpoints": 2, "refused": None})
    agent.silent = True
    with pytest.raises(httpx.TransportError):
        await ask(ip)
    agent.silent = False
    await models.api.delete(MDEP, "fraud", models.namespace)
    await wait_for(agent.report, until=lambda said: b"fraud" not in said)


async def test_pods_have_addresses_of_their_own_until_they_are_gone(models: Models, gateways: Gateways) -> None:
    first, second = await ready_pod(models, "one"), await ready_pod(models, "two")
    assert first != second
    await models.api.delete("v1/pods", "one", models.namespace)
    await wait_for(lambda: len(gateways.agents), until=lambda number: number == 1)

    async def is_closed() -> bool:
        try:
            await ask(first)
        except httpx.ConnectError:
            return True
        return False

    await wait_for(is_closed, 5, "nobody listens any more")
    assert (await ask(second)).status_code == 200


async def test_what_is_refused_at_once_has_never_run(models: Models, gateways: Gateways) -> None:
    gateways.new = lambda agent: agent.refuses("it is bad")
    await models.apply()
    ip = await ready_pod(models)
    await tell(models, 1)
    await says(ip, {"version": 0, "endpoints": None, "refused": "it is bad"})
