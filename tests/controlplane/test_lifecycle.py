"""The ring's processes: shared by all who name the same folder, gone with the last, however that one ends."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.controlplane.api import Api
from tests.controlplane.faults import Match
from tests.controlplane.manifests import config_map, deployment
from tests.controlplane.proxy import FaultProxy
from tests.controlplane.ring import ROOT, ControlPlane
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from tests.controlplane.kubelet import Kubelet

JOINER = """
import json, signal, sys
from pathlib import Path
import tests.controlplane.ring as ring
binaries = {name: Path(path) for name, path in json.loads(sys.argv[2]).items()}
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is born deaf to it
ring.ensure = lambda *names: binaries  # found already by the test; finding them again is not what is tested
with ring.ControlPlane(Path(sys.argv[1])) as joined:
    print(json.dumps(joined.pids), flush=True)
    sys.stdin.read()
"""


def alive(pids: dict[str, int]) -> set[str]:
    """Names of the processes that still run; one that has ended but was not waited for does not."""

    def runs(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    return {name for name, pid in pids.items() if runs(pid)}


def joiner(folder: Path, binaries: ControlPlane) -> subprocess.Popen[str]:
    """Another process that uses the ring of a folder until it is told to end, or killed."""
    paths = json.dumps({name: str(path) for name, path in binaries.binaries.items()})
    command = [sys.executable, "-c", JOINER, str(folder), paths]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )


def heard(process: subprocess.Popen[str]) -> dict[str, int]:
    """The pids a joiner prints when it has joined."""
    assert process.stdout
    pids: dict[str, int] = json.loads(process.stdout.readline())
    return pids


async def test_nothing_is_left_when_its_only_user_is_killed(control_plane: ControlPlane, tmp_path: Path) -> None:
    with joiner(tmp_path, control_plane) as user:
        pids = heard(user)
        assert alive(pids) == {"supervisor", "etcd", "kube-apiserver", "kube-controller-manager"}
        user.kill()
    await wait_for(lambda: alive(pids), 10, "no process left", until=lambda seen: not seen)


async def test_it_is_shared_and_lasts_as_long_as_its_last_user(control_plane: ControlPlane, tmp_path: Path) -> None:
    with joiner(tmp_path, control_plane) as first, joiner(tmp_path, control_plane) as second:
        pids = heard(first)
        assert heard(second) == pids
        first.kill()
        first.wait(20)
        with ControlPlane(tmp_path) as third:
            assert third.pids == pids
            with pytest.raises(RuntimeError, match="shared with another test process"):
                third.restart_apiserver()
        assert len(alive(pids)) == 4
        second.send_signal(signal.SIGINT)
        second.wait(20)
        assert alive(pids) <= {"supervisor"}, "the last user, though interrupted, waits until all is gone"
    await wait_for(lambda: alive(pids), 5, "no process left", until=lambda seen: not seen)


# A connection whose server dies while TLS is being set up is left by asyncio to the garbage collector, which says so.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
async def test_the_api_server_restarts_with_its_data_and_all_ends_with_a_killed_supervisor(
    own_control_plane: ControlPlane,
) -> None:
    ring = own_control_plane
    async with Api(ring.admin) as api, FaultProxy(ring.admin) as proxy:
        before = await api.create(config_map("kept"), "default")
        for kill in (False, True):
            watching = asyncio.create_task(follow(proxy))
            await wait_for(
                lambda: proxy.seen(Match(watch=True))[-1:],
                5,
                "a watch",
                until=lambda seen: bool(seen) and seen[0].status == 200 and not seen[0].ended,
            )
            await asyncio.to_thread(ring.stop_apiserver, kill=kill)
            with pytest.raises(httpx.ConnectError):
                await api.get("v1/configmaps", "kept", "default")
            with pytest.raises(httpx.RemoteProtocolError):
                await asyncio.wait_for(watching, 5)
            await asyncio.to_thread(ring.start_apiserver)
            assert await api.get("v1/configmaps", "kept", "default") == before
    os.kill(ring.pids["supervisor"], signal.SIGKILL)
    await wait_for(lambda: alive(ring.pids), 10, "no process left", until=lambda seen: not seen)
    shutil.rmtree(ring.ca.parents[1])  # it had no time to
    gc.collect()  # here, where it is expected, and not in some later test


async def follow(proxy: FaultProxy) -> None:
    """Watch from now on, through a proxy, until that ends.

    From now on: an API server that was restarted knows nothing older and would answer 410.
    """
    async with Api(proxy.credentials()) as client:
        listing = await client.request("GET", "/api/v1/namespaces/default/configmaps")
        version = listing["metadata"]["resourceVersion"]
        async with aclosing(client.watch("v1/configmaps", "default", resourceVersion=version)) as events:
            async for kind, _ in events:
                assert kind != "ERROR"


async def test_controllers_go_on_after_a_restart(
    control_plane: ControlPlane, api: Api, namespace: str, kubelet: Kubelet
) -> None:
    assert kubelet is not None
    await asyncio.to_thread(control_plane.restart_controller_manager)
    await api.create(deployment("web", 2), namespace)
    await wait_for(lambda: api.list("v1/pods", namespace), 15, "pods", until=lambda seen: len(seen) == 2)
