"""What the operator costs the cluster, and what bounds it: many ModelDeployments at once on the control-plane ring.

Real kube-apiserver, etcd and controller manager (its client limits raised) and the stub kubelet share the machine
with the operator, so the time until all is there is the time of all of them; their CPU is printed beside it.
"""

import asyncio
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.api import Api, Object
from tests.controlplane.crd import install_crd
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.operating.harness import MDEP, Operator, condition, model_deployment, resolves
from tests.controlplane.proxy import FaultProxy
from tests.controlplane.ring import ControlPlane
from tritium.api.crd import custom_resource_definition

NAMESPACE = "scale"
SIZES = (300, 1000)
QUIET = float(os.environ.get("BENCH_QUIET", "600"))
"""Seconds of the quiet time; BENCH_QUIET shortens it."""
FEW = 40
"""Objects of the run that counts writes by kind: through a proxy, which would slow a larger one down."""
WRITES = {"apply", "patch", "create", "delete"}
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used so far."""

    cpu: float
    rss: float
    peak: float

    @classmethod
    def of(cls, pid: int) -> "Usage":
        """CPU in seconds, memory in MiB."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text()
        rss, peak = (int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024 for name in ("VmRSS", "VmHWM"))  # type: ignore[index]
        return cls((int(fields[11]) + int(fields[12])) / TICKS, rss, peak)


async def main() -> None:
    """Measure and print."""
    sizes = tuple(int(each) for each in os.environ.get("BENCH_SIZES", "").split(",") if each) or SIZES
    print(f"on {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    await _writes_by_kind()
    for size in sizes:
        await _scale(size, quiet=QUIET if size == sizes[-1] else 0.0)


async def _scale(size: int, *, quiet: float) -> None:
    async with ground() as (ring, api, _, folder):
        async with Operator(ring.admin, folder, NAMESPACE) as operator:
            await operator.ready()
            pids = _processes(ring) | {"operator": pid(operator), "stub kubelet and bench": os.getpid()}
            before = {name: Usage.of(each) for name, each in pids.items()}
            began = time.perf_counter()
            await _create(api, size)
            await _all_there(api, size)
            took = time.perf_counter() - began
            after = {name: Usage.of(each) for name, each in pids.items()}
            print(f"\n{size} objects at once: all there after {took:.1f} s ({size / took:.0f}/s)")
            for name in pids:
                print(f"  {name:<24} {after[name].cpu - before[name].cpu:6.1f} s CPU")
            print(f"  operator RSS {after['operator'].rss:.0f} MiB, at most {after['operator'].peak:.0f} MiB")
            print(f"  its requests for each object: {_each(await _requests(operator), size)}")
        await asyncio.sleep(5)
        async with Operator(ring.admin, folder, NAMESPACE, name="operator-1") as operator:
            began = time.perf_counter()
            await operator.ready()
            ready = time.perf_counter() - began
            await _drained(operator)
            requests, usage = await _requests(operator), Usage.of(pid(operator))
            print(
                f"  restarted: leads and has listed after {ready:.1f} s; all looked at after {usage.cpu:.1f} s of CPU;"
            )
            print(f"  {sum(requests[verb] for verb in WRITES)} writes, RSS {usage.rss:.0f} MiB")
            if quiet:
                await _quiet(operator, requests, quiet)


async def _quiet(operator: Operator, before: Counter[str], seconds: float) -> None:
    used = Usage.of(pid(operator))
    await asyncio.sleep(seconds)
    after = await _requests(operator) - before
    lease, lists = after.pop("update", 0), after.pop("list", 0)
    cpu = Usage.of(pid(operator)).cpu - used.cpu
    print(f"  {seconds / 60:.0f} quiet minutes: {sum(after.values())} requests for objects {dict(after) or ''};")
    print(
        f"  apart from them {lease} renewals of the Lease and {lists} pages of the sweep; {cpu / seconds:.1%} of a core"
    )


async def _writes_by_kind() -> None:
    async with ground() as (ring, api, _, folder), FaultProxy(ring.admin) as proxy:
        async with Operator(proxy.credentials(), folder, NAMESPACE) as operator:
            await operator.ready()
            await _create(api, FEW)
            await _all_there(api, FEW)
            await _drained(operator)
        kinds = Counter(
            f"{each.verb} {each.resource}{f'/{each.subresource}' if each.subresource else ''}"
            for each in proxy.requests
            if each.verb not in {"watch", "list"} and each.resource != "leases"
        )
    print("requests for each object, by what they are about:")
    for what, number in sorted(kinds.items()):
        print(f"  {what:<36} {number / FEW:.2f}")


@asynccontextmanager
async def ground() -> AsyncIterator[tuple[ControlPlane, Api, Kubelet, Path]]:
    """A ring of its own with the CRD, a namespace, and a kubelet for which every source is found."""
    with tempfile.TemporaryDirectory() as folder, ControlPlane(Path(folder) / "ring") as ring:
        await install_crd(ring, custom_resource_definition(), collected=True)
        async with Api(ring.admin) as api:
            await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
            async with Kubelet(api, [NAMESPACE]) as kubelet:
                resolves(kubelet)
                yield ring, api, kubelet, Path(folder)


def _model(name: str) -> Object:
    """What most people have: nothing is said about rollouts."""
    return model_deployment(NAMESPACE, name, "s3://models/fraud/1", replicas=0, rollout={"strategy": "canary"})


async def _create(api: Api, size: int) -> None:
    turns = asyncio.Semaphore(16)

    async def create(number: int) -> None:
        async with turns:
            await api.create(_model(f"m{number:04}"))

    await asyncio.gather(*(create(number) for number in range(size)))


async def _all_there(api: Api, size: int) -> None:
    """All children are written, and each status is that of the newest generation."""
    while True:
        objects = await api.list(MDEP, NAMESPACE)
        done = sum(
            (each.get("status") or {}).get("observedGeneration") == each["metadata"]["generation"]
            and condition(each["status"], "Released").get("status") == "True"
            for each in objects
        )
        if done == size:
            return
        await asyncio.sleep(0.5)


async def _drained(operator: Operator) -> None:
    """Nothing has waited for a pass for three seconds."""
    empty = 0
    while empty < 6:
        await asyncio.sleep(0.5)
        depth = re.search(r"^tritium_queue_depth (\S+)", (await operator.get("/metrics")).text, re.MULTILINE)
        empty = empty + 1 if depth and float(depth[1]) == 0 else 0


async def _requests(operator: Operator) -> Counter[str]:
    text = (await operator.get("/metrics")).text
    found = re.findall(r'^tritium_api_requests_total\{code="[^"]*",verb="([^"]*)"\} (\S+)', text, re.MULTILINE)
    counted: Counter[str] = Counter()
    for verb, number in found:
        counted[verb] += int(float(number))
    return counted


def _each(requests: Counter[str], size: int) -> str:
    return ", ".join(f"{number / size:.2f} {verb}" for verb, number in sorted(requests.items()) if verb != "update")


def _processes(ring: ControlPlane) -> dict[str, int]:
    """The ring's processes as they are now: the controller manager was restarted once."""
    supervisor = ring.pids["supervisor"]
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return {Path(f"/proc/{pid}/comm").read_text().strip(): int(pid) for pid in children}


def pid(operator: Operator) -> int:
    """Of its process."""
    if operator.process is None:
        raise RuntimeError("the operator was not started")
    return operator.process.pid
