"""Load from processes of their own: some clients at once, for a short while, and what they heard."""

import asyncio
import json
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Final, Self

from bench.client import Heard, Order

LEAD: Final = 0.06
"""Seconds from the order to its begin: connections are made, and warmed up, by then."""
LONGEST_LINE: Final = 2**24


@dataclass(frozen=True, slots=True)
class Load:
    """How a model is asked.

    Attributes:
        clients: how many ask.
        rate: requests a second of all together; 0: as many as there are answers.
    """

    name: str
    clients: int
    rate: float = 0.0


@dataclass(eq=False)
class Clients:
    """So many processes of `bench.client`; an async context manager."""

    number: int
    _processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        command = ("setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "bench.client")
        pipe = asyncio.subprocess.PIPE
        for _ in range(self.number):
            started = asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=LONGEST_LINE)
            self._processes.append(await started)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def run(self, load: Load, protocol: str, port: int, begin: float, seconds: float) -> Heard:
        """Have a port asked, from a moment on that is at least `LEAD` ahead; returns what all clients heard."""
        every = load.clients / load.rate if load.rate else 0.0
        orders = [
            Order(protocol, port, begin + place * every / load.clients, seconds, every) for place in range(load.clients)
        ]
        asking = zip(self._processes, orders, strict=False)
        found = await asyncio.gather(*(_carry_out(process, order) for process, order in asking))
        latencies = [latency for each in found for latency in each.latencies]
        return Heard(latencies, sum((each.failures for each in found), Counter()))


async def _carry_out(process: asyncio.subprocess.Process, order: Order) -> Heard:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a client without pipes")
    process.stdin.write(json.dumps(asdict(order)).encode() + b"\n")
    told = await process.stdout.readline()
    if not told:
        raise RuntimeError("a client has ended")
    heard = json.loads(told)
    return Heard(heard["latencies"], Counter(heard["failures"]))
