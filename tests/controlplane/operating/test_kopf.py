"""What kopf does, or does not do, beside watching; and where each of its traps is tested.

| trap | test |
|---|---|
| annotations, finalizers, a word in the log for each event, other complaints in a quiet life | test_convergence |
| labels are filtered at the server; an object that loses its label comes as a deletion | test_watches |
| no CRD, an old one, one that goes while we run: kopf would idle, or end with a traceback | test_outages |
| the schema changes: its watch begins anew | test_outages |
| its signal handlers take 5 s to end it, as leader and as standby | test_leader |
| it ends tasks that are not its own, does not end its own, hangs, kills the process half a minute later | here |
| 401, 410 or another answer that it does not expect ends it | here, test_watches |
| lists and watches that fail, end, break, are too old; a black-holed watch; kinds in any order | test_watches |
| needless writes before all is listed; writes after a restart | test_watches, test_convergence, test_many |
| a missed deletion makes ghosts | test_watches |
| two on one key give conflicts; requests for each object | test_many |
| the lease: clocks, theft, release, two leaders | test_leader, ../test_kube_lease |
| the API server restarts, or refuses everything | test_outages |
| dropped writes, lost answers, errors at each write | test_faults_at_writes, test_crashes |
| replicas left out of an apply, a foreign field, a quantity written differently | test_convergence, ../test_resources |
| time-outs, list pages, content types, stale versions and uids | ../test_kube_client |
"""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest

from tests.controlplane.faults import Answer, Cut, Fault, Match
from tests.controlplane.waiting import wait_for
from tritium.kube.kinds import WATCHED
from tritium.kube.store import Store
from tritium.watch import watch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controlplane.proxy import FaultProxy


@pytest.fixture(autouse=True)
def kubeconfig(faults: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For kopf in this process. The variable KUBECONFIG was read when the library was imported."""
    config = str(faults.credentials().kubeconfig(tmp_path / "kubeconfig"))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", config)


async def watching() -> asyncio.Task[None]:
    """A watch that has just started."""
    started = asyncio.Event()
    task = asyncio.create_task(watch(Store(), lambda _key, _edited: None, lambda: None, started.set))
    async with asyncio.timeout(20):
        await started.wait()
    return task


async def test_the_end_of_the_watch_ends_no_other_task(faults: FaultProxy) -> None:
    """And it leaves none of its own behind: a process watches anew each time that it leads."""
    for discovered in (False, True):
        before, mark = asyncio.all_tasks(), len(faults.requests)
        task = await watching()
        other = asyncio.create_task(asyncio.Event().wait())
        if discovered:
            await _all_watch(faults, mark)
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        assert task.cancelled()
        assert not other.done()
        assert _younger(before) == {other}
        assert "pthread_kill" not in str(asyncio.get_running_loop()._scheduled)  # type: ignore[attr-defined]
        other.cancel()


async def test_a_watch_that_breaks_says_so(faults: FaultProxy) -> None:
    """Kopf must not hang: one that leads and does not watch is the worst of all."""
    for status in (401, 410, 404):
        before, mark = asyncio.all_tasks(), len(faults.requests)
        task = await watching()
        await _all_watch(faults, mark)
        faults.inject(Fault(Match(watch=True), Answer(status), times=len(WATCHED)))
        faults.inject(Fault(Match(watch=True), Cut(clean=True), times=len(WATCHED)))
        await asyncio.wait({task}, timeout=8)
        assert task.done(), status
        assert task.exception() is not None
        assert _younger(before) == set()
        del task
        gc.collect()  # kopf forgets watchers that failed, and asyncio complains of that: here, and not in another test


async def _all_watch(faults: FaultProxy, mark: int) -> None:
    def number() -> int:
        return len({each.resource for each in faults.requests[mark:] if each.verb == "watch"})

    await wait_for(number, 20, "all is watched", until=lambda seen: seen == len(WATCHED))


def _younger(than: set[asyncio.Task[object]]) -> set[asyncio.Task[object]]:
    """Tasks that were not there before; those of the proxy come and go."""
    return {task for task in asyncio.all_tasks() - than if "aiohttp" not in repr(task) and "proxy.py" not in repr(task)}
