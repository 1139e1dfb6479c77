"""A program for a pod of the operator's image: a narrow line, by which everything takes long.

    python3 narrow.py HOST PORT RATE

It listens at the same port, and lets RATE bytes in a second through from there, over all connections.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from dataclasses import dataclass, field

PIECE = 1 << 16


@dataclass(frozen=True)
class Line:
    """Where it leads, and the turn that all connections take."""

    host: str
    port: int
    rate: float
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side has ended it."""
        from_there, to_there = await asyncio.open_connection(self.host, self.port)
        up = asyncio.create_task(_pass(reader, to_there))
        with suppress(OSError):
            while piece := await from_there.read(PIECE):
                async with self.turn:
                    await asyncio.sleep(len(piece) / self.rate)
                writer.write(piece)
                await writer.drain()
        up.cancel()
        for each in (writer, to_there):
            each.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()


async def main(host: str, port: str, rate: str) -> None:
    """Until it is ended."""
    line = Line(host, int(port), float(rate))
    async with await asyncio.start_server(line, "0.0.0.0", int(port)) as server:  # noqa: S104 - for the Service
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
