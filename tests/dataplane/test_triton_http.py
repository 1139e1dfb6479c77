"""How much waits in a real Triton, and what it does at the same time, as it says itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.controlplane.waiting import wait_for
from tests.dataplane.triton import Triton
from tests.ports import HOST, free_ports
from tritium.core.scaling.at_once import AtOnce
from tritium.probes.triton_http import TritonProbe, Unanswered

SECONDS = {"inputs": [{"name": "SECONDS", "datatype": "FP32", "shape": [1], "data": [2.0]}]}


@pytest.fixture
async def probe(triton: Triton) -> AsyncIterator[TritonProbe]:
    async with TritonProbe(metrics_port=triton.metrics, http_port=triton.http) as made:
        yield made


async def test_what_waits_is_counted_while_it_waits(triton: Triton, probe: TritonProbe) -> None:
    before = await probe.load(HOST, "slow")
    assert (before.pending, before.gpu) == (0, None)
    url = f"http://{HOST}:{triton.http}/v2/models/slow/infer"
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        asked = [asyncio.create_task(http.post(url, json=SECONDS)) for _ in range(4)]
        # One instance: one is worked on, and the others wait.
        await wait_for(lambda: probe.load(HOST, "slow"), what="three wait", until=lambda seen: seen.pending == 3)
        assert (await probe.load(HOST, "adder")).pending == 0
        assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
    after = await wait_for(lambda: probe.load(HOST, "slow"), what="none waits", until=lambda seen: not seen.pending)
    assert after.requests - before.requests == 4
    # Two, four and six seconds, but for what it took until they were all sent.
    assert 9 < (after.queued_us - before.queued_us) / 1e6 < 14


async def test_what_a_model_does_at_once(probe: TritonProbe) -> None:
    assert await probe.at_once(HOST, "slow") == AtOnce(instances=1, batch=1)
    assert await probe.at_once(HOST, "adder") == AtOnce(instances=1, batch=8)


async def test_what_does_not_answer_is_said(triton: Triton, probe: TritonProbe) -> None:
    with pytest.raises(Unanswered, match="have no nv_inference_pending_request_count of the model gone"):
        await probe.load(HOST, "gone")
    with pytest.raises(Unanswered, match="answers with status 404"):
        await probe.at_once(HOST, "gone")
    async with TritonProbe(metrics_port=free_ports(1)[0]) as nobody:
        with pytest.raises(Unanswered):
            await nobody.load(HOST, "adder")
    with triton.frozen(), pytest.raises(Unanswered, match="does not answer within 1 s"):
        await probe.load(HOST, "adder")
