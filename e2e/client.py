"""A program for a pod of the operator's image: clients of a model that never stop asking, until SIGTERM.

    python3 client.py HOST MODEL RATE

RATE is the requests a second of the client that connects anew for each; the others ask up to ten times a second.

It begins when the address has answered for the first time: a new Service takes a node a second or two to learn of.

The last line that it prints is a summary as JSON: for each client the number of requests and of answers, how long they
took, when each answer came first and last, and when what failed. Times are seconds since `began`.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import numpy as np
import tritonclient.grpc.aio

PATIENCE = 10.0
"""Seconds until an answer that did not come counts as failed."""

A, B = [1.0, 2.0], [3.0, 4.0]
BODY = {
    "inputs": [{"name": name, "shape": [1, 2], "datatype": "FP32", "data": data} for name, data in (("A", A), ("B", B))]
}
Ask = Callable[[], Awaitable[list[float]]]


class Wrong(Exception):
    """An answer that is none; the text says what it was."""


class Client:
    """Asks, and keeps what came of it."""

    def __init__(self, ask: Ask, every: float, began: float) -> None:
        self._ask = ask
        self._every = every
        self._began = began
        self.requests = 0
        self.answered = 0
        self.took: list[float] = []
        self.answers: dict[str, list[float]] = {}
        self.failures: dict[str, list[float]] = {}

    async def open_loop(self, stop: asyncio.Event) -> None:
        """Ask at a steady rate, however long the answers take."""
        under_way: set[asyncio.Task[None]] = set()
        due = time.monotonic()
        while not stop.is_set():
            task = asyncio.create_task(self.one())
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            due += self._every
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await asyncio.gather(*under_way)

    async def closed_loop(self, stop: asyncio.Event) -> None:
        """Ask again after each answer, so that one connection will do."""
        while not stop.is_set():
            await self.one()
            await asyncio.sleep(self._every)

    async def one(self) -> None:
        """One request."""
        began = time.time()
        self.requests += 1
        try:
            answer = await asyncio.wait_for(self._ask(), PATIENCE)
        except Exception as error:  # noqa: BLE001 - whatever it is, a user would have seen it
            kind = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            self.failures.setdefault(kind, []).append(round(began - self._began, 2))
        else:
            ended = round(time.time() - self._began, 2)
            self.answers.setdefault(json.dumps(answer), [ended, ended])[1] = ended
            self.answered += 1
        self.took.append(time.time() - began)

    def summary(self) -> dict[str, Any]:
        """What came of it so far."""
        return {
            "requests": self.requests,
            "answered": self.answered,
            **quantiles(self.took),
            "answers": self.answers,
            "failures": self.failures,
        }


def quantiles(took: list[float]) -> dict[str, float]:
    """The median, the 99th percentile and the largest of some durations, in seconds.

    >>> quantiles([0.1 * number for number in range(1, 101)])
    {'p50': 5.1, 'p99': 10.0, 'slowest': 10.0}
    """
    found = sorted(took) or [0.0]
    places = {"p50": len(found) // 2, "p99": len(found) * 99 // 100, "slowest": len(found) - 1}
    return {name: round(found[place], 4) for name, place in places.items()}


def http(session: aiohttp.ClientSession, host: str, model: str) -> Ask:
    """Ask over HTTP, with JSON."""
    url = f"http://{host}:8000/v2/models/{model}/infer"

    async def ask() -> list[float]:
        async with session.post(url, json=BODY) as response:
            if response.status != 200:
                by = response.headers.get("tritium-revision", "none")
                raise Wrong(f"status {response.status} from revision {by}: {await response.text()}")
            (output,) = (await response.json())["outputs"]
            data: list[float] = output["data"]
            return data

    return ask


def grpc(client: tritonclient.grpc.aio.InferenceServerClient, model: str) -> Ask:
    """Ask over gRPC."""
    inputs = [tritonclient.grpc.aio.InferInput(name, [1, 2], "FP32") for name in ("A", "B")]
    for tensor, row in zip(inputs, (A, B), strict=True):
        tensor.set_data_from_numpy(np.array([row], dtype=np.float32))

    async def ask() -> list[float]:
        answer = await client.infer(model, inputs)
        data: list[float] = answer.as_numpy("SUM").flatten().tolist()
        return data

    return ask


def grpc_anew(address: str, model: str) -> Ask:
    """Ask over gRPC, on a connection for each request: channels to one address share theirs unless told otherwise."""

    async def ask() -> list[float]:
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with tritonclient.grpc.aio.InferenceServerClient(address, channel_args=options) as client:
            return await grpc(client, model)()

    return ask


async def first_answer(ask: Ask) -> None:
    """Ask until there is an answer, for 30 seconds at most."""
    async with asyncio.timeout(30):
        while True:
            try:
                await asyncio.wait_for(ask(), 1)
            except Exception as error:  # noqa: BLE001 - whatever answers at an address that is not known yet
                print(f"not yet: {error!r}", flush=True)
                await asyncio.sleep(0.1)
            else:
                return


async def main(host: str, model: str, rate: str) -> None:
    """Ask until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    channel = tritonclient.grpc.aio.InferenceServerClient(f"{host}:8001")
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True, limit=0)) as new,
        aiohttp.ClientSession() as kept,
    ):
        await first_answer(http(new, host, model))
        address = socket.gethostbyname(host)  # once: the cluster's DNS is not what is tested
        began = time.time()
        clients = {
            "new connection each": Client(http(new, host, model), 1 / float(rate), began),
            "keep-alive": Client(http(kept, host, model), 0.1, began),
            "grpc": Client(grpc(channel, model), 0.1, began),
            "grpc, new connection each": Client(grpc_anew(f"{address}:8001", model), 0.1, began),
        }
        print("asking", flush=True)
        first, *others = clients.values()
        await asyncio.gather(first.open_loop(stop), *(each.closed_loop(stop) for each in others))
    await channel.close()
    lasted = round(time.time() - began, 1)
    each = {name: client.summary() for name, client in clients.items()}
    print(json.dumps({"began": began, "lasted": lasted, "clients": each}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
