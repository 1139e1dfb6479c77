"""What a model that the cache has costs a pod's start: a second replica's, and one of a revision that is gone back to.

The model came once, for the first pod. Then its bucket is emptied, and all that is asked of the server passes a line
that counts it. Each pod is a process of its own, as in its init container; beside it the work alone is measured, in
this process, where Python and its modules are there already.
"""

import asyncio
import shutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.aims import Aim
from bench.used import Used, used
from tests.sync.pod import Pod, request
from tests.sync.proxy import Line, line
from tests.sync.s3 import BUCKET, S3
from tritium.api.fetch import FetchRequest, FetchResult

ROUNDS: Final = 20
REPLICA: Final = "a second replica"
BACK: Final = "the way back"
_REVISION: Final = "fraud-00000001"


@dataclass(frozen=True, slots=True)
class _Costs:
    """Of one kind of pod, by round.

    Attributes:
        whole: what the process took.
        work: seconds for what it does.
    """

    whole: list[Used] = field(default_factory=list)
    work: list[float] = field(default_factory=list)


async def cached(console: Console, server: S3, prefix: str, folder: Path) -> list[Aim]:
    """Fetch a model of one file once, and again and again from the cache.

    Args:
        console: where the table goes.
        server: has the model, and nothing of it afterwards.
        prefix: of the model.
        folder: for the claim and the pods, on one file system.
    """
    claim, costs = folder / "claim", {REPLICA: _Costs(), BACK: _Costs()}
    claim.mkdir()
    async with line(server.port) as between:
        wanted, came = await _first(between, prefix, claim, folder / "first")
        shutil.rmtree(server.data / BUCKET / prefix)
        before = (between.connections, between.passed)
        for number in range(-1, ROUNDS):  # the first to have everything in memory
            for kind, cost in costs.items():
                whole, work = await _again(kind, wanted, came, claim, folder / "pod")
                if number >= 0:
                    cost.whole.append(whole)
                    cost.work.append(work)
        asked, brought = between.connections - before[0], between.passed - before[1]
    shutil.rmtree(claim)
    console.print(_table(costs, came.bytes or 0))
    console.print(f"Meanwhile the server was asked {asked} times, and sent {brought} bytes.")
    return [
        Aim("from the cache: bytes from the server", brought, 0),
        *(Aim(f"{kind}: the process, s", _middle(_seconds(cost.whole)), 0.3) for kind, cost in costs.items()),
    ]


async def _first(between: Line, prefix: str, claim: Path, folder: Path) -> tuple[FetchRequest, FetchResult]:
    """Have the first pod bring the model; what the pods of its revision ask, and what came."""
    pod, cache = Pod(folder, claim=claim), {"claimName": "models", "revision": _REVISION}
    wanted = request(between.endpoint, prefix, cache=cache)
    found = await pod.resolve(wanted)
    wanted = wanted.model_copy(update={"fingerprint": found.fingerprint})
    came = await pod.fetch(wanted)
    if between.passed < (came.bytes or 0):
        raise RuntimeError(f"{came.bytes} bytes have come, and the line has counted {between.passed}")
    shutil.rmtree(folder)
    return wanted, came


async def _again(kind: str, wanted: FetchRequest, came: FetchResult, claim: Path, folder: Path) -> tuple[Used, float]:
    """Two pods more, the first a process of its own, and the other in this one."""
    pod = _pod(kind, came, claim, folder)
    pod.mount()
    command, environment = pod.command("fetch"), pod.environment(wanted)
    whole = await asyncio.to_thread(used, command, environment, folder, folder.with_suffix(".log"))
    _demand(pod, came)
    other = _pod(kind, came, claim, folder)
    began = time.monotonic()
    await other.fetch(wanted)
    work = time.monotonic() - began
    _demand(other, came)
    shutil.rmtree(folder)
    return whole, work


def _pod(kind: str, came: FetchResult, claim: Path, folder: Path) -> Pod:
    """One that has nothing yet; of a revision that is gone back to it is told which bytes it had."""
    shutil.rmtree(folder, ignore_errors=True)
    return Pod(folder, digest=came.digest if kind == BACK else None, claim=claim)


def _demand(pod: Pod, came: FetchResult) -> None:
    """Whether Triton would see the model."""
    size = (pod.ready / "repository" / "fraud" / "1" / "model.onnx").stat().st_size
    if size != came.bytes:
        raise RuntimeError(f"{size} bytes are there instead of {came.bytes}")


def _table(costs: dict[str, _Costs], size: int) -> Table:
    title = f"from the cache: one file of {size >> 20} MiB, {ROUNDS} rounds; a median of them, and the longest"
    table = Table("pod", "the process, ms", "of it the work, ms", "CPU, s", "memory, MiB", title=title)
    for kind, cost in costs.items():
        table.add_row(
            kind,
            _shown(_seconds(cost.whole)),
            _shown(cost.work),
            f"{_middle([each.cpu for each in cost.whole]):.2f}",
            f"{max(each.memory for each in cost.whole) >> 20}",
        )
    return table


def _seconds(runs: Sequence[Used]) -> list[float]:
    return [each.seconds for each in runs]


def _shown(seconds: Sequence[float]) -> str:
    return f"{1e3 * _middle(seconds):.0f} ({1e3 * max(seconds):.0f})"


def _middle(values: Sequence[float]) -> float:
    return statistics.median(values)
