"""The process that owns etcd, kube-apiserver and kube-controller-manager, and ends them.

Test processes hold a connection to its socket; the kernel closes it however they end, also by `kill -9`.
With the last connection the supervisor stops everything and goes. Should the supervisor itself be killed,
the kernel kills its three children (`setpriv --pdeathsig`). So nothing can be left behind, and no test
process has to count the others.

Protocol, one JSON object a line: after connecting the client is told `{"url", "seconds", "tokens", ...}` or
`{"error"}` as soon as the ring is ready; then it may ask `"stop-apiserver"`, `"kill-apiserver"` or
`"start-apiserver"`, or `"restart-manager"`, and is answered `{}` or `{"error"}`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from tests.controlplane import processes
from tests.ports import HOST, free_ports

if TYPE_CHECKING:
    from tests.controlplane.processes import Layout

READY_WITHIN = 60.0
FIRST_CLIENT_WITHIN = 10.0
POLITE_FOR = 2.0


class Supervisor:
    """Starts the ring at once, serves clients until the last one has gone."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._tokens = {user: secrets.token_hex(16) for user in (processes.ADMIN, *processes.USERS)}
        self._children: dict[str, asyncio.subprocess.Process] = {}
        self._clients = 0
        self._manager = asyncio.Lock()
        self._over = asyncio.Event()
        self._served = asyncio.Event()

    async def run(self, listener: socket.socket) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._over.set)
        self._ready = asyncio.create_task(self._start())
        server = await asyncio.start_unix_server(self._serve, sock=listener)
        guard = asyncio.create_task(self._leave_if_nobody_comes())
        await self._over.wait()
        # First the door: whoever comes now finds it closed and starts a ring of their own.
        server.close()
        guard.cancel()
        self._ready.cancel()
        await asyncio.gather(self._ready, return_exceptions=True)
        await asyncio.gather(*(self._end(name, signal.SIGKILL) for name in list(self._children)))
        shutil.rmtree(self._layout.folder, ignore_errors=True)

    async def _leave_if_nobody_comes(self) -> None:
        try:
            await asyncio.wait_for(self._served.wait(), FIRST_CLIENT_WITHIN)
        except TimeoutError:
            self._over.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        self._served.set()
        await self._converse(reader, writer)
        self._clients -= 1
        if self._clients == 0:
            self._over.set()  # the connection is left open: its end tells the client that all is gone
        else:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(_line(await asyncio.shield(self._ready)))
            while line := await reader.readline():
                writer.write(_line(await self._obey(json.loads(line))))
                await writer.drain()
        except ConnectionError:
            pass

    async def _obey(self, command: str) -> dict[str, object]:
        if command != "restart-manager" and self._clients > 1:
            return {"error": "the ring is shared with another test process: start one of your own for this"}
        try:
            match command:
                case "stop-apiserver":
                    await self._end("kube-apiserver", signal.SIGTERM)
                case "kill-apiserver":
                    await self._end("kube-apiserver", signal.SIGKILL)
                case "start-apiserver":
                    await self._spawn("kube-apiserver", processes.kube_apiserver(self._layout))
                    await self._until("kube-apiserver", f"{self._layout.url}/readyz", self._layout.ca)
                case "restart-manager":
                    async with self._manager:
                        await self._end("kube-controller-manager", signal.SIGKILL)
                        await self._start_manager()
                case _:
                    return {"error": f"unknown command {command!r}"}
        except RuntimeError as error:
            return {"error": str(error)}
        return {}

    async def _start(self) -> dict[str, object]:
        began, layout, token = time.monotonic(), self._layout, self._tokens[processes.ADMIN]
        layout.tokens.write_text(processes.token_file(self._tokens))
        layout.kubeconfig.write_text(processes.kubeconfig(layout.url, layout.ca, token))
        account = f"{layout.url}/api/v1/namespaces/default/serviceaccounts/default"
        try:
            await self._spawn("etcd", processes.etcd(layout))
            await self._spawn("kube-apiserver", processes.kube_apiserver(layout))
            await self._until("kube-apiserver", f"{layout.url}/livez/ping", layout.ca)
            await self._start_manager()
            await self._until("kube-apiserver", f"{layout.url}/readyz", layout.ca)
            await self._until("kube-controller-manager", account, layout.ca)
        except RuntimeError as error:
            return {"error": str(error)}
        return {
            "url": layout.url,
            "ca": str(layout.ca),
            "tokens": self._tokens,
            "seconds": time.monotonic() - began,
            "pids": {name: child.pid for name, child in self._children.items()} | {"supervisor": os.getpid()},
        }

    async def _start_manager(self) -> None:
        await self._spawn("kube-controller-manager", processes.kube_controller_manager(self._layout))
        healthy = f"https://{HOST}:{self._layout.manager}/healthz"
        await self._until("kube-controller-manager", healthy, self._layout.manager_ca)

    async def _spawn(self, name: str, command: list[str]) -> None:
        with (self._layout.logs / f"{name}.log").open("ab") as log:
            self._children[name] = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig", "KILL", "--", *command), stdout=log, stderr=log
            )

    async def _end(self, name: str, how: signal.Signals) -> None:
        child = self._children[name]
        if child.returncode is None:
            child.send_signal(how)
        try:
            # Asked politely an API server stops listening at once, but lets open watches go on for a minute.
            await asyncio.wait_for(child.wait(), POLITE_FOR)
        except TimeoutError:
            child.kill()
            await child.wait()

    async def _until(self, name: str, url: str, ca: Path) -> None:
        """Poll until `url` answers 200; say what the process wrote if it ends instead."""
        deadline = time.monotonic() + READY_WITHIN
        while not await asyncio.to_thread(_answers, url, ca, self._tokens[processes.ADMIN]):
            dead = [child for child, process in self._children.items() if process.returncode is not None]
            if dead or time.monotonic() > deadline:
                what = f"{dead[0]} ended" if dead else f"{url} was not ready in {READY_WITHIN:.0f} s"
                log = self._layout.logs / f"{dead[0] if dead else name}.log"
                raise RuntimeError(f"{what}; {log} ends with:\n" + "\n".join(_tail(log)))
            await asyncio.sleep(0.05)


def _answers(url: str, ca: Path, token: str) -> bool:
    if not ca.exists():
        return False
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - https to 127.0.0.1
    try:
        context = ssl.create_default_context(cafile=str(ca))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(request, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _tail(log: Path, lines: int = 20) -> list[str]:
    return log.read_text(errors="replace").splitlines()[-lines:]


def _line(answer: dict[str, object]) -> bytes:
    return json.dumps(answer).encode() + b"\n"


def main() -> None:
    """Listen, then go into the background: when the caller gets its exit code it may connect."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--logs", type=Path, required=True)
    parser.add_argument("--binaries", type=json.loads, required=True)
    options = parser.parse_args()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(options.folder / "socket"))
    listener.listen()
    if os.fork():
        os._exit(0)
    os.setsid()
    etcd, etcd_peer, api, manager = free_ports(4)
    binaries = {name: Path(path) for name, path in options.binaries.items()}
    layout = processes.Layout(options.folder, options.logs, etcd, etcd_peer, api, manager, binaries)

    async def run() -> None:
        await Supervisor(layout).run(listener)

    asyncio.run(run())


if __name__ == "__main__":
    main()
