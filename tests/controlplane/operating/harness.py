# ruff: noqa: ASYNC109  # the timeout bounds a condition that is read again and again, not one await
"""The operator as a process against the ring, and what a ModelDeployment's pods do there.

It is the program itself, started as the chart starts it, with a kubeconfig in the place of a ServiceAccount. So a
test can kill it, stop it for a while, or put faults between it and the API server.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx

from tests.controlplane.behaviour import Failed, Succeeded
from tests.controlplane.waiting import wait_for
from tests.ports import free_ports
from tritium.api import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.controlplane.api import Api, Object
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.ring import Credentials

ROOT = Path(__file__).parents[3]
ROUTED = "tests.controlplane.operating.routed"
MDEP = f"{names.API_VERSION}/{names.PLURAL}"
RESOLVES = {names.COMPONENT: names.Component.RESOLVE}
SERVES = {names.COMPONENT: names.Component.MODEL}


@dataclass(eq=False)
class Operator:
    """One process of the operator; an async context manager.

    Attributes:
        credentials: of the API server, or of a proxy before it.
        folder: for its kubeconfig and its log.
        namespace: where its Lease is.
        environment: more of its variables.
    """

    credentials: Credentials
    folder: Path
    namespace: str
    name: str = "operator-0"
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        """What it wrote."""
        return self.folder / f"{self.name}.log"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the process; it is not waited for."""
        self.port = self.port or free_ports(1)[0]
        kubeconfig = self.credentials.kubeconfig(self.folder / f"{self.name}.kubeconfig", self.namespace)
        variables = {
            "KUBECONFIG": str(kubeconfig),
            "TRITIUM_IMAGE": "tritium.dev/operator:test",
            "TRITIUM_TRITON_IMAGE": "tritium.dev/triton:24.10-cpu",
            "TRITIUM_NAMESPACE": self.namespace,
            "TRITIUM_POD_NAME": self.name,
            "TRITIUM_PORT": str(self.port),
            "PYTHONPATH": f"{ROOT}:{ROOT / 'operator'}",
            **self.environment,
        }
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", ROUTED, env={**os.environ, **variables}, stdout=log, stderr=log
            )

    async def ready(self) -> None:
        """Wait until it leads and has listed everything."""
        await wait_for(self.leads, 30, "the operator leads")

    async def leads(self) -> bool:
        """Whether it says so."""
        if self.process and self.process.returncode is not None:
            raise AssertionError(f"the operator ended with {self.process.returncode}: {self.log.read_text()[-4000:]}")
        try:
            answer = await self.get("/readyz")
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK and answer.text.strip() == "leading"

    async def get(self, path: str) -> httpx.Response:
        """One of its HTTP endpoints."""
        async with httpx.AsyncClient(trust_env=False, verify=False) as http:  # noqa: S501 - plain HTTP; reads no roots
            return await http.get(f"http://127.0.0.1:{self.port}{path}")

    async def stop(self) -> None:
        """As a kubelet does: SIGTERM, and SIGKILL when it takes too long."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), 15)
        except TimeoutError:
            await self.kill()
            raise AssertionError(f"the operator did not end within 15 s of SIGTERM: {self.log.read_text()}") from None

    async def kill(self) -> None:
        """SIGKILL."""
        assert self.process
        self.process.kill()
        await self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, such as SIGSTOP."""
        assert self.process
        self.process.send_signal(number)


@dataclass(frozen=True, slots=True)
class Models:
    """The ModelDeployments of one test's namespace, as a user sees them."""

    api: Api
    namespace: str

    async def apply(self, name: str = "fraud", uri: str = "s3://models/fraud/1", **spec: Any) -> Object:
        """Create or edit one; `spec` is merged beside the model's source."""
        return await self.api.apply(model_deployment(self.namespace, name, uri, **spec), force=True)

    async def get(self, name: str = "fraud") -> Object:
        """One as it is."""
        return await self.api.get(MDEP, name, self.namespace)

    async def status(self, name: str = "fraud") -> Object:
        """Its status, empty before the first pass."""
        return dict((await self.get(name)).get("status") or {})

    async def children(self, resource: str, name: str = "fraud") -> list[Object]:
        """What the operator made of it, of one kind."""
        return await self.api.list(resource, self.namespace, labelSelector=f"{names.OWNER}={name}")

    async def until(self, what: str, name: str = "fraud", *, timeout: float = 60, **wanted: Any) -> Object:
        """Wait until the status is like that: a condition by its type (`Ready="True"`, or a reason), or a member."""
        status: Object = {}

        async def holds() -> bool:
            nonlocal status
            status = await self.status(name)
            return all(_is(status, member, value) for member, value in wanted.items())

        try:
            await wait_for(holds, timeout, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(status, indent=1)}") from error
        return status

    async def settled(self, name: str = "fraud", *, revision: int | None = None, timeout: float = 60) -> Object:
        """Wait until the newest generation serves and nothing is under way."""
        status: Object = {}

        async def holds() -> bool:
            nonlocal status
            obj = await self.get(name)
            status = obj.get("status") or {}
            return (
                status.get("observedGeneration") == obj["metadata"]["generation"]
                and condition(status, "Released").get("status") == "True"
                and condition(status, "Reconciling").get("status") == "False"
                and (revision is None or status["stable"]["revision"] == revision)
            )

        try:
            await wait_for(holds, timeout, f"{name} serves revision {revision}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(status, indent=1)}") from error
        return status


def model_deployment(namespace: str, name: str, uri: str, **spec: Any) -> Object:
    """A ModelDeployment with a source that nobody reads: the stub kubelet answers for fetch.

    A new version gets all of the traffic at once, unless `rollout` says otherwise.
    """
    spec["rollout"] = at_once(spec.get("rollout", {}))
    model = {"source": {"uri": uri}, **spec.pop("model", {})}
    metadata = {"name": name, "namespace": namespace, **spec.pop("metadata", {})}
    return {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": metadata, "spec": {"model": model, **spec}}


def at_once(rollout: Mapping[str, Any]) -> Object:
    """`rollout` for tests of what is no matter of steps: all of the traffic at once, where it says nothing of that."""
    return dict(rollout) if {"steps", "strategy"} & rollout.keys() else {"strategy": "blueGreen", **rollout}


def resolves(kubelet: Kubelet, fingerprint: str = "sha256:" + "ab" * 32, *, after: float = 0.0) -> None:
    """From now on the source is found, with that fingerprint."""
    found = {"fingerprint": fingerprint, "files": 3, "bytes": 4096}
    kubelet.rule(RESOLVES, Succeeded(json.dumps(found), after))


def does_not_resolve(kubelet: Kubelet, reason: str, message: str = "as the test says") -> None:
    """From now on the source cannot be listed."""
    kubelet.rule(RESOLVES, Failed(1, json.dumps({"failure": {"reason": reason, "message": message}})))


def condition(status: Mapping[str, Any], kind: str) -> Object:
    """One condition, empty if it is not there."""
    return next((dict(each) for each in status.get("conditions") or () if each["type"] == kind), {})


def _is(status: Object, member: str, value: Any) -> bool:
    found = condition(status, member)
    if found:
        return value in {found["status"], found["reason"]}
    if member == "stable":
        return bool(status.get("stable")) and status["stable"]["revision"] == value
    return bool(status.get(member) == value)
