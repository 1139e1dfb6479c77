"""An Envoy that runs a table: the compiler and the agent's ADS server in this process, Envoy in its own."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from e2e.cluster import wheels
from tests.controlplane.waiting import wait_for
from tests.dataplane.envoy import Envoy
from tests.dataplane.gateway.xds_holdback import held_back
from tests.ports import HOST, free_ports
from tritium.gateway.bootstrap import BootstrapSettings, bootstrap
from tritium.gateway.snapshot.compile import compile_snapshot
from tritium.gateway.snapshot.listeners import ListenerSettings
from tritium.gateway.snapshot.resource import Snapshot
from tritium.gateway.table import Table
from tritium.gateway.waiting import Waiting
from tritium.gateway.xds.server import Server

Change = Callable[[dict[str, Any]], dict[str, Any]]


class Gateway:
    """See the module; an async context manager. It is live, and has everything, when the block begins.

    Args:
        table: what to begin with; None: the agent has nothing to tell yet, and Envoy is not live.
        address: where it listens.
        change: what is to be different about its bootstrap.
        late: seconds by which what Envoy says comes late to the agent.
        settings: other values for its `BootstrapSettings`.

    Attributes:
        envoy: the process.
        shared_port: the port that models share.
    """

    def __init__(
        self,
        table: Table | None,
        *,
        address: str = HOST,
        change: Change = lambda given: given,
        late: float = 0,
        **settings: Any,
    ) -> None:
        # A socket's path may have 107 characters only.
        self.folder = Path(tempfile.mkdtemp(prefix="tritium-snap-"))
        self.shared_port = free_ports(1)[0]
        self._settings = ListenerSettings(address, self.shared_port)
        self._table = table
        self._late = late
        xds, admin = (str(self.folder / f"{name}.sock") for name in ("held" if late else "xds", "admin"))
        given = bootstrap(BootstrapSettings("tritium-gateway-0", "ml", xds, admin, address, **settings))
        self.envoy = Envoy(wheels.envoy(), self.folder, change(given), self.folder / "envoy.log")
        self._said = asyncio.Event()
        self.waiting = Waiting(self._again)
        self._server = Server(self.folder / "xds.sock", self._said.set, self.waiting.service)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            await stack.enter_async_context(self._server)
            stack.callback(asyncio.create_task(self._tell_when_due()).cancel)
            if self._late:
                await stack.enter_async_context(held_back(self.folder / "xds.sock", self._late))
            stack.enter_context(self.envoy)
            if self._table is not None:
                await self.publish(self._table)
                await asyncio.to_thread(self.envoy.wait_live)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def publish(self, table: Table) -> None:
        """Have Envoy run a table, and wait until it does; a refusal is a failure."""
        self.tell(table)
        await self.whole()

    def tell(self, table: Table) -> None:
        """Have the agent tell Envoy a table, and do not wait."""
        self._table = table
        self._again()

    async def run(self, snapshot: Snapshot, *, within: float = 15) -> None:
        """The same with a snapshot."""
        self._server.publish(snapshot)
        await self.whole(within=within)

    async def whole(self, *, within: float = 15) -> None:
        """Wait until Envoy runs what was told last."""
        async with asyncio.timeout(within):
            while not self._server.state.whole:
                self._said.clear()
                await self._said.wait()
        refused = {name: each.message for (_, name), each in self._server.state.rejected.items()}
        assert not refused, refused

    def _again(self) -> None:
        """As `Agent` does it, but at once."""
        if self._table is not None:
            named = self.waiting.named(self._table)
            snapshot = compile_snapshot(named, self._settings)
            self._server.publish(snapshot)
            self.waiting.publish(named, snapshot, self._server.state)

    async def _tell_when_due(self) -> None:
        while True:
            await asyncio.sleep(min(self.waiting.due() or 0.1, 0.1))
            self._again()

    async def restart(self) -> None:
        """Kill Envoy, and start another one."""
        self.envoy.kill()
        self.envoy.start()
        await asyncio.to_thread(self.envoy.wait_live)

    async def stat(self, name: str) -> int:
        """A counter or gauge of Envoy's; 0 if there is none of that name yet."""
        return await asyncio.to_thread(self.envoy.admin.stat, name)

    def upstream_connections(self, *ports: int) -> int:
        """Connections that Envoy has to servers on these ports, as the kernel knows them."""
        sockets = _sockets(self.envoy.pid)
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(
            int(remote.rpartition(":")[2], 16) in ports and state == _ESTABLISHED and inode in sockets
            for _, _, remote, state, *_, inode in (line[:10] for line in lines)
        )

    async def connections_end(self, *ports: int, within: float) -> None:
        """Wait until there is none any more."""
        count = partial(self.upstream_connections, *ports)
        await wait_for(count, within, f"connections to {ports} end", until=lambda found: found == 0)


_ESTABLISHED: Final = "01"


def _sockets(pid: int) -> set[str]:
    """Inodes of a process's sockets."""
    links = (str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir())
    return {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:[")}
