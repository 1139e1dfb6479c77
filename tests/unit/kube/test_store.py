"""The store: cases that have hurt others, one by one. That they hold together is in test_store_converges.py."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tritium.api import names
from tritium.kube.glance import Glance
from tritium.kube.kinds import CONFIG_MAPS, DEPLOYMENTS, MODEL_DEPLOYMENTS, PODS, Kind
from tritium.kube.store import GATEWAY, Key, Store

Object = dict[str, Any]
FRAUD = Key("a", "fraud")


def made(kind: Kind, name: str, uid: str, version: int | str, *, owner: str | None = "fraud", **more: Any) -> Object:
    """An object as the server sends it."""
    labels = {"app.kubernetes.io/managed-by": "tritium"} | ({"serving.tritium.dev/name": owner} if owner else {})
    metadata = {"namespace": "a", "name": name, "uid": uid, "resourceVersion": str(version), "labels": labels}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **more}


def owner(uid: str, version: int | str, **more: Any) -> Object:
    return made(MODEL_DEPLOYMENTS, "fraud", uid, version, owner=None, **more)


def pod(name: str, uid: str, version: int | str, **more: Any) -> Object:
    return made(PODS, name, uid, version, **more)


def versions(store: Store, kind: Kind = PODS) -> dict[str, tuple[str, str]]:
    found = [each["metadata"] for each in store.children(FRAUD, kind)]
    return {each["name"]: (each["uid"], each["resourceVersion"]) for each in found}


def test_facts_are_found_by_owner() -> None:
    store = Store()
    assert store.remember(MODEL_DEPLOYMENTS, owner("u", 1, spec={"replicas": 2})) == FRAUD
    assert store.remember(PODS, pod("p2", "2", 3)) == FRAUD
    assert store.remember(PODS, pod("p1", "1", 2)) == FRAUD
    assert store.remember(DEPLOYMENTS, made(DEPLOYMENTS, "other", "3", 4, owner="other")) == Key("a", "other")
    seen = store.object(FRAUD)
    assert seen
    assert seen["spec"] == {"replicas": 2}
    assert list(versions(store)) == ["p1", "p2"]
    assert versions(store, DEPLOYMENTS) == {}
    assert store.owners() == [FRAUD]
    assert store.orphans() == [Key("a", "other")]


def of_gateway(kind: Kind, name: str, uid: str, version: int, **labels: str) -> Object:
    """An object of the namespace's gateway."""
    obj = made(kind, name, uid, version, owner=None)
    obj["metadata"]["labels"] |= {names.GATEWAY_LABEL: "true"} | labels
    return obj


def test_the_gateways_objects_are_found_by_their_own_key() -> None:
    store = Store()
    key = Key("a", GATEWAY)
    assert store.remember(CONFIG_MAPS, of_gateway(CONFIG_MAPS, "gateway", "1", 1)) == key
    assert store.remember(PODS, of_gateway(PODS, "p", "2", 2)) == key
    assert store.remember(PODS, of_gateway(PODS, "q", "3", 3, **{names.OWNER: "fraud"})) == FRAUD
    assert store.remember(PODS, of_gateway(PODS, "r", "4", 4, **{names.GATEWAY_LABEL: "no"})) is None
    assert [each["metadata"]["name"] for each in store.children(key, PODS)] == ["p"]
    assert [each["metadata"]["name"] for each in store.children(key, CONFIG_MAPS)] == ["gateway"]
    assert (store.owners(), store.orphans(), store.namespaces()) == ([], [FRAUD], [])
    assert store.remember(PODS, made(PODS, "p", "2", 5, owner=None)) == key  # it has lost its label
    assert store.children(key, PODS) == []
    assert store.replace(CONFIG_MAPS, [], store.sweep_started()) == {key}


def test_a_glance_at_all_of_a_namespace() -> None:
    store = Store()
    told: list[tuple[Key, Glance | None, Glance | None]] = []
    also: list[Key] = []
    store.follow(lambda *glanced: told.append(glanced))
    store.follow(lambda key, *_: also.append(key))
    first, second = Glance("u"), Glance("u", port=10_001, version=3)
    store.remember(MODEL_DEPLOYMENTS, owner("u", 1))
    assert (store.namespaces(), store.namespace_owners("a")) == (["a"], {"fraud": first})
    status = {"traffic": {"version": 3, "port": 10_001}}
    store.remember(MODEL_DEPLOYMENTS, owner("u", 2, status=status))
    store.remember(MODEL_DEPLOYMENTS, owner("u", 3, status=status | {"reason": "Serving"}))
    store.remember(MODEL_DEPLOYMENTS, owner("u", 2))  # late
    assert store.namespace_owners("a") == {"fraud": second}
    store.drop(MODEL_DEPLOYMENTS, "a", "fraud", "u")
    assert (store.namespaces(), store.namespace_owners("a")) == ([], {})
    assert told == [(FRAUD, None, first), (FRAUD, first, second), (FRAUD, second, None)]
    assert also == [FRAUD, FRAUD, FRAUD]


@pytest.mark.parametrize("how", ["an event", "a list"])
def test_a_glance_at_one_that_goes(how: str) -> None:
    store = Store()
    store.remember(MODEL_DEPLOYMENTS, owner("u", 1))
    if how == "an event":
        store.remember(MODEL_DEPLOYMENTS, owner("u", 2), gone=True)
    else:
        store.replace(MODEL_DEPLOYMENTS, [], store.sweep_started())
    assert store.namespace_owners("a") == {}


def test_nobody_keeps_what_nobody_decides_from() -> None:
    store = Store()
    obj = owner("u", 1)
    obj["metadata"] |= {
        "managedFields": [{"manager": "kubectl"}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "1"},
    }
    store.remember(MODEL_DEPLOYMENTS, obj)
    seen = store.object(FRAUD)
    assert seen
    assert "managedFields" not in seen["metadata"]
    assert seen["metadata"]["annotations"] == {"mine": "1"}
    assert "managedFields" in obj["metadata"]  # the caller's own is left alone


def test_a_late_event_does_not_undo_our_own_write() -> None:
    store = Store()
    store.remember(PODS, pod("p", "1", 99))
    assert store.remember(PODS, pod("p", "1", 100)) == FRAUD
    assert store.remember(PODS, pod("p", "1", 99)) is None
    assert versions(store) == {"p": ("1", "100")}


def test_versions_are_numbers() -> None:
    store = Store()
    store.remember(PODS, pod("p", "1", 9))
    store.remember(PODS, pod("p", "1", 10))
    assert versions(store) == {"p": ("1", "10")}
    store.remember(PODS, pod("p", "1", 9))
    assert versions(store) == {"p": ("1", "10")}


def test_versions_that_are_none_come_in_order_of_arrival() -> None:
    store = Store()
    for version in ("b", "a"):
        assert store.remember(PODS, pod("p", "1", version)) == FRAUD
    assert versions(store) == {"p": ("1", "a")}
    store.remember(PODS, pod("p", "1", "c"), gone=True)
    assert store.remember(PODS, pod("p", "1", "d")) is None
    assert store.remember(PODS, pod("p", "2", "e")) == FRAUD
    assert store.remember(PODS, pod("p", "1", "f"), gone=True) is None
    assert versions(store) == {"p": ("2", "e")}


def test_the_echo_of_a_write_wakes_once_and_a_new_watch_does_not() -> None:
    store = Store()
    assert store.remember(PODS, pod("p", "1", 5)) == FRAUD  # the answer to our write
    assert store.remember(PODS, pod("p", "1", 5)) == FRAUD  # its event: others may have written just before
    assert store.remember(PODS, pod("p", "1", 5)) is None  # the watch began anew


def test_the_dead_do_not_come_back() -> None:
    store = Store()
    store.remember(PODS, pod("p", "1", 5))
    assert store.remember(PODS, pod("p", "1", 7), gone=True) == FRAUD
    assert store.remember(PODS, pod("p", "1", 6)) is None
    assert versions(store) == {}
    assert store.remember(PODS, pod("q", "2", 8), gone=True) is None  # its other events are late
    assert store.remember(PODS, pod("q", "2", 7)) is None
    assert versions(store) == {}


@pytest.mark.parametrize(
    "order",
    [
        ["old", "gone", "new"],
        ["old", "new", "gone"],
        ["gone", "old", "new"],
        ["gone", "new", "old"],
        ["new", "old", "gone"],
        ["new", "gone", "old"],
    ],
)
def test_a_successor_of_the_same_name_in_any_order(order: list[str]) -> None:
    store = Store()
    events = {"old": (owner("old", 5), False), "gone": (owner("old", 6), True), "new": (owner("new", 7), False)}
    for each in order:
        obj, gone = events[each]
        store.remember(MODEL_DEPLOYMENTS, obj, gone=gone)
    seen = store.object(FRAUD)
    assert seen
    assert seen["metadata"]["uid"] == "new"


def test_the_end_of_a_successor_is_the_end_of_its_predecessor() -> None:
    store = Store()
    store.remember(PODS, pod("p", "old", 5))
    assert store.remember(PODS, pod("p", "new", 9), gone=True) == FRAUD
    assert versions(store) == {}


def test_without_its_label_it_is_gone_and_with_it_it_is_back() -> None:
    store = Store()
    store.remember(PODS, pod("p", "1", 5))
    assert store.remember(PODS, pod("p", "1", 6, owner=None)) == FRAUD
    assert versions(store) == {}
    assert store.remember(PODS, pod("p", "1", 7)) == FRAUD
    assert store.remember(PODS, pod("p", "1", 6), gone=True) is None  # what a watch by label makes of it, late
    assert versions(store) == {"p": ("1", "7")}


def test_what_changes_hands_concerns_whoever_lost_it() -> None:
    store = Store()
    store.remember(PODS, pod("p", "1", 5))
    assert store.remember(PODS, pod("p", "1", 6, owner="other")) == FRAUD
    assert versions(store) == {}
    assert [each["metadata"]["name"] for each in store.children(Key("a", "other"), PODS)] == ["p"]


@pytest.mark.parametrize(
    "obj",
    [
        {},
        {"metadata": None},
        {"metadata": []},
        {"metadata": {"name": "p", "namespace": "a"}},
        {"metadata": {"name": "", "namespace": "a", "uid": "1"}},
        {"metadata": {"name": "p", "uid": "1"}},
        {"metadata": {"name": 1, "namespace": "a", "uid": "1"}},
        {"metadata": {"name": "p", "namespace": "a", "uid": "1", "labels": "odd"}},
        {"metadata": {"name": "p", "namespace": "a", "uid": "1", "labels": {"serving.tritium.dev/name": 5}}},
        pod("p", "1", 1, spec="\ud800"),
        pod("p", "1", 1, spec={1, 2}),
    ],
)
def test_odd_objects_are_ignored(obj: Object) -> None:
    store = Store()
    assert store.remember(PODS, obj) is None
    assert store.replace(PODS, [obj], store.sweep_started()) == set()
    assert versions(store) == {}


def test_an_object_deeper_than_json_goes_is_ignored() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert Store().remember(PODS, pod("p", "1", 1, spec=deep)) is None
    while deep:  # or the interpreter would free it level by level, too deep for some
        deep = deep.pop()


def test_a_sweep_tells_what_was_missed() -> None:
    store = Store()
    store.remember(MODEL_DEPLOYMENTS, owner("u", 1))
    store.remember(PODS, pod("kept", "1", 2))
    store.remember(PODS, pod("gone", "2", 3))
    assert store.replace(PODS, [pod("kept", "1", 2), pod("gone", "2", 3)], store.sweep_started()) == set()
    assert store.replace(PODS, [pod("kept", "1", 2)], store.sweep_started()) == {FRAUD}
    assert list(versions(store)) == ["kept"]
    assert store.replace(PODS, [pod("kept", "1", 4)], store.sweep_started()) == {FRAUD}
    assert store.replace(PODS, [pod("kept", "1", 4)], store.sweep_started()) == set()
    both = [pod("kept", "1", 4), pod("new", "3", 5, owner="other")]
    assert store.replace(PODS, both, store.sweep_started()) == {Key("a", "other")}
    assert store.replace(PODS, [pod("kept", "1", 6, owner="other")], store.sweep_started()) == {FRAUD, ("a", "other")}


def test_a_sweep_does_not_remove_what_is_younger_than_itself() -> None:
    store = Store()
    marker = store.sweep_started()
    store.remember(PODS, pod("young", "1", 9))
    assert store.replace(PODS, [], marker) == set()
    assert list(versions(store)) == ["young"]
    assert store.replace(PODS, [], store.sweep_started()) == {FRAUD}


def test_a_sweep_does_not_bring_back_what_died_meanwhile() -> None:
    store = Store()
    store.remember(PODS, pod("p", "1", 5))
    marker = store.sweep_started()
    store.remember(PODS, pod("p", "1", 7), gone=True)
    assert store.replace(PODS, [pod("p", "1", 5)], marker) == set()
    assert versions(store) == {}


def test_a_late_event_does_not_bring_back_what_a_sweep_removed() -> None:
    store = Store()
    store.remember(PODS, pod("p", "1", 5))
    store.replace(PODS, [], store.sweep_started())
    assert store.remember(PODS, pod("p", "1", 5)) is None
    assert versions(store) == {}


def test_sweeps_of_other_kinds_remove_nothing() -> None:
    store = Store()
    store.remember(PODS, pod("p", "1", 5))
    store.replace(DEPLOYMENTS, [], store.sweep_started())
    assert list(versions(store)) == ["p"]


def test_a_sweep_that_fails_halfway_loses_no_news() -> None:
    store = Store()
    store.listed(PODS, [pod("p", "1", 5)], store.sweep_started())  # and then the next list cannot be had
    assert store.replace(DEPLOYMENTS, [], store.sweep_started()) == {FRAUD}


def test_dropped_by_uid_only() -> None:
    store = Store()
    store.remember(MODEL_DEPLOYMENTS, owner("u", 5))
    store.drop(MODEL_DEPLOYMENTS, "a", "fraud", "another")
    assert store.object(FRAUD)
    store.drop(MODEL_DEPLOYMENTS, "a", "fraud", "u")
    assert store.object(FRAUD) is None
    assert store.remember(MODEL_DEPLOYMENTS, owner("u", 5)) is None
    store.drop(MODEL_DEPLOYMENTS, "a", "nobody", "u")


def test_graves_do_not_pile_up() -> None:
    store = Store()
    for number in range(12_000):
        store.remember(PODS, pod(f"p{number}", str(number), 2 * number))
        store.remember(PODS, pod(f"p{number}", str(number), 2 * number + 1), gone=True)
    store.replace(PODS, [], store.sweep_started())
    assert len(store._graves) == 10_000
    store.replace(PODS, [], store.sweep_started())
    store.replace(PODS, [], store.sweep_started())
    assert not store._graves


def test_a_thousand_deployments_are_cheap() -> None:
    """A ModelDeployment with two revisions and four pods, at sizes as a real server has them, takes 40 KB at most."""
    store = Store()
    template = {"containers": [{"name": "triton", "args": ["x" * 20] * 40}]}
    status = {"conditions": [{"type": f"T{number}", "message": "m" * 100} for number in range(8)]}
    for number in range(20):
        name = f"fraud{number}"
        store.remember(MODEL_DEPLOYMENTS, made(MODEL_DEPLOYMENTS, name, name, 1, status=status))
        for part in range(4):
            child = made(DEPLOYMENTS, f"{name}-{part}", f"{name}-{part}", 1, owner=name, spec=template, status=status)
            store.remember(DEPLOYMENTS, child)
            store.remember(PODS, {**child, "kind": "Pod", "apiVersion": "v1"})
    seen = [store._facts, store._owned, *store._facts.values(), *store._owned.values()]
    facts = [fact for kept in store._facts.values() for fact in kept.values()]
    sizes = sum(map(sys.getsizeof, seen)) + sum(
        sys.getsizeof(fact) + sys.getsizeof(fact.data) + 5 * sys.getsizeof(fact.uid) for fact in facts
    )
    assert sizes / 20 < 40_000
