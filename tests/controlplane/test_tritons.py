"""The stand-in for Triton leaves nothing behind, whenever its kubelet ends."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress

import pytest

from tests.controlplane.addresses import TRITON_PORT
from tests.controlplane.manifests import pod
from tests.controlplane.tritons import Tritons
from tritium.probes.triton_http import HTTP_PORT, METRICS_PORT


async def answers(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    with suppress(ConnectionError):
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        await writer.wait_closed()
        return True
    return False


@pytest.mark.parametrize("turns", [*range(12), 1000])
async def test_nobody_listens_after_an_end_at_any_time(monkeypatch: pytest.MonkeyPatch, turns: int) -> None:
    part = 1 + secrets.randbelow(240)
    monkeypatch.setattr(secrets, "randbelow", lambda _: part)
    tritons, host = Tritons(), f"127.244.{part}.{1 + part}"
    obj = pod("p")
    obj["metadata"]["uid"] = "1"
    serving = asyncio.create_task(tritons.serve(obj))
    for _ in range(turns):
        await asyncio.sleep(0)
    serving.cancel()
    await asyncio.wait([serving])
    if not serving.cancelled():
        assert serving.result() == host.replace("127", "10", 1)
        assert await answers(host, TRITON_PORT)
    await tritons.close()
    for port in (TRITON_PORT, HTTP_PORT, METRICS_PORT):
        assert not await answers(host, port)
