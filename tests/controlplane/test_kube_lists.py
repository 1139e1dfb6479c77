"""Lists, sweeps and Events: what the operator asks of the API server beside single objects."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.controlplane.faults import Answer, Fault, Match
from tests.controlplane.manifests import config_map
from tests.controlplane.waiting import wait_for
from tritium.kube.errors import Unavailable
from tritium.kube.events import Recorder
from tritium.kube.kinds import CONFIG_MAPS, EVENTS, MODEL_DEPLOYMENTS, SERVICES
from tritium.kube.store import Key, Store
from tritium.kube.sweep import sweep

if TYPE_CHECKING:
    from tests.controlplane.api import Api, Object
    from tests.controlplane.proxy import FaultProxy
    from tritium.kube.client import Client


async def five(client: Client, namespace: str) -> set[str]:
    """Five ConfigMaps with a label, beside the one each namespace has."""
    names = {f"a{number}" for number in range(5)}
    for name in names:
        await client.create(CONFIG_MAPS, namespace, config_map(name, labels={"x": "y"}))
    return names


async def test_a_list_comes_in_pages(client: Client, faults: FaultProxy, namespace: str) -> None:
    names = await five(client, namespace)
    items, version = await client.list(CONFIG_MAPS, namespace, label_selector="x=y", limit=2)
    assert {each["metadata"]["name"] for each in items} == names
    assert int(version) >= max(int(each["metadata"]["resourceVersion"]) for each in items)
    assert {(each["apiVersion"], each["kind"]) for each in items} == {("v1", "ConfigMap")}
    assert len(faults.seen(Match(verb="list"))) == 3
    items, _ = await client.list(CONFIG_MAPS, namespace, field_selector="metadata.name=a3")
    assert [each["metadata"]["name"] for each in items] == ["a3"]
    everywhere, _ = await client.list(CONFIG_MAPS)
    assert {each["metadata"]["namespace"] for each in everywhere} > {namespace}


async def test_a_list_that_the_server_dropped_meanwhile_begins_anew(
    client: Client, faults: FaultProxy, namespace: str
) -> None:
    names = await five(client, namespace)
    pages = []
    async for items, first, _ in client.pages(CONFIG_MAPS, namespace, label_selector="x=y", limit=2):
        pages.append((len(items), first))
        if len(pages) == 2:
            faults.inject(Fault(Match(verb="list"), Answer(410), times=1))
    assert pages == [(2, True), (2, False), (5, True)]
    # And whoever wants it whole has each object once.
    listing = asyncio.create_task(client.list(CONFIG_MAPS, namespace, label_selector="x=y", limit=1))
    await wait_for(lambda: len(faults.seen(Match(verb="list"))), 5, "pages", until=lambda count: count >= 6)
    faults.inject(Fault(Match(verb="list"), Answer(410), times=1))
    items, _ = await listing
    assert sorted(each["metadata"]["name"] for each in items) == sorted(names)


async def test_a_list_that_is_gone_from_the_start_is_an_error(
    client: Client, faults: FaultProxy, namespace: str
) -> None:
    faults.inject(Fault(Match(verb="list"), Answer(410)))
    with pytest.raises(Unavailable):
        await client.list(CONFIG_MAPS, namespace)


def ours(name: str, owner: str) -> Object:
    """A ConfigMap of a ModelDeployment."""
    return config_map(name, labels={"app.kubernetes.io/managed-by": "tritium", "serving.tritium.dev/name": owner})


async def test_a_sweep_brings_the_store_up_to_date(client: Client, api: Api, namespace: str) -> None:
    store, key = Store(), Key(namespace, "fraud")
    made = await api.create(ours("a", "fraud"), namespace)
    await api.create(config_map("not-ours"), namespace)
    assert key in await sweep(client, store, [CONFIG_MAPS])
    assert [each["metadata"]["name"] for each in store.children(key, CONFIG_MAPS)] == ["a"]
    assert key in store.orphans()
    assert key not in await sweep(client, store, [CONFIG_MAPS])
    await api.delete("v1/configmaps", "a", namespace)
    await api.create(ours("a", "fraud"), namespace)
    assert key in await sweep(client, store, [CONFIG_MAPS])
    (again,) = store.children(key, CONFIG_MAPS)
    assert again["metadata"]["uid"] != made["metadata"]["uid"]
    await api.delete("v1/configmaps", "a", namespace)
    assert key in await sweep(client, store, [CONFIG_MAPS])
    assert store.children(key, CONFIG_MAPS) == []


async def test_a_sweep_that_fails_tells_the_next_time(
    client: Client, api: Api, faults: FaultProxy, namespace: str
) -> None:
    store, key = Store(), Key(namespace, "fraud")
    await api.create(ours("a", "fraud"), namespace)
    faults.inject(Fault(Match(resource="services"), Answer(503), times=1))
    with pytest.raises(Unavailable):
        await sweep(client, store, [CONFIG_MAPS, SERVICES])
    assert key in await sweep(client, store, [CONFIG_MAPS, SERVICES])


async def test_warnings_are_written_once_in_a_while_and_events_never_fail(
    client: Client, api: Api, faults: FaultProxy, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    now = [100.0]
    recorder = Recorder(client, clock=lambda: now[0])
    about = {
        "apiVersion": MODEL_DEPLOYMENTS.api_version,
        "kind": MODEL_DEPLOYMENTS.kind,
        "metadata": {"namespace": namespace, "name": "fraud", "uid": "u1"},
    }
    await recorder.record(about, "Warning", "ModelLoadFailed", "x" * 2000)
    await recorder.record(about, "Warning", "ModelLoadFailed", "x" * 2000)
    (event,) = (each for each in await api.list("v1/events", namespace) if each["reason"] == "ModelLoadFailed")
    assert event["involvedObject"]["uid"] == "u1"
    assert (event["type"], event["reportingComponent"]) == ("Warning", "tritium")
    assert event["metadata"]["name"].startswith("fraud.")
    assert len(event["message"]) == 1024

    async def told() -> int:
        return len([each for each in await api.list(f"v1/{EVENTS.plural}", namespace) if each["reason"] == "Told"])

    for seconds, expected in ((0, 1), (599, 1), (2, 2)):
        now[0] += seconds
        await recorder.record(about, "Warning", "Told", "again")
        assert await told() == expected
    with faults.during(Fault(Match(resource="events"), Answer(403))):
        await recorder.record(about, "Warning", "Told", "another")
    assert "cannot create Event" in caplog.text
    await recorder.record(about, "Warning", "Told", "another")
    assert await told() == 3
    for _ in range(2):
        await recorder.record(about, "Normal", "Told", "revision 2 serves")
    assert await told() == 5, "to and fro, and both times it is news"
