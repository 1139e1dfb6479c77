"""Clients inside of the cluster that ask a model all the time, and what they have to say in the end."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e import objects
from e2e.kubectl import Kubectl

Object = dict[str, Any]
_PROGRAM = Path(__file__).with_name("client.py")
_POD = "client"


@dataclass(frozen=True, slots=True)
class Told:
    """What one client has to say.

    Attributes:
        p50, p99, slowest: seconds to an answer, or to a failure.
        answers: by the answer's first number: when it came first and last.
        failures: by kind: when.
    """

    requests: int
    answered: int
    p50: float
    p99: float
    slowest: float
    answers: dict[float, tuple[float, float]]
    failures: dict[str, list[float]]

    @property
    def failed(self) -> int:
        """How many requests got no answer."""
        return sum(map(len, self.failures.values()))


@dataclass(frozen=True, slots=True)
class Summary:
    """What all clients have to say.

    Attributes:
        lasted: seconds.
        began: seconds since the epoch; the times of failures count from it.
    """

    lasted: float
    began: float
    new_connections: Told
    keep_alive: Told
    grpc: Told
    new_grpc: Told

    @property
    def clients(self) -> dict[str, Told]:
        """All of them."""
        return {
            "new": self.new_connections,
            "keep-alive": self.keep_alive,
            "grpc": self.grpc,
            "grpc, new": self.new_grpc,
        }

    @property
    def failures(self) -> dict[str, list[float]]:
        """What failed for which of them: when."""
        return {
            f"{name}: {kind}": times for name, each in self.clients.items() for kind, times in each.failures.items()
        }

    def of_others(self, revision: int) -> dict[str, list[float]]:
        """What failed over HTTP and is not this revision's answer: when. Over gRPC, and in vain, nobody is named."""
        of_http = {"new": self.new_connections, "keep-alive": self.keep_alive}
        return {
            f"{name}: {kind}": times
            for name, each in of_http.items()
            for kind, times in each.failures.items()
            if f"from revision {revision}:" not in kind and not kind.startswith("TimeoutError")
        }

    def __str__(self) -> str:
        lines = [f"{self.lasted} s, since {self.began}"]
        for name, each in self.clients.items():
            lines.append(f"{name}: {each.failed} of {each.requests} failed, slowest {each.slowest} s, {each.answers}")
            lines += [f"    {len(times)} x {kind} at {times[:20]}" for kind, times in each.failures.items()]
        return "\n".join(lines)


def start(namespace: Kubectl, host: str, rate: int = 50) -> None:
    """Have the clients ask the `adder` at a Service, first of all with `rate` requests a second, a connection each."""
    program = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": _POD}}
    pod = objects.operator(_POD, "/program/client.py", host, "adder", str(rate), command=("python3",))
    pod["spec"]["volumes"] = [{"name": "program", "configMap": {"name": _POD}}]
    pod["spec"]["containers"][0]["volumeMounts"] = [{"name": "program", "mountPath": "/program"}]
    namespace.apply(program | {"data": {_PROGRAM.name: _PROGRAM.read_text()}}, pod)
    namespace.wait("pod", _POD, "condition=Ready")
    until = time.monotonic() + 40
    while "asking" not in (said := namespace("logs", _POD).splitlines()):
        assert time.monotonic() < until, said
        time.sleep(0.2)


def go_on(seconds: float) -> None:
    """Let the clients ask for a while: the time is what is tested."""
    time.sleep(seconds)


def stop(namespace: Kubectl) -> Summary:
    """Have them end, and tell."""
    namespace("exec", _POD, "--", "python3", "-c", "import os, signal; os.kill(1, signal.SIGTERM)")
    namespace.wait("pod", _POD, "jsonpath={.status.phase}=Succeeded", seconds=60)
    # All of the log: of its end a kubelet gives the lines of its own file, which a long one is many of.
    told = json.loads(namespace("logs", _POD).splitlines()[-1])
    return Summary(told["lasted"], told["began"], *(_told(each) for each in told["clients"].values()))


def _told(summary: Object) -> Told:
    answers = {json.loads(answer)[0]: (first, last) for answer, (first, last) in summary["answers"].items()}
    return Told(**summary | {"answers": answers})
