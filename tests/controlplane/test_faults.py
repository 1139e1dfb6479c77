"""Each fault as a real client meets it, and what the proxy has written down about it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio

from tests.controlplane.api import Api, ApiError, Object
from tests.controlplane.faults import Answer, BlackHole, Cut, Delay, Drop, ErrorEvent, Fault, Match
from tests.controlplane.manifests import config_map
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.controlplane.proxy import FaultProxy
    from tests.controlplane.ring import ControlPlane

CONFIG_MAPS = "v1/configmaps"
CREATE = Match(verb="create", resource="configmaps")
WATCH = Match(watch=True)


@pytest_asyncio.fixture
async def client(faults: FaultProxy) -> AsyncIterator[Api]:
    """A client whose requests go through the proxy."""
    async with Api(faults.credentials(), user_agent="client under test/1.0") as through:
        yield through


class Watching:
    """A watch through the proxy, in the background, and how it ended."""

    def __init__(self, client: Api, namespace: str, **query: Any) -> None:
        self.names: list[str] = []
        self.last: tuple[str, Object] | None = None
        self.task = asyncio.create_task(self._follow(client, namespace, query))

    async def _follow(self, client: Api, namespace: str, query: dict[str, Any]) -> None:
        async for kind, obj in client.watch(CONFIG_MAPS, namespace, **query):
            self.last = kind, obj
            self.names.append(obj["metadata"].get("name", ""))

    async def has_seen(self, *names: str) -> None:
        await wait_for(lambda: self.names, 5, f"events of {names}", until=lambda seen: seen == [*names])

    async def ended(self) -> None:
        """Return if the server ended it, raise what the connection's end raised."""
        await asyncio.wait_for(self.task, 5)


@pytest_asyncio.fixture
async def watching(client: Api, api: Api, namespace: str) -> AsyncIterator[Watching]:
    """A watch that has brought one event, of `first`."""
    await wait_for(lambda: api.find(CONFIG_MAPS, "kube-root-ca.crt", namespace), 10, "the first ConfigMap")
    listing = await api.request("GET", f"/api/v1/namespaces/{namespace}/configmaps")
    watch = Watching(client, namespace, resourceVersion=listing["metadata"]["resourceVersion"])
    await api.create(config_map("first"), namespace)
    await watch.has_seen("first")
    yield watch
    watch.task.cancel()
    await asyncio.gather(watch.task, return_exceptions=True)


async def test_without_faults_it_only_writes_down(faults: FaultProxy, client: Api, namespace: str) -> None:
    made = await client.create(config_map("a"), namespace)
    assert await client.get(CONFIG_MAPS, "a", namespace) == made
    await client.apply(config_map("a", {"k": "v"}), namespace, manager="me", force=True)
    await client.patch(CONFIG_MAPS, "a", namespace, {"data": {"k": "w"}})
    assert "a" in {each["metadata"]["name"] for each in await client.list(CONFIG_MAPS, namespace, labelSelector="!x")}
    with pytest.raises(ApiError):
        await client.get(CONFIG_MAPS, "nobody", namespace)
    await client.delete(CONFIG_MAPS, "a", namespace)

    seen = faults.seen(Match(resource="configmaps"))
    said = [(each.verb, each.patch, each.name, each.status, each.upstream) for each in seen]
    assert said == [
        ("create", "", "", 201, 201),
        ("get", "", "a", 200, 200),
        ("patch", "apply", "a", 200, 200),
        ("patch", "merge", "a", 200, 200),
        ("list", "", "", 200, 200),
        ("get", "", "nobody", 404, 404),
        ("delete", "", "a", 200, 200),
    ]
    assert {(each.namespace, each.user_agent) for each in seen} == {(namespace, "client under test/1.0")}
    assert dict(seen[2].query) == {"fieldManager": "me", "force": "true"}
    assert seen[3].body == {"data": {"k": "w"}}
    assert dict(seen[4].query) == {"labelSelector": "!x"}
    assert all(each.ended and each.ended >= each.started for each in seen)


async def test_dropped_before_the_server_saw_it(faults: FaultProxy, client: Api, api: Api, namespace: str) -> None:
    with faults.during(Fault(CREATE, Drop())) as fault, pytest.raises(httpx.TransportError):
        await client.create(config_map("a"), namespace)
    assert fault.hits == 1
    assert await api.find(CONFIG_MAPS, "a", namespace) is None
    (request,) = faults.seen(CREATE)
    assert (request.status, request.upstream) == (None, None)


async def test_dropped_after_the_server_did_it(faults: FaultProxy, client: Api, api: Api, namespace: str) -> None:
    with faults.during(Fault(CREATE, Drop(executed=True))), pytest.raises(httpx.TransportError):
        await client.create(config_map("a"), namespace)
    assert await api.find(CONFIG_MAPS, "a", namespace)
    (request,) = faults.seen(CREATE)
    assert (request.status, request.upstream) == (None, 201)


async def test_delayed(faults: FaultProxy, client: Api, namespace: str) -> None:
    with faults.during(Fault(CREATE, Delay(0.3))):
        began = time.monotonic()
        await client.create(config_map("a"), namespace)
        took = time.monotonic() - began
        began = time.monotonic()
        await client.get(CONFIG_MAPS, "a", namespace)
        assert time.monotonic() - began < took
    assert took >= 0.3
    (request,) = faults.seen(CREATE)
    assert request.ended
    assert request.ended - request.started >= 0.3


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (409, "Conflict"),
        (410, "Expired"),
        (429, "TooManyRequests"),
        (500, "InternalError"),
        (503, "ServiceUnavailable"),
    ],
)
async def test_refused_the_first_two_times(
    faults: FaultProxy, client: Api, api: Api, namespace: str, *, status: int, reason: str
) -> None:
    fault = faults.inject(Fault(CREATE, Answer(status, "not now"), times=2))
    for _ in range(2):
        with pytest.raises(ApiError) as refused:
            await client.create(config_map("a"), namespace)
        assert (refused.value.status, refused.value.reason, refused.value.message) == (
            status,
            reason,
            "not now",
        )
        assert await api.find(CONFIG_MAPS, "a", namespace) is None
    assert fault.spent
    await client.create(config_map("a"), namespace)
    assert [(each.status, each.upstream) for each in faults.seen(CREATE)] == [
        (status, None),
        (status, None),
        (201, 201),
    ]


async def test_too_many_requests_say_when_to_come_again(faults: FaultProxy) -> None:
    faults.inject(Fault(Match(path="^/version$"), Answer(429, retry_after=7)))
    async with httpx.AsyncClient(trust_env=False) as plain:
        answer = await plain.get(f"{faults.url}/version")
        other = await plain.get(f"{faults.url}/readyz")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.json()["details"] == {"retryAfterSeconds": 7}
    assert other.status_code == 200


async def test_an_error_although_it_was_done(faults: FaultProxy, client: Api, api: Api, namespace: str) -> None:
    faults.inject(Fault(CREATE, Answer(500, executed=True)))
    with pytest.raises(ApiError, match="500 InternalError"):
        await client.create(config_map("a"), namespace)
    assert await api.find(CONFIG_MAPS, "a", namespace)
    (request,) = faults.seen(CREATE)
    assert (request.status, request.upstream) == (500, 201)


async def test_rules_are_tried_in_order(faults: FaultProxy, client: Api, namespace: str) -> None:
    faults.inject(Fault(CREATE, Delay(0.2)))
    faults.inject(Fault(CREATE, Answer(503), times=1))
    faults.inject(Fault(CREATE, Answer(500)))
    began = time.monotonic()
    with pytest.raises(ApiError, match="503"):
        await client.create(config_map("a"), namespace)
    assert time.monotonic() - began >= 0.2
    with pytest.raises(ApiError, match="500"):
        await client.create(config_map("a"), namespace)


async def test_an_open_watch_is_reset(faults: FaultProxy, watching: Watching) -> None:
    faults.inject(Fault(WATCH, Cut(), times=1))
    with pytest.raises(httpx.TransportError):
        await watching.ended()
    assert watching.names == ["first"]


async def test_an_open_watch_ends_as_if_its_time_was_over(faults: FaultProxy, watching: Watching) -> None:
    faults.inject(Fault(WATCH, Cut(clean=True), times=1))
    await watching.ended()
    assert watching.names == ["first"]


async def test_a_watch_is_cut_after_so_many_events(
    faults: FaultProxy, api: Api, client: Api, namespace: str, watching: Watching
) -> None:
    faults.inject(Fault(WATCH, Cut(after=3, clean=True), times=1))
    for name in ("second", "third", "fourth"):
        await api.create(config_map(name), namespace)
    await watching.ended()
    assert watching.names == ["first", "second", "third"]
    again = Watching(client, namespace)  # the fault is spent
    await wait_for(lambda: again.names, 5, "all objects", until=lambda seen: "fourth" in seen)
    again.task.cancel()


async def test_a_black_hole_lets_nothing_through_until_it_ends(
    faults: FaultProxy, api: Api, namespace: str, watching: Watching
) -> None:
    with faults.during(Fault(WATCH, BlackHole())) as hole:
        await wait_for(lambda: hole.hits, 5, "the watch in the hole")
        for name in ("second", "third"):
            await api.create(config_map(name), namespace)
        async with Api(faults.credentials()) as other:
            late = Watching(other, namespace)
            # The new watch is opened, has its 200 and then nothing, though it would begin with objects.
            await wait_for(lambda: hole.hits, 5, "both in the hole", until=lambda seen: seen == 2)
            faults.inject(Fault(CREATE, Delay(0)))  # another fault does not open the hole
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(watching.task), 0.3)
            assert (watching.names, late.names) == (["first"], [])
            assert faults.seen(WATCH)[1].status == 200
            late.task.cancel()
            await asyncio.gather(late.task, return_exceptions=True)
    await watching.has_seen("first", "second", "third")


async def test_a_request_in_a_black_hole_is_never_answered(
    faults: FaultProxy, client: Api, api: Api, namespace: str
) -> None:
    with faults.during(Fault(CREATE, BlackHole())), pytest.raises(TimeoutError):
        await asyncio.wait_for(client.create(config_map("a"), namespace), 0.3)
    assert await api.find(CONFIG_MAPS, "a", namespace) is None
    with faults.during(Fault(WATCH, BlackHole(headers=False))):
        silent = Watching(client, namespace)
        await wait_for(lambda: faults.seen(WATCH), 5, "the watch")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(silent.task, 0.3)
        assert faults.seen(WATCH)[0].status is None


async def test_an_error_event_inside_a_watch(faults: FaultProxy, watching: Watching) -> None:
    faults.inject(Fault(WATCH, ErrorEvent(), times=1))
    await watching.ended()
    assert watching.last
    kind, status = watching.last
    assert (kind, status["code"], status["reason"]) == ("ERROR", 410, "Expired")
    assert faults.seen(WATCH)[0].status == 200


async def test_a_client_that_goes_away_ends_its_watch_at_the_server(faults: FaultProxy, watching: Watching) -> None:
    assert faults.seen(WATCH)[0].ended is None
    watching.task.cancel()
    await wait_for(lambda: faults.seen(WATCH)[0].ended, 5, "the end of the watch")


async def test_kubectl_and_other_people_go_through_it_too(
    faults: FaultProxy, control_plane: ControlPlane, namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kubeconfig = faults.credentials().kubeconfig(tmp_path_factory.mktemp("kube") / "config", namespace)
    shown = await asyncio.to_thread(
        control_plane.kubectl, f"--kubeconfig={kubeconfig}", "get", "configmaps", "--watch-only=false"
    )
    assert not shown.stderr or "No resources" in shown.stderr
    assert faults.seen(Match(verb="list", resource="configmaps", user_agent="^kubectl"))
    async with Api(faults.credentials(control_plane.user("bob"))) as bob:
        with pytest.raises(ApiError, match='User "bob" cannot list'):
            await bob.list(CONFIG_MAPS, namespace)
