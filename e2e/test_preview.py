"""A look before it serves: the next version is asked at an address of its own, and serves when a person says so."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from e2e import adders, serving, steady
from e2e.kubectl import Kubectl
from e2e.waiting import await_status
from tritium.api import names
from tritium.api.status import Phase
from tritium.core.reasons import Reason

NAME = "look"
PREVIEW = names.preview_service(NAME)
ONE, TWO, THREE = [[5.0, 7.0]], [[6.0, 8.0]], [[7.0, 9.0]]
"""What each version answers."""


@pytest.fixture(scope="module")
def stored(shared: Kubectl) -> Kubectl:
    """Version 1 serves."""
    serving.start_store(shared)
    versions = (adders.files(f"adder/{offset}", offset=offset) for offset in (1, 2, 3))
    serving.put(shared, {key: content for files in versions for key, content in files.items()})
    shared.apply(asked(shared, 1))
    shared.wait("mdep", NAME, "condition=Released")
    return shared


def asked(namespace: Kubectl, version: int) -> dict[str, Any]:
    rollout = {"strategy": "blueGreen", "autoPromote": False, "bakeTime": "2s"}
    return serving.small(namespace, NAME, f"adder/{version}", rollout=rollout)


def waits(namespace: Kubectl) -> dict[str, Any]:
    return await_status(namespace, NAME, lambda status: status["reason"] == Reason.AWAITS_PROMOTION)


def says(namespace: Kubectl, action: str) -> None:
    namespace("annotate", "mdep", NAME, f"{names.ACTION}={action}", "--overwrite")


def test_it_is_looked_at_while_the_one_before_serves_and_no_request_fails(stored: Kubectl) -> None:
    await_status(stored, NAME, lambda status: "previewUrl" in status)
    assert serving.answer(stored, PREVIEW) == ONE
    steady.start(stored, NAME)
    stored.apply(asked(stored, 2))
    status = waits(stored)
    assert status["previewUrl"] == f"http://{PREVIEW}.{stored.namespace}.svc:8000"
    assert serving.answer(stored, PREVIEW) == TWO
    assert serving.answer(stored, NAME) == ONE
    with stored.forward(f"service/{PREVIEW}", 8000) as (address,):
        closed = httpx.post(f"http://{address}/v2/repository/models/adder/unload", trust_env=False)
        assert closed.status_code == httpx.codes.FORBIDDEN
        ready = httpx.get(f"http://{address}/v2/models/adder/ready", trust_env=False)
        assert (ready.status_code, ready.headers["tritium-revision"]) == (httpx.codes.OK, "2")
    says(stored, "promote@1")
    stored.wait("mdep", NAME, "condition=Released")
    await_status(stored, NAME, lambda status: status["phase"] == Phase.IDLE)
    told = steady.stop(stored)
    stored("delete", "pod", "client")

    print(told)
    assert told.failures == {}
    assert sorted(told.new_connections.answers) == [ONE[0][0], TWO[0][0]]
    assert serving.answer(stored, NAME) == serving.answer(stored, PREVIEW) == TWO


def test_what_is_turned_down_is_not_shown_any_more(stored: Kubectl) -> None:
    stored.apply(asked(stored, 3))
    waits(stored)
    assert serving.answer(stored, PREVIEW) == THREE
    says(stored, "abort@2")
    status = await_status(stored, NAME, lambda status: status["phase"] == Phase.ABORTED)
    assert status["traffic"]["preview"] == status["stable"]["revision"]
    version = status["traffic"]["version"]
    await_status(stored, NAME, lambda status: status["trafficObserved"]["version"] >= version)
    assert serving.answer(stored, NAME) == serving.answer(stored, PREVIEW) == TWO
