"""A real Triton that sleeps: a request wakes it and is answered by it, again and again, and nothing else wakes it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from e2e import operator, serving
from e2e.kubectl import Kubectl
from e2e.waiting import await_status, condition

NAME = "adder"
SUM = [[4.0, 6.0]]
AT_ONCE = 8
"""Requests that wait together."""


@pytest.fixture(scope="module")
def sleepy(shared: Kubectl) -> Kubectl:
    """A model that sleeps when nobody asked it anything for ten seconds."""
    serving.start_store(shared)
    serving.put_model(shared, "adder", "adder/1")
    scaling = {"min": 0, "max": 2, "idleAfter": "10s", "holdFor": "2m"}
    shared.apply(serving.small(shared, NAME, "adder/1", scaling=scaling))
    shared.wait("mdep", NAME, "condition=Ready")
    return shared


def sleeps(namespace: Kubectl) -> dict[str, Any]:
    """Wait until it sleeps, and its pods are gone."""
    status = await_status(namespace, NAME, lambda status: condition(status, "Ready")["reason"] == "Asleep", 120)
    while serving.pods(namespace, NAME):
        time.sleep(0.5)
    return status


def test_a_request_wakes_it_again_and_again(sleepy: Kubectl) -> None:
    for turn in range(2):
        told = sleeps(sleepy)["scaling"]
        assert (told["desired"], told["limitedBy"]) == (0, "idle")
        if turn == 1:  # who comes while no operator is there is not forgotten
            sleepy.within(operator.NAMESPACE)("delete", "pod", "-l", operator.SELECTOR, "--wait=false")
        began = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as clients:
            answers = list(clients.map(lambda _: serving.answer(sleepy, NAME), range(AT_ONCE)))
        print(f"{AT_ONCE} requests were answered after {time.monotonic() - began:.1f} s")
        assert answers == [SUM] * AT_ONCE
    events = sleepy("get", "events", "--field-selector=reason=Scaled", "-o", "jsonpath={.items[*].message}")
    assert "1 -> 0 pods" in events
    assert "0 -> 1 pods" in events


def test_nothing_but_inference_wakes_it(sleepy: Kubectl) -> None:
    before = sleeps(sleepy)
    with sleepy.forward(f"service/{NAME}", 8000) as (address,), httpx.Client(base_url=f"http://{address}") as http:
        for path in ("/v2/health/ready", "/v2/health/live", "/v2/models/adder", "/v2/models/adder/stats"):
            answer = http.get(path)
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, path
            assert answer.headers["retry-after"]
    time.sleep(3)  # for as long as it takes to wake it
    assert serving.pods(sleepy, NAME) == []
    assert sleepy.get("mdep", NAME)["status"]["traffic"] == before["traffic"]


def test_without_holding_who_comes_is_told_to_come_again(sleepy: Kubectl) -> None:
    scaling = {"min": 0, "max": 2, "idleAfter": "10s", "holdFor": "0s"}
    sleepy.apply(serving.small(sleepy, NAME, "adder/1", scaling=scaling))
    sleeps(sleepy)
    with sleepy.forward(f"service/{NAME}", 8000) as (address,), httpx.Client(base_url=f"http://{address}") as http:
        answer = http.post("/v2/models/adder/infer", json={"inputs": []})
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert answer.headers["retry-after"]
    await_status(sleepy, NAME, lambda status: condition(status, "Ready")["reason"] == "Serving", 120)
    assert serving.answer(sleepy, NAME) == SUM
