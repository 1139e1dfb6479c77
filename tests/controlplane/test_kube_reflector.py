"""A list that follows a real API server, through everything that can go wrong with a watch."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.api import Api
from tests.controlplane.faults import Action, Answer, BlackHole, Cut, Drop, ErrorEvent, Fault, Match
from tests.controlplane.kube_clients import client_of
from tests.controlplane.manifests import config_map
from tests.controlplane.waiting import wait_for
from tritium.kube.kinds import CONFIG_MAPS
from tritium.kube.reflector import Identity, Reflector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.controlplane.proxy import FaultProxy
    from tests.controlplane.ring import ControlPlane
    from tritium.kube.client import Client

OURS = {"app.kubernetes.io/managed-by": "tritium"}
SELECTOR = "app.kubernetes.io/managed-by=tritium"
MAPS = "v1/configmaps"
WATCHES = Match(watch=True, resource="configmaps")
LISTS = Match(verb="list", resource="configmaps")


class Known:
    """What a follower knows: the value of each ConfigMap of ours."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.uids: dict[str, str] = {}
        self.lists = 0

    def listed(self, all_there_is: list[tuple[Identity, str]]) -> None:
        self.lists += 1
        self.values = {one.name: value for one, value in all_there_is}
        self.uids = {one.name: one.uid for one, _ in all_there_is}

    def changed(self, one: tuple[Identity, str]) -> None:
        self.values[one[0].name] = one[1]
        self.uids[one[0].name] = one[0].uid

    def gone(self, one: Identity) -> None:
        assert self.uids.pop(one.name) == one.uid
        del self.values[one.name]


def take(obj: dict[str, Any]) -> tuple[Identity, str]:
    metadata = obj["metadata"]
    return Identity(metadata["name"], metadata["uid"]), obj["data"]["n"]


@asynccontextmanager
async def following(client: Client, namespace: str, **options: Any) -> AsyncIterator[Known]:
    known = Known()
    reflector = Reflector(client, CONFIG_MAPS, namespace, take=take, follower=known, label_selector=SELECTOR, **options)
    running = asyncio.create_task(reflector.run())
    try:
        await wait_for(lambda: known.lists, what="the first list")
        yield known
        assert not running.done()
        assert reflector.heard is not None
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class Maps:
    """The ConfigMaps of a test."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._namespace = api, namespace

    async def put(self, name: str, n: int, **labels: str) -> None:
        obj = config_map(name, {"n": str(n)})
        metadata = obj["metadata"] | {"labels": OURS | labels}
        await self._api.apply(obj | {"metadata": metadata}, self._namespace, force=True)

    async def disown(self, name: str) -> None:
        patch = {"metadata": {"labels": dict.fromkeys(OURS)}}
        await self._api.patch(MAPS, name, self._namespace, patch)

    async def drop(self, name: str) -> None:
        await self._api.delete(MAPS, name, self._namespace)


@pytest.fixture
def maps(api: Api, namespace: str) -> Maps:
    return Maps(api, namespace)


async def knows(known: Known, **values: int) -> None:
    wanted = {name: str(n) for name, n in values.items()}
    await wait_for(lambda: dict(known.values), 15, str(wanted), until=lambda seen: seen == wanted)


async def test_it_knows_what_is_there(client: Client, maps: Maps, namespace: str, faults: FaultProxy) -> None:
    """Made, changed, made anew under the same name, without our label, deleted: by one list and one watch."""
    for number in range(60):  # more than a page
        await maps.put(f"a-{number}", number)
    async with following(client, namespace) as known:
        await knows(known, **{f"a-{number}": number for number in range(60)})
        for number in range(58):
            await maps.drop(f"a-{number}")
        await maps.put("a-58", 1)
        await maps.drop("a-59")
        await maps.put("a-59", 2)
        await knows(known, **{"a-58": 1, "a-59": 2})
        await maps.disown("a-58")
        await knows(known, **{"a-59": 2})
    assert len(faults.seen(LISTS)) == 2  # pages
    (watch,) = faults.seen(WATCHES)
    assert watch.query["labelSelector"] == SELECTOR
    assert watch.query["allowWatchBookmarks"] == "true"
    assert watch.query["timeoutSeconds"] == "60"


@pytest.mark.parametrize("action", [Cut(), Cut(clean=True), Drop(), Answer(429, retry_after=1), Answer(500)], ids=str)
async def test_it_goes_on_from_where_a_watch_broke(
    client: Client, maps: Maps, namespace: str, faults: FaultProxy, action: Action
) -> None:
    """What happens in between comes with the next watch: nothing is listed again."""
    await maps.put("a", 1)
    await maps.put("b", 1)
    async with following(client, namespace) as known:
        await knows(known, a=1, b=1)
        broken = faults.inject(Fault(WATCHES, action, times=1))
        if not isinstance(action, Cut):  # it is for a new watch, so end the one that is open
            faults.inject(Fault(WATCHES, Cut(clean=True), times=1))
        await wait_for(lambda: broken.hits, what="it breaks")
        await maps.drop("a")
        await maps.put("b", 2)
        await knows(known, b=2)
        assert known.lists == 1


@pytest.mark.parametrize("action", [ErrorEvent(410), Answer(410)], ids=str)
async def test_it_lists_again_when_its_version_is_too_old(
    client: Client, maps: Maps, namespace: str, faults: FaultProxy, action: Action
) -> None:
    """Of what was deleted in between no event tells."""
    await maps.put("a", 1)
    await maps.put("b", 1)
    async with following(client, namespace) as known:
        await knows(known, a=1, b=1)
        hole = faults.inject(Fault(WATCHES, BlackHole()))
        await maps.drop("a")
        await maps.put("c", 1)
        gone = faults.inject(Fault(WATCHES, action, times=1))
        if isinstance(action, Answer):
            faults.inject(Fault(WATCHES, Cut(), times=1))
        faults.remove(hole)
        await wait_for(lambda: gone.hits, what="it is too old")
        await knows(known, b=1, c=1)
        await wait_for(lambda: known.lists, until=lambda seen: seen == 2)


async def test_a_server_that_never_lets_it_watch_is_asked_in_peace(
    client: Client, maps: Maps, namespace: str, faults: FaultProxy
) -> None:
    """Lists keep it right, longer and longer apart; when watches work again, it watches."""
    await maps.put("a", 1)
    with faults.during(Fault(WATCHES, ErrorEvent(410))):
        async with following(client, namespace) as known:
            await wait_for(lambda: known.lists, until=lambda seen: seen >= 3)
            await maps.put("a", 2)
            await knows(known, a=2)
            apart = [second.started - first.started for first, second in pairwise(faults.seen(LISTS))]
            assert apart[-1] > apart[0]
    mark = len(faults.requests)
    async with following(client, namespace) as known:
        await maps.put("a", 3)
        await knows(known, a=3)
    assert len([each for each in faults.requests[mark:] if LISTS.fits(each)]) == 1


@pytest.mark.parametrize("hole", [BlackHole(), BlackHole(headers=False)], ids=["no event", "no answer"])
async def test_a_connection_that_says_nothing_is_given_up(
    client: Client, maps: Maps, namespace: str, faults: FaultProxy, hole: BlackHole
) -> None:
    """It is open, and nothing comes: a silent server and one that is gone look the same."""
    await maps.put("a", 1)
    async with following(client, namespace, silence=1.0) as known:
        silent = faults.inject(Fault(WATCHES, hole, times=1))
        if not hole.headers:  # it is for a new watch, so end the one that is open
            faults.inject(Fault(WATCHES, Cut(clean=True), times=1))
        await wait_for(lambda: silent.hits, what="it is silent")
        await maps.put("a", 2)
        await knows(known, a=2)
        assert len(faults.seen(WATCHES)) > 1


async def test_the_api_server_goes_and_comes_back(
    own_control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has stays as it is meanwhile, and is right a moment after."""
    async with (
        Api(own_control_plane.admin) as api,
        client_of(own_control_plane.admin, tmp_path, monkeypatch, deadline=2.0) as client,
    ):
        maps = Maps(api, "default")
        await maps.put("a", 1)
        await maps.put("b", 1)
        async with following(client, "default") as known:
            await knows(known, a=1, b=1)
            await asyncio.to_thread(own_control_plane.stop_apiserver, kill=True)
            assert known.values.keys() == {"a", "b"}
            await asyncio.to_thread(own_control_plane.start_apiserver)
            await maps.drop("b")
            await maps.put("a", 2)
            await knows(known, a=2)
