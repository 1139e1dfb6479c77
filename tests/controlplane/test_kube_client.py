"""The operator's client against a real API server, and through everything that can go wrong on the way."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.aio.config import incluster_config
from yarl import URL

from tests.controlplane.crd import install_crd
from tests.controlplane.faults import Answer, BlackHole, Delay, Drop, Fault, Match
from tests.controlplane.kube_clients import client_of
from tests.controlplane.manifests import config_map, deployment, service
from tritium.api.crd import custom_resource_definition
from tritium.kube.client import Client
from tritium.kube.errors import ApiError, Conflict, NotFound, Refused, Unavailable
from tritium.kube.kinds import CONFIG_MAPS, DEPLOYMENTS, MODEL_DEPLOYMENTS, SERVICES, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controlplane.api import Api, Object
    from tests.controlplane.proxy import FaultProxy
    from tests.controlplane.ring import ControlPlane

NOBODY = "00000000-0000-0000-0000-000000000000"


def within(obj: Object, namespace: str, **metadata: Any) -> Object:
    """An object with its namespace written in it."""
    return obj | {"metadata": obj["metadata"] | {"namespace": namespace, **metadata}}


def without(obj: Object, *names: str) -> Object:
    """An object as it was read, without what an apply may not carry."""
    return obj | {"metadata": {name: each for name, each in obj["metadata"].items() if name not in names}}


async def test_read_write_and_delete(
    client: Client, namespace: str, faults: FaultProxy, observed: list[tuple[str, str]]
) -> None:
    assert await client.get(CONFIG_MAPS, namespace, "a") is None
    made = await client.create(CONFIG_MAPS, namespace, config_map("a", {"n": "1"}))
    assert await client.get(CONFIG_MAPS, namespace, "a") == made
    assert await client.get(CONFIG_MAPS, namespace, "a", cached=True)
    changed = await client.replace(CONFIG_MAPS, namespace, made | {"data": {"n": "2"}})
    assert changed["data"] == {"n": "2"}
    uid = made["metadata"]["uid"]
    assert await client.delete(CONFIG_MAPS, namespace, "a", uid=uid) is True
    assert await client.delete(CONFIG_MAPS, namespace, "a", uid=uid) is False
    assert observed == [
        ("get", "404"),
        ("create", "201"),
        ("get", "200"),
        ("get", "200"),
        ("update", "200"),
        ("delete", "200"),
        ("delete", "404"),
    ]
    seen = faults.seen(Match(resource="configmaps"))
    assert {each.user_agent for each in seen} == {"tritium-test/1"}
    assert [each.query.get("resourceVersion") for each in seen[2:4]] == [None, "0"]
    assert seen[1].query == {"fieldManager": "tritium"}


async def test_a_kind_that_is_not_served_says_nothing_about_the_object(client: Client, namespace: str) -> None:
    nothing = Kind("nobody.example", "v1", "things", "Thing")
    with pytest.raises(NotFound, match=r"cannot get Thing .*/a: 404 page not found"):
        await client.get(nothing, namespace, "a")
    with pytest.raises(NotFound):
        await client.delete(nothing, namespace, "a", uid=NOBODY)
    with pytest.raises(NotFound):
        await client.list(nothing)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Refused),
        (401, Unavailable),
        (403, Refused),
        (404, NotFound),
        (409, Conflict),
        (413, Refused),
        (422, Refused),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
    ],
)
async def test_each_answer_is_an_error_of_its_class_and_asked_for_once(
    client: Client, faults: FaultProxy, namespace: str, status: int, expected: type[ApiError]
) -> None:
    faults.inject(Fault(Match(resource="configmaps"), Answer(status, "not this", retry_after=7)))
    with pytest.raises(ApiError, match=f"cannot apply ConfigMap {namespace}/a: not this \\({status} ") as raised:
        await client.apply(CONFIG_MAPS, within(config_map("a"), namespace), force=True)
    assert type(raised.value) is expected
    assert (raised.value.status, raised.value.retry_after) == (status, 7)
    assert len(faults.seen(Match(resource="configmaps"))) == 1


async def test_a_closed_connection_is_no_news_to_a_read(
    client: Client, faults: FaultProxy, namespace: str, observed: list[tuple[str, str]]
) -> None:
    faults.inject(Fault(Match(resource="configmaps"), Drop(), times=1))
    assert await client.get(CONFIG_MAPS, namespace, "a") is None
    with faults.during(Fault(Match(verb="list"), Drop())), pytest.raises(Unavailable, match="cannot be reached"):
        await client.list(CONFIG_MAPS, namespace)
    assert observed == [("get", "404"), ("list", "0")]


async def test_a_write_whose_connection_broke_is_not_repeated(
    client: Client, faults: FaultProxy, api: Api, namespace: str
) -> None:
    faults.inject(Fault(Match(write=True), Drop(executed=True)))
    with pytest.raises(Unavailable) as raised:
        await client.apply(CONFIG_MAPS, within(config_map("a"), namespace), force=False)
    assert raised.value.status == 0
    assert len(faults.seen(Match(write=True))) == 1
    assert await api.find("v1/configmaps", "a", namespace)


async def test_no_answer_ends_at_the_deadline(
    faults: FaultProxy, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client_of(faults.credentials(), tmp_path, monkeypatch, deadline=0.3) as client:
        with faults.during(Fault(Match(resource="configmaps"), BlackHole())):
            began = time.monotonic()
            with pytest.raises(Unavailable, match=r"did not answer within 0\.3 s"):
                await client.get(CONFIG_MAPS, namespace, "a")
            assert time.monotonic() - began < 1
        assert await client.get(CONFIG_MAPS, namespace, "a") is None


async def test_so_many_requests_at_a_time(
    faults: FaultProxy, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults.inject(Fault(Match(resource="configmaps"), Delay(0.05)))
    async with client_of(faults.credentials(), tmp_path, monkeypatch, concurrency=3) as client:
        await asyncio.gather(*(client.get(CONFIG_MAPS, namespace, f"a{number}") for number in range(12)))
    seen = faults.seen(Match(resource="configmaps"))
    assert len(seen) == 12
    at_once = [sum(other.started <= each.started < (other.ended or 0) for other in seen) for each in seen]
    assert 2 <= max(at_once) <= 3


async def test_an_apply_gives_way_unless_it_is_forced(client: Client, api: Api, namespace: str) -> None:
    await api.apply(config_map("a", {"k": "theirs"}), namespace, manager="somebody")
    ours = within(config_map("a", {"k": "ours"}), namespace)
    with pytest.raises(Conflict) as raised:
        await client.apply(CONFIG_MAPS, ours, force=False)
    ((field, message),) = raised.value.causes
    assert field == ".data.k"
    assert '"somebody"' in message
    assert (await client.apply(CONFIG_MAPS, ours, force=True))["data"] == {"k": "ours"}


async def test_an_apply_that_changes_nothing_makes_no_version(client: Client, namespace: str) -> None:
    wanted = within(deployment("web", 1), namespace)
    first = await client.apply(DEPLOYMENTS, wanted, force=False)
    second = await client.apply(DEPLOYMENTS, wanted, force=True)
    # The controller may have written in between, but the generation counts changes of the spec.
    assert first["metadata"]["generation"] == second["metadata"]["generation"]
    wanted = within(service("web"), namespace)
    first = await client.apply(SERVICES, wanted, force=False)
    assert await client.apply(SERVICES, wanted, force=True) == first


async def test_a_field_that_nobody_knows_is_refused(client: Client, namespace: str) -> None:
    wanted = within(deployment("web", 1), namespace)
    wanted["spec"]["replica"] = 2
    with pytest.raises(Refused, match="field not declared in schema") as raised:
        await client.apply(DEPLOYMENTS, wanted, force=False)
    assert raised.value.status == 500
    assert not raised.value.forbidden


async def test_an_object_that_is_not_valid_is_refused_with_its_fields(client: Client, namespace: str) -> None:
    wanted = within(deployment("web", -1), namespace)
    with pytest.raises(Refused, match="Deployment") as raised:
        await client.apply(DEPLOYMENTS, wanted, force=False)
    assert [field for field, _ in raised.value.causes] == ["spec.replicas"]


async def test_what_one_may_not_do_is_refused(
    control_plane: ControlPlane, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client_of(control_plane.user("alice"), tmp_path, monkeypatch) as alice:
        with pytest.raises(Refused, match='User "alice" cannot list') as raised:
            await alice.list(CONFIG_MAPS, namespace)
    assert raised.value.forbidden


async def test_an_apply_is_for_one_object_and_one_version(client: Client, namespace: str) -> None:
    first = await client.apply(CONFIG_MAPS, within(config_map("a", {"k": "1"}), namespace), force=False)
    uid, version = first["metadata"]["uid"], first["metadata"]["resourceVersion"]
    second = within(config_map("a", {"k": "2"}), namespace, uid=uid, resourceVersion=version)
    assert (await client.apply(CONFIG_MAPS, second, force=True))["data"] == {"k": "2"}
    with pytest.raises(Conflict):
        await client.apply(CONFIG_MAPS, second, force=True)
    with pytest.raises(Conflict):
        await client.apply(CONFIG_MAPS, within(config_map("a", {"k": "3"}), namespace, uid=NOBODY), force=True)
    assert await client.delete(CONFIG_MAPS, namespace, "a", uid=uid)
    with pytest.raises(Conflict):  # nor does it make a new one
        await client.apply(CONFIG_MAPS, within(config_map("a", {"k": "3"}), namespace, uid=uid), force=True)
    assert await client.get(CONFIG_MAPS, namespace, "a") is None


async def test_status_is_fenced_by_version(
    control_plane: ControlPlane, client: Client, api: Api, namespace: str
) -> None:
    await install_crd(control_plane, custom_resource_definition())
    spec = {"model": {"source": {"uri": "s3://models/fraud/7"}}}
    made = await api.create(
        {"apiVersion": "serving.tritium.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "fraud"}}
        | {"spec": spec},
        namespace,
    )
    old = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}}
    patch = {"status": {"observedGeneration": 1, "nobodyKnowsThis": 1}}
    stored = await client.merge_status(MODEL_DEPLOYMENTS, namespace, "fraud", old | patch)
    assert stored["status"] == {"observedGeneration": 1}
    assert stored["spec"] == spec
    with pytest.raises(Conflict):
        await client.merge_status(MODEL_DEPLOYMENTS, namespace, "fraud", old | patch)
    new = {"metadata": {"resourceVersion": stored["metadata"]["resourceVersion"]}}
    emptied = await client.merge_status(MODEL_DEPLOYMENTS, namespace, "fraud", new | {"status": None})
    assert "status" not in emptied
    with pytest.raises(NotFound):
        await client.merge_status(MODEL_DEPLOYMENTS, namespace, "nobody", patch)


async def test_only_the_very_object_is_deleted(client: Client, namespace: str) -> None:
    first = (await client.create(CONFIG_MAPS, namespace, config_map("a")))["metadata"]
    with pytest.raises(Conflict):
        await client.delete(CONFIG_MAPS, namespace, "a", uid=NOBODY)
    second = await client.apply(CONFIG_MAPS, within(config_map("a", {"k": "1"}), namespace), force=True)
    version = second["metadata"]["resourceVersion"]
    with pytest.raises(Conflict):
        await client.delete(CONFIG_MAPS, namespace, "a", uid=first["uid"], resource_version=first["resourceVersion"])
    assert await client.delete(CONFIG_MAPS, namespace, "a", uid=first["uid"], resource_version=version)


async def test_what_it_owned_is_deleted_in_the_background(client: Client, faults: FaultProxy, namespace: str) -> None:
    made = await client.create(CONFIG_MAPS, namespace, config_map("a"))
    await client.delete(CONFIG_MAPS, namespace, "a", uid=made["metadata"]["uid"])
    (asked,) = faults.seen(Match(verb="delete"))
    assert asked.body == {"propagationPolicy": "Background", "preconditions": {"uid": made["metadata"]["uid"]}}


async def test_it_exists_already(client: Client, namespace: str) -> None:
    await client.create(CONFIG_MAPS, namespace, config_map("a"))
    with pytest.raises(Conflict) as raised:
        await client.create(CONFIG_MAPS, namespace, config_map("a"))
    assert raised.value.reason == "AlreadyExists"


async def test_something_else_answers(client: Client, faults: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client._api.configuration, "host", f"{faults.url}/healthz?instead=")
    with pytest.raises(Unavailable, match="is this the API server"):
        await client.get(CONFIG_MAPS, "default", "a")


class Later(dt.datetime):
    """The library reads a token again when its minute is over: a clock on which it is."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
        return dt.datetime.now(tz) + dt.timedelta(minutes=2)


async def test_in_a_cluster_it_is_the_service_account_and_follows_its_token(
    control_plane: ControlPlane, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, url = tmp_path / "token", URL(control_plane.url)
    token.write_text("not-valid-any-more")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(url.host))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(url.port))
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(control_plane.ca))
    async with Client.from_environment(user_agent="tritium-test/1") as client:
        with pytest.raises(Unavailable) as raised:
            await client.get(CONFIG_MAPS, namespace, "a")
        assert raised.value.status == 401
        token.write_text(control_plane.admin.token)
        later = SimpleNamespace(datetime=Later, timedelta=dt.timedelta)
        monkeypatch.setattr(incluster_config, "datetime", later)
        assert await client.get(CONFIG_MAPS, namespace, "a") is None
        token.write_text("")
        monkeypatch.setattr(Later, "now", lambda: dt.datetime(9999, 1, 1))  # noqa: DTZ001  # as the library has it
        with pytest.raises(Unavailable, match="Token file exists but empty"):
            await client.get(CONFIG_MAPS, namespace, "a")
