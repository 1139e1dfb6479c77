"""What kube-proxy does for a Service: a new connection goes where it points now, an old one stays where it is."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from tests.controlplane.handing_on import hand_on
from tests.listening import listening


class Switch:
    """A port on loopback that leads to another; an async context manager.

    Attributes:
        target: the port at which new connections are opened.
        port: its own.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.port = await self._stack.enter_async_context(listening(self._connected))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await hand_on(reader, writer, self.target)
