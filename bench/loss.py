"""Whether a request is lost: clients that never stop asking, while everything that can change does.

On the kind cluster, which is brought up if it is not there. Four clients in a pod ask one model: HTTP and gRPC, each
on a kept connection and on a new one for every request. Meanwhile, in each of some blocks, all gateway pods are
replaced while requests are moved between two revisions back and forth, and then new revisions take over whose
predecessors' pods go. All pods of the operator are killed every 30 seconds.

BENCH_LOSS=small: one short block, some minutes instead of about half an hour.
"""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from rich.table import Table

from bench.on_kind import cluster, console, namespace, until
from e2e import adders, operator, serving, steady
from e2e.kubectl import Kubectl, Refused
from tritium.api import names
from tritium.api.gateway import MAX_WEIGHT

Object = dict[str, Any]
NAME: Final = "adder"
KILL_EVERY: Final = 30.0
WARM, SHORT = "1h", "1s"
"""How long a revision keeps its pods after it has stopped serving."""
GATEWAYS: Final = f"{names.COMPONENT}={names.Component.GATEWAY}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done.

    Attributes:
        blocks: each with one replacement of all gateway pods.
        weights: in each block, changes of weights between two revisions with pods; an even number.
        revisions: in each block, changes to a new revision, after each of which the old one's pods go.
    """

    blocks: int
    weights: int
    revisions: int

    @property
    def versions(self) -> int:
        """Versions of the model that are needed: one to begin with, and for each block one more for its weights."""
        return 1 + self.blocks * (1 + self.revisions)


FULL: Final = Plan(blocks=5, weights=60, revisions=6)
SMALL: Final = Plan(blocks=1, weights=6, revisions=2)


@dataclass(slots=True)
class Done:
    """What was done.

    Attributes:
        weights, revisions: seconds from the edit until every gateway pod ran it, for each change.
        restarts: seconds of each replacement of all gateway pods.
        kills: how often the operator's pods were killed,
        missed: and what came in the way of it.
    """

    weights: list[float] = field(default_factory=list)
    revisions: list[float] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)
    kills: int = 0
    missed: list[str] = field(default_factory=list)


async def main() -> None:
    """Measure and print."""
    await asyncio.to_thread(_measure, SMALL if os.environ.get("BENCH_LOSS") == "small" else FULL)


def _measure(plan: Plan) -> None:
    kubectl = cluster()
    done = Done()
    with namespace(kubectl) as inside:
        _store(inside, plan)
        _serve(inside, 1, WARM)
        steady.start(inside, NAME)
        with _killing(kubectl, done):
            for block in range(plan.blocks):
                _block(inside, plan, 1 + block * (1 + plan.revisions), done)
                console.print(f"block {block + 1} of {plan.blocks} is done")
        told = steady.stop(inside)
    show(told, done)
    if wrong := [*_failed(told, plan), *_not_done(told, done)]:
        sys.exit("bench: " + "; ".join(wrong))


def _store(inside: Kubectl, plan: Plan) -> None:
    """A bucket with all versions of the model; version n adds n."""
    serving.start_store(inside)
    files = [adders.files(f"{NAME}/{number}", offset=number) for number in range(1, plan.versions + 1)]
    serving.put(inside, {key: text for each in files for key, text in each.items()})


@contextmanager
def _killing(kubectl: Kubectl, done: Done) -> Iterator[None]:
    """Kill the operator's pods again and again, as long as the block runs."""
    stop = threading.Event()

    def kill() -> None:
        while not stop.wait(KILL_EVERY):
            try:
                operator.kill(kubectl)
            except (Refused, subprocess.SubprocessError) as error:  # such as a container that has just ended itself
                done.missed.append(str(error))
            else:
                done.kills += 1

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _block(inside: Kubectl, plan: Plan, version: int, done: Done) -> None:
    """One block; `version` serves when it begins."""
    done.revisions.append(_serve(inside, version + 1, WARM))
    with _restarting_gateways(inside, done):
        for number in range(plan.weights):
            done.weights.append(_serve(inside, version + number % 2, WARM))
    for number in range(plan.revisions):
        done.revisions.append(_serve(inside, version + 2 + number, SHORT))
        until("the old revision's pods go", lambda: _deployed(inside) == 1)
    until("the old revisions' pods are gone", lambda: len(serving.pods(inside, NAME)) == 1)


def _serve(inside: Kubectl, version: int, bake: str) -> float:
    """Have a version served; returns the seconds until every gateway pod sends all requests to it."""
    began = time.monotonic()
    inside.apply(serving.small(inside, NAME, f"{NAME}/{version}", rollout={"bakeTime": bake}))
    until(f"version {version} is served", lambda: is_served(inside.get("mdep", NAME), version))
    return time.monotonic() - began


def is_served(obj: Object, revision: int) -> bool:
    """Whether the status says that every ready gateway pod sends all requests to a revision, as it is told to."""
    status = obj.get("status") or {}
    told, observed = status.get("traffic") or {}, status.get("trafficObserved") or {}
    shares = {each["revision"]: each["weight"] for each in observed.get("revisions") or ()}
    return bool(told and told["version"] == observed.get("version") and shares.get(revision) == MAX_WEIGHT)


def _deployed(inside: Kubectl) -> int:
    """Revisions that are to have pods."""
    return sum(each["spec"]["replicas"] > 0 for each in inside.items("deployments", f"{names.OWNER}={NAME}"))


@contextmanager
def _restarting_gateways(inside: Kubectl, done: Done) -> Iterator[None]:
    """Replace all gateway pods while the block runs; it ends when both are done."""
    before, began = _gateways(inside), time.monotonic()
    inside("rollout", "restart", f"deployment/{names.GATEWAY}")
    yield
    until("the gateway's pods are others", lambda: not before & _gateways(inside) and _ready_gateways(inside) == 2)
    done.restarts.append(time.monotonic() - began)


def _gateways(inside: Kubectl) -> set[str]:
    return {pod["metadata"]["name"] for pod in inside.items("pods", GATEWAYS)}


def _ready_gateways(inside: Kubectl) -> int:
    return sum(map(serving.is_ready, inside.items("pods", GATEWAYS)))


def _failed(told: steady.Summary, plan: Plan) -> Iterator[str]:
    """What is not as it has to be, in words."""
    for name, each in told.clients.items():
        if each.failed:
            yield f"{name}: {each.failed} requests failed"
        if each.requests != each.answered + each.failed:
            yield f"{name}: {each.requests - each.answered - each.failed} requests are not accounted for"
    versions = {4.0 + version for version in range(1, plan.versions + 1)}
    if told.new_connections.answers.keys() != versions:
        yield f"not every version has answered, or another: {sorted(told.new_connections.answers)}"


def _not_done(told: steady.Summary, done: Done) -> Iterator[str]:
    """Of what should have gone on meanwhile, what did not: then it would prove nothing."""
    least = int(told.lasted / KILL_EVERY / 2)
    if done.kills < least:
        yield f"the operator was killed {done.kills} times, and not {least}"


def show(told: steady.Summary, done: Done) -> None:
    """Print the tables."""
    console.print(f"\n{os.cpu_count()} cores, {told.lasted:.0f} s")
    requests = Table("client", "requests", "answered", "failed", "p50, ms", "p99, ms", "slowest, ms")
    for name, each in told.clients.items():
        took = (f"{1e3 * seconds:.1f}" for seconds in (each.p50, each.p99, each.slowest))
        requests.add_row(name, str(each.requests), str(each.answered), str(each.failed), *took)
    changes = Table("meanwhile", "number", "p50, s", "longest, s")
    for what, seconds in (
        ("weights, until every gateway pod runs them", done.weights),
        ("new revisions, until they serve", done.revisions),
        ("gateway replaced", done.restarts),
    ):
        p50, longest = np.quantile(seconds, (0.5, 1.0))
        changes.add_row(what, str(len(seconds)), f"{p50:.2f}", f"{longest:.2f}")
    changes.add_row("operator killed", str(done.kills), "", "")
    console.print(requests, changes)
    for kind, times in told.failures.items():
        console.print(f"{len(times)} x {kind}, at {times[:20]} s", markup=False)
    for missed in done.missed:
        console.print(f"the operator was not killed: {missed}", markup=False)
