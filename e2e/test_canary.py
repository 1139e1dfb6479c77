"""Rollouts in steps with real models: a good one gets there, and what misbehaves on purpose is out by itself."""

from __future__ import annotations

import time
from typing import Any

import pytest

from e2e import adders, serving, steady
from e2e.kubectl import Kubectl
from e2e.waiting import await_status, condition
from tritium.core.reasons import Reason

NAME = "adder"
WIDER = "adder/wider"
"""A version that takes three numbers where the others take two."""
OUT_WITHIN = 20
"""Seconds from the first share of the traffic until there is none: its first hundred requests take about half."""

TURNS = "import itertools; self.turns = itertools.count()"
MISBEHAVE = {
    "raises": (TURNS, "assert next(self.turns) % 4, 'one of four fails'", "requests failed"),
    "is slow": ("pass", "time.sleep(0.4)", "took longer than 250 ms"),
    "dies": (TURNS, "next(self.turns) < 30 or __import__('os').kill(__import__('os').getppid(), 9)", ""),
    "leaks": ("self.kept = []", "len(self.kept) > 12 or self.kept.append(b'x' * 2**27)", ""),
}
"""What a version does while it is loaded, and with each batch of requests; and what its gate says of it.

What leaks stops at half as much again as it may have: that is for the machine, should nobody keep to the limit.
"""


@pytest.fixture(scope="module")
def stored(shared: Kubectl) -> Kubectl:
    """Clients ask version 1; version 2 is good, and the others misbehave."""
    serving.start_store(shared)
    files = adders.files("adder/1", offset=1) | adders.files("adder/2", offset=2)
    for name, (initialize, execute, _) in MISBEHAVE.items():
        files |= adders.files(f"adder/{name.replace(' ', '-')}", offset=9, initialize=initialize, execute=execute)
    wider = adders.files(WIDER)
    wider[f"{WIDER}/config.pbtxt"] = wider[f"{WIDER}/config.pbtxt"].replace(b"dims: [ 2 ]", b"dims: [ 3 ]")
    serving.put(shared, files | wider)
    shared.apply(asked(shared, "adder/1"))
    shared.wait("mdep", NAME, "condition=Released")
    return shared


def asked(namespace: Kubectl, prefix: str, **rollout: Any) -> dict[str, Any]:
    """A version, to be rolled out in steps."""
    steps = [{"weight": 20, "minDuration": "5s"}, {"weight": 50, "minDuration": "5s"}]
    analysis = {"latency": {"threshold": "250ms"}}
    rollout = {"steps": steps, "analysis": analysis, "bakeTime": "2s", **rollout}
    return serving.small(namespace, NAME, prefix, rollout=rollout)


def part(status: dict[str, Any]) -> int:
    """Percent that the candidate has."""
    return int((status.get("candidate") or {}).get("weight") or 0)


@pytest.mark.parametrize("name", MISBEHAVE)
def test_what_misbehaves_is_out_by_itself(stored: Kubectl, name: str) -> None:
    *_, says = MISBEHAVE[name]
    steady.start(stored, NAME)
    stored.apply(asked(stored, f"adder/{name.replace(' ', '-')}"))
    await_status(stored, NAME, lambda status: part(status) == 20)
    began = time.monotonic()
    status = await_status(stored, NAME, lambda status: status["phase"] == "Aborted")
    assert time.monotonic() - began < OUT_WITHIN
    out = time.time()
    steady.go_on(3)
    told = steady.stop(stored)
    stored("delete", "pod", "client")

    print(told)
    assert status["reason"] in {Reason.GATE_FAILED, Reason.SERVER_CRASHED}
    assert says in condition(status, "Released")["message"]
    assert condition(status, "Ready")["status"] == "True"
    assert status["stable"]["revision"] == 1
    assert told.of_others(max(each["revision"] for each in status["rejectedRevisions"])) == {}
    assert sum(each["weight"] for each in status["traffic"]["revisions"] if each["revision"] != 1) == 0
    # It had a fifth of the requests, for some seconds; of the others none has failed, and none after it was out.
    failed = [moment for each in told.clients.values() for times in each.failures.values() for moment in times]
    assert all(told.began + moment < out + 1 for moment in failed)
    assert len(failed) < 0.3 * sum(each.requests for each in told.clients.values())


def test_a_version_with_other_tensors_has_no_request_until_somebody_allows_it(stored: Kubectl) -> None:
    steady.start(stored, NAME)
    stored.apply(asked(stored, WIDER))
    status = await_status(stored, NAME, lambda status: status["phase"] == "Blocked")
    steady.go_on(3)
    told = steady.stop(stored)
    stored("delete", "pod", "client")
    assert status["reason"] == Reason.SIGNATURE_CHANGED
    assert "input A is FP32 [-1, 3], and was FP32 [-1, 2]" in condition(status, "Released")["message"]
    assert condition(status, "Stalled")["status"] == condition(status, "Ready")["status"] == "True"
    assert part(status) == 0
    assert not told.failures
    stored.apply(asked(stored, WIDER, compatibility="Warn"))
    await_status(stored, NAME, lambda status: part(status) == 20)
    stored.apply(asked(stored, "adder/1"))
    stored.wait("mdep", NAME, "condition=Released")


def test_a_good_version_gets_there_and_no_request_fails(stored: Kubectl) -> None:
    steady.start(stored, NAME)
    stored.apply(asked(stored, "adder/2"))
    await_status(stored, NAME, lambda status: part(status) == 20)
    await_status(stored, NAME, lambda status: part(status) == 50)
    stored.wait("mdep", NAME, "condition=Released")
    told = steady.stop(stored)
    stored("delete", "pod", "client")

    print(told)
    assert told.failures == {}
    assert sorted(told.new_connections.answers) == [5.0, 6.0]
