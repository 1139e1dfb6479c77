"""A program: one client that asks a model as it is told, request after request, and notes how long each took.

It is told by lines of JSON (`Order`) on its standard input and answers each with a line (`Heard`). The client blocks,
so that between the answer and the next request there is as little of it as Python allows; for many requests at once
there are many of these processes.
"""

import gc
import http.client
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Final

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

HOST: Final = "127.0.0.1"
MODEL: Final = "adder"
PATIENCE: Final = 10.0
"""Seconds until an answer that did not come counts as failed."""
WARM_UP: Final = 5
"""Requests before the first that counts: a connection that nobody used may have been closed."""
SPIN: Final = 0.0003
"""Seconds before a request is due from which on the clock is watched: sleeping is not that exact."""
TENSORS: Final = {"A": [1.0, 2.0], "B": [3.0, 4.0]}

Ask = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What a client is to do.

    Attributes:
        protocol: http or grpc.
        begin: when, on the clock that all processes of a machine share (`time.monotonic`).
        seconds: how long.
        every: seconds between two requests, however long the answers take; 0: each follows the answer before.
    """

    protocol: str
    port: int
    begin: float
    seconds: float
    every: float = 0.0


@dataclass(slots=True)
class Heard:
    """What came of it.

    Attributes:
        latencies: seconds to each answer; from when the request was due, if there is a time between two.
        failures: by kind.
    """

    latencies: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)


class NoAnswer(Exception):
    """An answer that is none; the text says what it was."""


def http_ask(port: int) -> Ask:
    """Infer over HTTP, with JSON, on one connection."""
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
    inputs = [{"name": name, "shape": [1, 2], "datatype": "FP32", "data": data} for name, data in TENSORS.items()]
    body = json.dumps({"inputs": inputs}).encode()
    path, headers = f"/v2/models/{MODEL}/infer", {"Content-Type": "application/json"}

    def ask() -> None:
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            said = answer.read()
        except BaseException:
            connection.close()
            raise
        if answer.status != http.HTTPStatus.OK or b'"SUM"' not in said:
            raise NoAnswer(f"{answer.status} {said[:100]!r}")

    return ask


def grpc_ask(port: int) -> Ask:
    """Infer over gRPC, on one connection."""
    channel = grpc.insecure_channel(f"{HOST}:{port}", [("grpc.use_local_subchannel_pool", 1)])
    infer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer
    request = service_pb2.ModelInferRequest(model_name=MODEL)
    for name, data in TENSORS.items():
        request.inputs.add(name=name, datatype="FP32", shape=[1, 2]).contents.fp32_contents.extend(data)

    def ask() -> None:
        if not infer(request, timeout=PATIENCE, wait_for_ready=False).raw_output_contents:
            raise NoAnswer("no output")

    return ask


ASKS: Final = {"http": http_ask, "grpc": grpc_ask}


def carry_out(order: Order, ask: Ask) -> Heard:
    """Ask for as long as the order says."""
    for _ in range(WARM_UP):
        _one(ask, Heard(), time.monotonic())
    heard = Heard()
    _wait(order.begin)
    if order.every:
        for number in range(round(order.seconds / order.every)):
            due = order.begin + number * order.every
            _wait(due)
            _one(ask, heard, due)
        return heard
    while (now := time.monotonic()) < order.begin + order.seconds:
        _one(ask, heard, now)
    return heard


def _one(ask: Ask, heard: Heard, began: float) -> None:
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - whatever it is, it counts
        heard.failures[" ".join(f"{type(error).__name__}: {error}".split())[:200]] += 1
    else:
        heard.latencies.append(time.monotonic() - began)


def _wait(until: float) -> None:
    if (left := until - time.monotonic() - SPIN) > 0:
        time.sleep(left)
    while time.monotonic() < until:
        pass


def main() -> None:
    """Take orders until there are no more."""
    gc.disable()  # nothing here is a cycle, and a pause would look like a slow answer
    asks: dict[tuple[str, int], Ask] = {}
    for line in sys.stdin:
        order = Order(**json.loads(line))
        place = (order.protocol, order.port)
        if place not in asks:
            asks[place] = ASKS[order.protocol](order.port)
        print(json.dumps(asdict(carry_out(order, asks[place]))), flush=True)


if __name__ == "__main__":
    main()
