"""What it adds to a model's own start that it was asleep: a request comes, and is answered when the model is awake.

On the kind cluster, which is brought up if it is not there. The model's own start is what it takes anyhow: from the
write of its Deployment's replicas until its pod is ready, as a watch of the API server tells it. What Tritium adds is
the time before that, from the request to the write, and the time after it, from the ready pod to the answer.

BENCH_ROUNDS: how many sleeps, 20 unless told. Each takes a start of the model, its end, and ten seconds of rest.
"""

import asyncio
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import httpx
import numpy as np
from rich.table import Table

from bench.aims import Aim, judge
from bench.on_kind import PATIENCE, cluster, console, namespace, until
from e2e import serving
from e2e.kubectl import Kubectl
from e2e.waiting import condition
from tritium.api import names

NAME: Final = "adder"
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "20"))
MOST_MS: Final = 300.0
SCALING: Final = {"min": 0, "max": 1, "idleAfter": "10s", "holdFor": "5m"}
INPUTS: Final = [{"name": name, "datatype": "FP32", "shape": [1, 2], "data": [1, 2]} for name in ("A", "B")]
Object = dict[str, Any]


class Wake(NamedTuple):
    """One of them, in seconds: until the write, from there until the pod is ready, and from there to the answer."""

    before: float
    own: float
    after: float


@dataclass
class Watch:
    """When something of a kind was first seen to be so; forgotten with each `reset`."""

    holds: Callable[[Object], bool]
    at: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        """Wait for the next."""
        with self._lock:
            self.at = None

    def see(self, obj: Object) -> None:
        """One object, as it is now."""
        with self._lock:
            if self.at is None and self.holds(obj):
                self.at = time.monotonic()


async def main() -> None:
    """Measure and print."""
    await asyncio.to_thread(_measure)


def _measure() -> None:
    with namespace(cluster()) as inside:
        serving.start_store(inside)
        serving.put_model(inside, "adder", f"{NAME}/1")
        inside.apply(serving.small(inside, NAME, f"{NAME}/1", scaling=SCALING))
        inside.wait("mdep", NAME, "condition=Ready")
        written, ready = Watch(lambda obj: bool(obj["spec"]["replicas"])), Watch(serving.is_ready)
        with _watching(inside, "deployments", written), _watching(inside, "pods", ready):
            wakes = [_wake(inside, written, ready) for _ in range(ROUNDS)]
    show(wakes)
    added = [1000 * (each.before + each.after) for each in wakes]
    judge(console, [Aim("added to the model's own start, p95, ms", float(np.quantile(added, 0.95)), MOST_MS)])


def _wake(inside: Kubectl, written: Watch, ready: Watch) -> Wake:
    until("it sleeps", lambda: _sleeps(inside))
    with inside.forward(f"service/{NAME}", 8000) as (address,):
        written.reset()
        ready.reset()
        began = time.monotonic()
        answer = httpx.post(f"http://{address}/v2/models/adder/infer", json={"inputs": INPUTS}, timeout=PATIENCE)
        answered = time.monotonic()
    answer.raise_for_status()
    until("the watches have told", lambda: None not in {written.at, ready.at})
    write, start = written.at or 0.0, ready.at or 0.0
    return Wake(write - began, start - write, answered - start)


def _sleeps(inside: Kubectl) -> bool:
    status = inside.get("mdep", NAME)["status"]
    return condition(status, "Ready")["reason"] == "Asleep" and not serving.pods(inside, NAME)


@contextmanager
def _watching(inside: Kubectl, kind: str, watch: Watch) -> Iterator[None]:
    selector = f"{names.OWNER}={NAME},{names.COMPONENT}={names.Component.MODEL}"
    command = inside.command("get", kind, f"--selector={selector}", "--watch", "-o", "json")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        thread = threading.Thread(target=_read, args=(process.stdout, watch), daemon=True)
        thread.start()
        yield
        process.terminate()
        thread.join()


def _read(lines: Iterator[str], watch: Watch) -> None:
    """Objects one after the other, each on many lines."""
    text = ""
    for line in lines:
        text += line
        if line.rstrip() == "}":
            watch.see(json.loads(text))
            text = ""


def show(wakes: list[Wake]) -> None:
    """Print the table."""
    console.print(f"\n{os.cpu_count()} cores, {len(wakes)} sleeps and wakes of one model")
    table = Table("milliseconds", "p50", "p95", "longest")
    rows = {
        "from the request to the write of the replicas": [each.before for each in wakes],
        "the model's own start": [each.own for each in wakes],
        "from the ready pod to the answer": [each.after for each in wakes],
        "added to the model's own start": [each.before + each.after for each in wakes],
    }
    for what, seconds in rows.items():
        table.add_row(what, *(f"{1000 * each:.0f}" for each in (*np.quantile(seconds, (0.5, 0.95)), max(seconds))))
    console.print(table)
