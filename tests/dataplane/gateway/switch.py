"""What kube-proxy does for a Service: a new connection goes where it points now, an old one stays where it is."""

import asyncio
from types import TracebackType
from typing import Self

from tests.controlplane.handing_on import hand_on
from tests.ports import HOST


class Switch:
    """A port on loopback that leads to another; an async context manager.

    Attributes:
        target: the port at which new connections are opened.
        port: its own.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await hand_on(reader, writer, self.target)
        except ConnectionError:
            pass
        finally:
            self._open.discard(task)
            writer.close()
