"""Versions that misbehave before they have a request, or again and again, and one that is only slow to come.

`test_canary` has those that misbehave with their requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from e2e import adders, broken, serving, steady
from e2e.kubectl import Kubectl
from e2e.waiting import await_status, condition
from tritium.core.reasons import Reason

Object = dict[str, Any]
NAME: Final = "adder"
STABLE: Final = 4.0
"""The first number of its answers; a version with an offset answers with more."""
RESTARTS: Final = 2
DIES: Final = "__import__('threading').Timer(10, lambda: __import__('os').kill(__import__('os').getppid(), 9)).start()"
"""Some seconds after each start it ends its server."""
LOADS: Final = "time.sleep(25)"


@dataclass(frozen=True, slots=True)
class Never:
    """A version that never gets a request.

    Attributes:
        reason: for which it is turned down,
        says: and parts of the sentence.
        made: how it is made.
        model: further members of `spec.model`.
    """

    reason: Reason
    says: tuple[str, ...]
    made: dict[str, Any]
    model: Object = field(default_factory=dict)


NEVER: Final = {
    "answers wrongly": Never(
        Reason.SMOKE_TEST_FAILED, ("one-and-two", "SUM"), {"offset": 1}, {"smokeTest": [broken.SMOKE_TEST]}
    ),
    "cannot be loaded": Never(
        Reason.MODEL_LOAD_FAILED,
        ("the weights do not fit the layers", "Correct the model"),
        {"initialize": "raise ValueError('the weights do not fit the layers')"},
    ),
}


@pytest.fixture(scope="module")
def stored(shared: Kubectl) -> Kubectl:
    """A good version is served."""
    serving.start_store(shared)
    files = adders.files("adder/good")
    files |= adders.files("adder/dies", offset=9, initialize=DIES)
    files |= adders.files("adder/slow", offset=3, initialize=LOADS)
    for name, each in NEVER.items():
        files |= adders.files(prefix(name), **each.made)
    serving.put(shared, files)
    shared.apply(asked(shared, "adder/good"))
    shared.wait("mdep", NAME, "condition=Released")
    return shared


def prefix(name: str) -> str:
    """Where a version lies."""
    return f"adder/{name.replace(' ', '-')}"


def asked(namespace: Kubectl, at: str, *, least: str = "3s", model: Object | None = None) -> Object:
    """A version, to be rolled out in a step that takes at least so long, and that forgives much."""
    rollout = {
        "strategy": "canary",
        "steps": [{"weight": 50, "minDuration": least}],
        "analysis": {"errors": {"maxShare": 0.5}, "restarts": {"max": RESTARTS}},
        "bakeTime": "2s",
    }
    return serving.small(namespace, NAME, at, model=model, rollout=rollout)


def turned_down(namespace: Kubectl, obj: Object) -> Object:
    """Ask for a version; the status once it is turned down."""
    namespace.apply(obj)
    generation = namespace.get("mdep", NAME)["metadata"]["generation"]

    def is_so(status: Object) -> bool:
        return bool(status["observedGeneration"] == generation and status["phase"] == "Aborted")

    return await_status(namespace, NAME, is_so, seconds=150)


def told_by_clients(namespace: Kubectl) -> steady.Summary:
    """What the clients have to say in the end."""
    told = steady.stop(namespace)
    namespace("delete", "pod", "client")
    print(told)
    return told


@pytest.mark.parametrize("name", NEVER)
def test_it_never_gets_a_request(stored: Kubectl, name: str) -> None:
    version = NEVER[name]
    steady.start(stored, NAME)
    status = turned_down(stored, asked(stored, prefix(name), model=version.model))
    told = told_by_clients(stored)

    assert status["reason"] == version.reason
    assert all(each in condition(status, "Released")["message"] for each in version.says)
    assert condition(status, "Ready")["status"] == "True"
    assert told.failures == {}
    assert {first for each in told.clients.values() for first in each.answers} == {STABLE}


def test_what_dies_again_and_again_is_out_and_no_other_version_fails(stored: Kubectl) -> None:
    """It has its share whenever it is there, for some seconds; each time it dies what it had in hand is lost."""
    steady.start(stored, NAME)
    status = turned_down(stored, asked(stored, "adder/dies", least="1h"))
    told = told_by_clients(stored)

    dies = max(each["revision"] for each in status["rejectedRevisions"])
    assert status["reason"] == Reason.GATE_FAILED
    assert f"Restarts of its containers: {RESTARTS + 1}" in condition(status, "Released")["message"]
    assert condition(status, "Ready")["status"] == "True"
    assert told.of_others(dies) == {}
    assert sum(each.failed for each in told.clients.values()) < 0.1 * sum(
        each.requests for each in told.clients.values()
    )


def test_one_that_takes_long_to_load_is_waited_for(stored: Kubectl) -> None:
    steady.start(stored, NAME)
    stored.apply(asked(stored, "adder/slow"))
    held = await_status(stored, NAME, lambda status: "Triton is loading the model" in str(status))
    stored.wait("mdep", NAME, "condition=Released")
    told = told_by_clients(stored)

    assert held["phase"] == "Preparing"
    assert (held["stable"]["revision"], held["stable"]["weight"]) == (1, 100)
    assert told.failures == {}
    assert sorted(told.new_connections.answers) == [STABLE, STABLE + 3]
