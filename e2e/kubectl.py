"""kubectl as the tests use it: objects in and out, waiting with a reason, port-forwarding, and a report of a namespace.

The tests speak to the cluster with what a user has, so a failing test can be done again by hand.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Object = dict[str, Any]


class Refused(Exception):
    """kubectl said no; the text is its own."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl against one cluster and namespace.

    Attributes:
        program: the kubectl that was built with the cluster.
        kubeconfig: the cluster's.
        namespace: where objects without one go.
    """

    program: Path
    kubeconfig: Path
    namespace: str = "default"

    def within(self, namespace: str) -> Kubectl:
        """The same, in another namespace."""
        return Kubectl(self.program, self.kubeconfig, namespace)

    def command(self, *arguments: str) -> list[str]:
        """The whole command line."""
        return [str(self.program), f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}", *arguments]

    def __call__(self, *arguments: str, stdin: str | None = None, timeout: float = 180) -> str:
        """Run kubectl and return what it prints.

        Raises:
            Refused: it ended with an error.
        """
        ended = subprocess.run(
            self.command(*arguments), input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )
        if ended.returncode:
            raise Refused(ended.stderr.strip())
        return ended.stdout

    def apply(self, *objects: Object) -> None:
        """Server-side apply."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self("apply", "--server-side", "--validate=strict", "-f", "-", stdin=json.dumps(items))

    def get(self, kind: str, name: str) -> Object:
        """One object."""
        found: Object = json.loads(self("get", kind, name, "-o", "json"))
        return found

    def items(self, kind: str, selector: str) -> list[Object]:
        """The objects that carry these labels."""
        found: list[Object] = json.loads(self("get", kind, f"--selector={selector}", "-o", "json"))["items"]
        return found

    def wait(self, kind: str, name: str, condition: str, *, seconds: int = 120) -> None:
        """Wait for a condition, or for `jsonpath=…`; on time-out say what the object is like instead."""
        try:
            self("wait", f"{kind}/{name}", f"--for={condition}", f"--timeout={seconds}s", timeout=seconds + 10)
        except Refused as refused:
            raise AssertionError(f"{refused}\n{self('describe', kind, name)}") from refused

    @contextmanager
    def forward(self, target: str, *ports: int) -> Iterator[list[str]]:
        """Forward ports of a Service or Pod to free ones on 127.0.0.1; gives `127.0.0.1:port` for each."""
        command = self.command("port-forward", target, *(f":{port}" for port in ports))
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout is not None
            try:
                addresses: dict[int, str] = {}
                while len(addresses) < len(ports):
                    line = process.stdout.readline()
                    assert line, f"port-forward to {target} ended before it began"
                    if forwarded := re.search(r"(127\.0\.0\.1:\d+) -> (\d+)", line):
                        addresses[int(forwarded[2])] = forwarded[1]
                # A Service's port is shown as the pod's, so the order is that of the lines.
                yield list(addresses.values())
            finally:
                process.terminate()

    def report(self) -> str:
        """What the cluster knows about the namespace: objects, events, and the end of each pod's logs."""
        parts = [
            ("objects", ["get", "all,configmaps", "-o", "wide", "--ignore-not-found"]),
            # By itself: a cluster that has no such kind yet would answer the whole question with an error.
            ("model deployments", ["get", "mdep", "-o", "yaml", "--ignore-not-found"]),
            ("pods", ["describe", "pods"]),
            ("events", ["get", "events", "--sort-by=.lastTimestamp"]),
            ("nodes", ["describe", "nodes"]),
        ]
        pods = self.said("get", "pods", "-o", "name").split()
        parts += [(f"logs of {pod}", ["logs", pod, "--all-containers", "--prefix", "--tail=40"]) for pod in pods]
        return "\n".join(f"--- {title}\n{self.said(*arguments)}" for title, arguments in parts)

    def said(self, *arguments: str) -> str:
        """What kubectl prints, be it an error."""
        try:
            return self(*arguments)
        except (Refused, subprocess.TimeoutExpired) as error:
            return f"{error}\n"
