"""From Envoy's statistics by the agent to the operator's sums: what clients sent is what the operator says."""

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import grpc
import pytest
from tritonclient.grpc.service_pb2 import RepositoryIndexRequest

from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway.facts import facts, model, revision, slice_of
from tests.dataplane.gateway.pod import GatewayPod
from tests.dataplane.gateway.requests import http, infer, said, stub_of, sum_of
from tests.dataplane.gateway.tables import pod as endpoint
from tests.dataplane.gateway.test_agent import running
from tests.dataplane.triton import Triton
from tests.ports import HOST, free_ports
from tritium.api.gateway import GatewayCounters
from tritium.core.counts import ANSWERED, ARRIVED, BUCKET, GRPC, HTTP, REFUSED, ROUTED, Part, Series
from tritium.gateway.facts import Facts
from tritium.loop import polling
from tritium.loop.counting import Counting
from tritium.loop.polling import Polling, Target
from tritium.probes import gateway as probes
from tritium.probes.gateway import GatewayProbe

INFER = "/v2/models/adder/infer"
FRAUD = Series("ml", "fraud")
ONE_ROUND: dict[Series, dict[Part, int]] = {
    FRAUD: {ARRIVED: 10, ROUTED: 9, ANSWERED: 2, REFUSED: 3},
    Series("ml", "fraud", 1): {Part(HTTP, "200"): 3, Part(HTTP, "400"): 1, Part(GRPC, "0"): 2, Part(GRPC, "3"): 1},
}
"""What `send` comes to."""


async def send(port: int) -> None:
    """Requests of every kind: good ones, bad ones, and those that are refused."""
    async with http(port) as client, stub_of(port) as stub:
        for _ in range(3):
            assert (await client.post(INFER, json=sum_of(1, 2))).status_code == 200
        assert (await client.get("/v2/models/adder/versions/9/ready")).status_code == 400
        assert (await client.post("/v2/repository/index")).status_code == 403
        assert (await client.post(INFER, content=b"{}".ljust(6_000))).status_code == 413
        for _ in range(2):
            await stub.ModelInfer(infer("adder", A=[[1, 1]], B=[[2, 2]]))
        for call, code in (
            (stub.ModelInfer(infer("adder")), grpc.StatusCode.INVALID_ARGUMENT),
            (stub.RepositoryIndex(RepositoryIndexRequest()), grpc.StatusCode.PERMISSION_DENIED),
        ):
            assert (await said(call))[0] is code


def served(triton: Triton, port: int) -> Facts:
    """One ModelDeployment with one revision."""
    traffic: dict[str, Any] = {"port": port, "model": "adder", "revisions": [revision(1)]}
    limited = model(version=1, **traffic, limits={"maxRequestBytes": 5_000})
    return facts([limited], [slice_of("fraud-1", endpoint(triton))])


class Operator:
    """What the operator has of gateways that is about counting, and nothing else.

    Attributes:
        ages: of Envoy, as it told them.
    """

    def __init__(self, probe: GatewayProbe) -> None:
        self.counting = Counting(lambda _: True)
        self.ages: list[int] = []
        self.polling = Polling(
            probe,
            wake=lambda _, __: None,
            awaits=lambda _: True,
            counts=self._counted,
            counts_again=lambda _: None,
            judges=lambda _: False,
        )

    def _counted(self, pod: Target, counters: GatewayCounters) -> None:
        self.ages.append(counters.age or 0)
        self.counting.take_in(pod.uid, pod.namespace, counters, began_before=False, at=time.monotonic())

    def says(self) -> dict[Series, dict[Part, int]]:
        """Its sums, as far as they do not depend on how long something took: all buckets of a revision are one."""
        return {
            series: {part: int(count) for part, count in counts.items() if count and part.kind in _COMPARED}
            | ({Part(BUCKET): int(sum(counts[part] for part in counts if part.kind == BUCKET))} if series[2] else {})
            for series, counts in self.counting.sums().items()
        }


_COMPARED = {HTTP, GRPC, ARRIVED.kind, ROUTED.kind, ANSWERED.kind, REFUSED.kind}


def rounds(number: int) -> dict[Series, dict[Part, int]]:
    """What so many come to."""
    of_revision = ONE_ROUND[Series("ml", "fraud", 1)]
    expected = {series: dict(counts) for series, counts in ONE_ROUND.items()}
    expected[Series("ml", "fraud", 1)][Part(BUCKET)] = sum(of_revision.values())
    return {series: {part: number * count for part, count in counts.items()} for series, counts in expected.items()}


async def test_the_operator_says_what_was_sent(triton: Triton, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when Envoy has begun anew."""
    [port] = free_ports(1)
    async with running(tmp_path, served(triton, port)) as pod, GatewayProbe() as probe:
        monkeypatch.setattr(probes, "AGENT_PORT", pod.port)
        monkeypatch.setattr(polling, "COUNT_EVERY", 0.25)
        operator = Operator(probe)
        operator.polling.follow("ml", [Target("ml", "tritium-gateway-0", "uid-0", HOST)])
        try:
            await send(port)
            await wait_for(operator.says, 15, "one round", until=lambda seen: seen == rounds(1))
            await wait_for(lambda: operator.ages[-1], 15, "Envoy is not new", until=lambda age: age >= 3)
            await restart(pod)
            for _ in range(2):
                await send(port)
            await wait_for(operator.says, 15, "three rounds", until=lambda seen: seen == rounds(3))
            assert operator.counting.active() == {Series("ml", "fraud", 1): 0}
            assert any(later < earlier for earlier, later in pairwise(operator.ages))
        finally:
            operator.polling.stop()


async def restart(pod: GatewayPod) -> None:
    """Another Envoy, and the same agent."""
    pod.kill_envoy()
    await pod.start_envoy()
    await pod.ready()
