"""How fast a model comes from a bucket: Tritium, which checks and syncs every byte, beside tools that do neither.

One S3 server on this machine and one disk for all; in each round each tool in turn, in an order of chance. What the
server reads is in memory. Before each run the disk is idle; after it the time goes on until what was written is on
the disk, too, because Tritium ends no sooner and the others leave that to the kernel. TMPDIR says which disk: with one
that keeps its files in memory it is the programs alone that are compared.

At last what a model costs that the cache has (`bench.cached`).

BENCH_SYNC_BIG: MiB of the one large file, 4,096 unless told; the mix has a quarter of it, and so has the model in the
cache. BENCH_SYNC_SMALL: how many files of 64 KiB, 10,000. BENCH_SYNC_ROUNDS: 3. BENCH_SYNC_KINDS: which models, all
unless told.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.aims import Aim, judge
from bench.cached import cached
from bench.copiers import INITIALIZER, OURS, S5CMD, Copier, copiers, remove
from bench.used import Used
from tests.sync.s3 import S3, Server

BIG: Final = int(os.environ.get("BENCH_SYNC_BIG", "4096")) << 20
SMALL: Final = int(os.environ.get("BENCH_SYNC_SMALL", "10000"))
ROUNDS: Final = int(os.environ.get("BENCH_SYNC_ROUNDS", "3"))
MODELS: Final[Mapping[str, Sequence[tuple[int, int]]]] = {
    "one file": [(1, BIG)],
    "small files": [(SMALL, 64 << 10)],
    "a mix": [(1, BIG // 4), (SMALL // 50, 1 << 20), (SMALL // 5, 16 << 10)],
}
"""Each by how many files of how many bytes."""
CACHED: Final = "from the cache"
KINDS: Final = os.environ.get("BENCH_SYNC_KINDS", ",".join([*MODELS, CACHED])).split(",")
_BLOCK: Final = 1 << 20
console = Console(width=140, highlight=False)


async def main() -> None:
    """Fill a bucket, measure, judge."""
    if unknown := set(KINDS) - {*MODELS, CACHED}:
        sys.exit(f"bench: BENCH_SYNC_KINDS knows {', '.join([*MODELS, CACHED])}, not {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="bench-sync-") as name:
        folder = Path(name)
        (folder / "s3").mkdir()
        server = Server(folder / "s3")
        try:
            console.print(f"On {_machine(folder)}; {ROUNDS} rounds; a median of them, and the longest:")
            copied = [kind for kind in KINDS if kind != CACHED]
            tools = copiers(server.s3) if copied else {}
            aims = [aim for kind in copied for aim in _measured(kind, server.s3, tools, folder)]
            if CACHED in KINDS:
                _fill(server.s3, "cached", [(1, BIG // 4)])
                aims += await cached(console, server.s3, "cached", folder)
        finally:
            server.stop()
    judge(console, aims)


def _measured(kind: str, server: S3, tools: Mapping[str, Copier], folder: Path) -> Iterator[Aim]:
    """One model, by all tools."""
    prefix = kind.replace(" ", "-")
    files, size = _fill(server, prefix, MODELS[kind])
    took: dict[str, list[Used]] = {each: [] for each in tools}
    order = random.Random(7)  # noqa: S311 - chance enough
    for number in range(-1, ROUNDS):  # the first to have everything in memory
        for tool in order.sample(sorted(tools), len(tools)):
            os.sync()
            once = tools[tool](prefix, folder / "copy")
            _demand_all(folder / "copy", files, size)
            remove(folder / "copy")
            if number >= 0:
                took[tool].append(once)
                said = f"{once.seconds:.1f} s, on the disk after {once.durable:.1f} s"
                console.print(f"{kind}, round {number + 1}: {tool}: {said}", style="dim")
    remove(server.data / "models" / prefix)
    console.print(_table(f"{kind}: {files} files, {size >> 20} MiB", took, size))
    return _aims(kind, took)


def _fill(server: S3, prefix: str, amounts: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Put a model into the bucket; return how many files and bytes it has."""
    files = size = 0
    block = random.Random(7).randbytes(_BLOCK)  # noqa: S311 - no secret
    for count, each in amounts:
        for number in range(count):
            name = f"{prefix}/1/{'model.onnx' if not files else f'{each}/{number:05}.bin'}"
            files, size = files + 1, size + each
            if each <= _BLOCK:
                server.put(name, block[:each])
                continue
            with server.lay(name, b"").open("wb") as file:
                for begin in range(0, each, _BLOCK):
                    file.write(block[: each - begin])
    return files, size


def _demand_all(folder: Path, files: int, size: int) -> None:
    """Whether a tool brought what there is; Tritium has a few lines more about it."""
    found = [each.stat().st_size for each in folder.rglob("*") if each.is_file() and "1" in each.parts]
    if (len(found), sum(found)) != (files, size):
        raise RuntimeError(f"{len(found)} files with {sum(found)} bytes have come instead of {files} with {size}")


def _table(title: str, took: Mapping[str, Sequence[Used]], size: int) -> Table:
    table = Table(
        "tool", "s until it ends", "MiB/s", "s until on the disk", "MiB/s", "CPU, s", "memory, MiB", title=title
    )
    for tool, runs in took.items():
        ends, durables = [each.seconds for each in runs], [each.durable for each in runs]
        table.add_row(
            tool,
            *(f"{_middle(ends):.2f} ({max(ends):.2f})", f"{size / _middle(ends) / 2**20:.0f}"),
            *(f"{_middle(durables):.2f} ({max(durables):.2f})", f"{size / _middle(durables) / 2**20:.0f}"),
            f"{_middle([each.cpu for each in runs]):.1f}",
            f"{max(each.memory for each in runs) >> 20}",
        )
    return table


def _aims(kind: str, took: Mapping[str, Sequence[Used]]) -> Iterator[Aim]:
    """Round by round, since what the machine does beside it hits neighbours alike."""

    def against(other: str) -> float:
        return _middle([ours.durable / its.durable for ours, its in zip(took[OURS], took[other], strict=True)])

    yield Aim(f"{kind}: time until on the disk, of {S5CMD}'s", against(S5CMD), round(1 / 0.9, 3))
    yield Aim(f"{kind}: time until on the disk, of the initializer's", against(INITIALIZER), 0.5)
    yield Aim(f"{kind}: memory, MiB", max(each.memory for each in took[OURS]) >> 20, 256)


def _middle(values: Sequence[float]) -> float:
    return statistics.median(values)


def _machine(folder: Path) -> str:
    """Cores, and which disk."""
    disk = subprocess.check_output(["findmnt", "-no", "SOURCE,FSTYPE", "-T", folder], text=True).split()
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}, {' '.join(disk)}"
