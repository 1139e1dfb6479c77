"""An A/B test with real models: arms answer by their weights and by their header, and nobody's request fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from e2e import adders, serving, steady
from e2e.kubectl import Kubectl
from e2e.waiting import await_status, condition

NAME = "adder"


@pytest.fixture(scope="module")
def stored(shared: Kubectl) -> Kubectl:
    """Version 1 is kept, version 2 serves, and the third lies beside them."""
    serving.start_store(shared)
    serving.put(shared, {key: each for offset in (1, 2, 3) for key, each in of(offset).items()})
    for number in (1, 2):
        shared.apply(asked(shared, number))
        shared.wait("mdep", NAME, "condition=Released")
        await_status(shared, NAME, serves(number))
    return shared


def of(offset: int) -> dict[str, bytes]:
    return adders.files(f"adder/{offset}", offset=offset)


def asked(namespace: Kubectl, number: int, **spec: Any) -> dict[str, Any]:
    return serving.small(namespace, NAME, f"adder/{number}", rollout={"bakeTime": "2s"}, **spec)


def serves(number: int) -> Callable[[dict[str, Any]], bool]:
    return lambda status: bool(status["stable"]["revision"] == number)


def shares(status: dict[str, Any]) -> dict[str, int]:
    return {each["name"]: each.get("weight", 0) for each in status.get("arms") or ()}


def test_arms_answer_by_their_weights_and_the_end_takes_no_request(stored: Kubectl) -> None:
    steady.start(stored, NAME)
    overlay = {"source": {"uri": "s3://models/adder/3"}}
    arms = [{"name": "old", "revision": 1, "weight": 30}, {"name": "other", "model": overlay, "weight": 30}]
    stored.apply(asked(stored, 2, experiment={"arms": arms}))
    await_status(stored, NAME, lambda status: shares(status) == {"old": 30, "other": 30, "stable": 40})
    # Of very few requests there is no quantile yet.
    status = await_status(stored, NAME, lambda status: all(each.get("latency") for each in status["arms"]))
    assert all(each["requests"] for each in status["arms"])
    assert sum(each["errors"] for each in status["arms"]) == 0
    assert all(len(each["latency"]) == 2 for each in status["arms"])
    assert condition(status, "Released")["status"] == "True"

    stored.apply(asked(stored, 2))
    status = await_status(stored, NAME, lambda status: "arms" not in status)
    assert status["stable"]["weight"] == 100
    steady.go_on(3)
    told = steady.stop(stored)
    stored("delete", "pod", "client")

    print(told)
    assert told.failures == {}
    for each in told.clients.values():
        assert len(each.answers) == 3, "each version has answered"
