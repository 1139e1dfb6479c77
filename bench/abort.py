"""How soon a bad version is out: from its first 100 requests to weight 0 on every gateway pod.

On the kind cluster, which is brought up if it is not there. Clients in a pod ask a model at a steady rate. In each
round a version comes that fails one of five requests; it gets a tenth of them until its gate fails. What it has had and
what it gets is asked from the gateway pods themselves. The time begins with a look at which it had not had its
hundredth request, and ends with the look that has found no weight: so it is never told too short.

BENCH_ROUNDS: how many rounds, 10 unless told.
"""

import asyncio
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from rich.table import Table

from bench.aims import Aim, judge
from bench.gateways import Gateways, Look, gateways
from bench.on_kind import PATIENCE, cluster, console, namespace, until
from e2e import adders, serving, steady
from e2e.kubectl import Kubectl
from e2e.waiting import await_status
from tritium.core.reasons import Reason

NAME: Final = "adder"
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "10"))
FIRST: Final = 100
"""The requests from which the time counts."""
WEIGHT: Final = 10
RATE: Final = 200
"""Requests a second of the fastest client."""
P50, MOST = 5.0, 10.0
"""Seconds."""
EVERY: Final = 0.1
"""Seconds between two looks."""
FAILS: Final = {
    "initialize": "import itertools; self.turns = itertools.count()",
    "execute": "assert next(self.turns) % 5, 'one of five fails'",
}


@dataclass(frozen=True, slots=True)
class Out:
    """One round.

    Attributes:
        seconds: from the first 100 requests until it was out; 0 if it was out before them.
        whole: seconds from its first share until it was out.
        requests: that it had by then.
    """

    seconds: float
    whole: float
    requests: int


async def main() -> None:
    """Measure and print."""
    await asyncio.to_thread(_measure)


def _measure() -> None:
    with namespace(cluster()) as inside:
        _store(inside)
        inside.apply(_version(inside, "good"))
        inside.wait("mdep", NAME, "condition=Released")
        steady.start(inside, NAME, rate=RATE)
        with gateways(inside, NAME) as asked:
            found = [_round(inside, asked, number) for number in range(ROUNDS)]
            pods = len(asked.agents)
        told = steady.stop(inside)
    show(found, told, pods)
    if found and not told.failures:
        sys.exit("bench: no request failed, so nothing was measured")
    seconds = [each.seconds for each in found]
    judge(
        console,
        [
            Aim(f"p50 from the first {FIRST} requests until it is out, s", np.quantile(seconds, 0.5), P50),
            Aim("longest, s", max(seconds), MOST),
        ],
    )


def _store(inside: Kubectl) -> None:
    serving.start_store(inside)
    files = adders.files(f"{NAME}/good")
    for number in range(ROUNDS):
        files |= adders.files(f"{NAME}/bad-{number}", offset=1 + number, **FAILS)
    serving.put(inside, files)


def _version(inside: Kubectl, name: str) -> dict[str, Any]:
    """A version that stays at its first step, unless its gate fails."""
    steps = [{"weight": WEIGHT, "minDuration": "1h"}]
    rollout = {"strategy": "canary", "steps": steps, "bakeTime": "1s"}
    return serving.small(inside, NAME, f"{NAME}/{name}", rollout=rollout)


def _round(inside: Kubectl, asked: Gateways, number: int) -> Out:
    revision = 2 + number
    inside.apply(_version(inside, f"bad-{number}"))
    until("the version has a share", lambda: any(asked.weights(revision)))
    out = measured(_looks(asked, revision))
    status = await_status(inside, NAME, lambda status: status["phase"] == "Aborted")
    if status["reason"] != Reason.GATE_FAILED:
        raise AssertionError(f"it is out for another reason: {status['reason']}")
    console.print(f"round {number + 1} of {ROUNDS}: {out}")
    until("its pods go", lambda: len(serving.pods(inside, NAME)) == 1)
    return out


def _looks(asked: Gateways, revision: int) -> Iterable[Look]:
    """Look until it is out."""
    end = time.monotonic() + PATIENCE
    while True:
        look = asked.look(revision)
        yield look
        if not any(look.weights):
            return
        if look.ended > end:
            raise TimeoutError(f"not within {PATIENCE:g} s: revision {revision} is out; {look}")
        time.sleep(EVERY)


def measured(looks: Iterable[Look]) -> Out:
    """What a round comes to: the time begins with the last look before which it had not had enough requests.

    >>> looks = [Look(0.0, 0.1, 20, (1000, 1000)), Look(1.0, 1.1, 90, (1000, 1000)), Look(2.0, 2.1, 130, (1000, 0))]
    >>> measured([*looks, Look(3.0, 3.1, 140, (0, 0))])
    Out(seconds=2.1, whole=3.1, requests=140)
    >>> measured([looks[0], Look(0.5, 0.6, 50, (0, 0))])
    Out(seconds=0.0, whole=0.6, requests=50)
    """
    first, *others = looks
    last, begins = first, first.began
    for last in others:
        if last.requests < FIRST:
            begins = last.began
    seconds = last.ended - begins if last.requests >= FIRST else 0.0
    return Out(round(seconds, 2), round(last.ended - first.began, 2), last.requests)


def show(found: list[Out], told: steady.Summary, pods: int) -> None:
    """Print the tables."""
    rate = sum(each.requests for each in told.clients.values()) / told.lasted
    console.print(
        f"\n{os.cpu_count()} cores, {pods} gateway pods, {rate:.0f} requests a second, {WEIGHT} % of them for a "
        f"version that fails one of five; {len(found)} rounds"
    )
    table = Table("", "p50", "longest")
    for what, values in (
        (f"from the first {FIRST} requests until it was out, s", [each.seconds for each in found]),
        ("from its first share until it was out, s", [each.whole for each in found]),
        ("requests that it had by then", [float(each.requests) for each in found]),
    ):
        table.add_row(what, f"{np.quantile(values, 0.5):.1f}", f"{max(values):.1f}")
    console.print(table)
    failed, asked = (sum(getattr(each, what) for each in told.clients.values()) for what in ("failed", "requests"))
    before = sum(each.requests < FIRST for each in found)
    console.print(
        f"out before its first {FIRST} requests: {before} of {len(found)}; {failed} of {asked} requests failed"
    )
