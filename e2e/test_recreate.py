"""One after the other: the old pod has ended before there is a new one, and comes back if that one is no good."""

from __future__ import annotations

from typing import Any

import pytest

from e2e import adders, serving
from e2e.kubectl import Kubectl
from e2e.waiting import await_status, condition
from tritium.core.reasons import Reason

NAME = "only"


@pytest.fixture(scope="module")
def stored(shared: Kubectl) -> Kubectl:
    """Version 1 serves; version 2 is good, and version 3 cannot be loaded."""
    serving.start_store(shared)
    files = adders.files("adder/1", offset=1) | adders.files("adder/2", offset=2)
    serving.put(shared, files | adders.files("adder/3", initialize="assert False, 'as the test says'"))
    shared.apply(asked(shared, 1))
    shared.wait("mdep", NAME, "condition=Released")
    return shared


def asked(namespace: Kubectl, version: int) -> dict[str, Any]:
    return serving.small(namespace, NAME, f"adder/{version}", rollout={"strategy": "recreate", "bakeTime": "1s"})


def test_one_after_the_other(stored: Kubectl) -> None:
    stored.apply(asked(stored, 2))
    status = await_status(stored, NAME, lambda status: condition(status, "Ready")["reason"] == Reason.RECREATING)
    assert "revision 1 has given up its pods" in condition(status, "Ready")["message"]
    assert len({pod["metadata"]["labels"]["serving.tritium.dev/revision"] for pod in serving.pods(stored, NAME)}) < 2
    stored.wait("mdep", NAME, "condition=Released")
    assert serving.answer(stored, NAME) == [[6.0, 8.0]]


def test_back_to_what_served_by_itself(stored: Kubectl) -> None:
    stored.apply(asked(stored, 3))
    await_status(stored, NAME, lambda status: condition(status, "Ready")["status"] == "False")
    status = await_status(
        stored, NAME, lambda status: status["phase"] == "Aborted" and condition(status, "Ready")["status"] == "True"
    )
    assert status["stable"]["revision"] == 2
    assert serving.answer(stored, NAME) == [[6.0, 8.0]]
