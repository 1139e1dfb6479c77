"""How soon a version is back: from the write of the spec until every gateway pod sends it all requests.

On the kind cluster, which is brought up if it is not there, under a steady load. What is gone back to still has its
pods. Two ways: from a version that has taken over, and from one in the middle of its rollout, at half of the requests.
The time counts from before `kubectl apply` is started, and ends with a look that has found every gateway pod doing it.

BENCH_ROUNDS: how many rounds of each, 10 unless told.
"""

import asyncio
import os
import time
from typing import Any, Final

import numpy as np
from rich.table import Table

from bench.aims import Aim, judge
from bench.gateways import Gateways, gateways
from bench.on_kind import cluster, console, namespace, until
from e2e import adders, serving, steady
from e2e.kubectl import Kubectl
from tritium.api.gateway import MAX_WEIGHT

NAME: Final = "adder"
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "10"))
MOST: Final = 5.0
"""Seconds."""
AT_ONCE: Final[dict[str, Any]] = {"bakeTime": "1h"}
HALF: Final[dict[str, Any]] = {
    "strategy": "canary",
    "steps": [{"weight": 50, "minDuration": "1h"}],
    "bakeTime": "1h",
}


async def main() -> None:
    """Measure and print."""
    await asyncio.to_thread(_measure)


def _measure() -> None:
    with namespace(cluster()) as inside:
        serving.start_store(inside)
        versions = [adders.files(f"{NAME}/{number}", offset=number) for number in (1, 2, 3)]
        serving.put(inside, {key: text for each in versions for key, text in each.items()})
        inside.apply(_version(inside, 1, AT_ONCE))
        inside.wait("mdep", NAME, "condition=Released")
        steady.start(inside, NAME)
        with gateways(inside, NAME) as asked:
            _serve(inside, asked, 2)
            taken = {
                "from a version that has taken over": _after(inside, asked),
                "from one at half of the requests": _in_the_middle(inside, asked),
            }
        told = steady.stop(inside)
    show(taken, told)
    failed = sum(each.failed for each in told.clients.values())
    aims = [Aim(f"{what}: longest, s", max(seconds), MOST) for what, seconds in taken.items()]
    judge(console, [*aims, Aim("failed requests", failed, 0)])


def _version(inside: Kubectl, number: int, rollout: dict[str, Any]) -> dict[str, Any]:
    return serving.small(inside, NAME, f"{NAME}/{number}", rollout=rollout)


def _serve(inside: Kubectl, asked: Gateways, number: int, rollout: dict[str, Any] = AT_ONCE) -> float:
    """Write a version; seconds until every gateway pod sends it all requests. Version n is revision n."""
    obj, began = _version(inside, number, rollout), time.monotonic()
    inside.apply(obj)
    until(f"version {number} is served", lambda: set(asked.weights(number)) == {MAX_WEIGHT})
    return time.monotonic() - began


def _after(inside: Kubectl, asked: Gateways) -> list[float]:
    """Versions 1 and 2 have both served, and both have their pods: each way is a way back."""
    return [_serve(inside, asked, 1 + number % 2) for number in range(ROUNDS)]


def _in_the_middle(inside: Kubectl, asked: Gateways) -> list[float]:
    """Version 3 comes up to its first step again and again."""
    _serve(inside, asked, 1)
    taken = []
    for _ in range(ROUNDS):
        inside.apply(_version(inside, 3, HALF))
        until("version 3 has its half", lambda: set(asked.weights(3)) == {MAX_WEIGHT // 2})
        taken.append(_serve(inside, asked, 1, HALF))
    return taken


def show(taken: dict[str, list[float]], told: steady.Summary) -> None:
    """Print the table."""
    console.print(f"\n{os.cpu_count()} cores, {told.lasted:.0f} s of requests")
    table = Table("seconds from the write of the spec to the weight, everywhere", "number", "p50", "longest")
    for what, seconds in taken.items():
        table.add_row(what, str(len(seconds)), f"{np.quantile(seconds, 0.5):.2f}", f"{max(seconds):.2f}")
    console.print(table)
    failed, asked = (sum(getattr(each, what) for each in told.clients.values()) for what in ("failed", "requests"))
    console.print(f"{failed} of {asked} requests failed")
    for kind, times in told.failures.items():
        console.print(f"{len(times)} x {kind}, at {times[:20]} s", markup=False)
