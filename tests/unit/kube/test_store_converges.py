"""The store against a small server, whatever is late, lost, doubled or out of order.

The server numbers its changes as etcd does. A watch by label reports a lost label as a deletion. Between a change
and its event lie our own writes, lists and other events.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from tests.unit.kube.test_store import made
from tritium.kube.glance import Glance
from tritium.kube.kinds import MODEL_DEPLOYMENTS, PODS, Kind
from tritium.kube.store import Key, Store

Object = dict[str, Any]

places = st.sampled_from([(MODEL_DEPLOYMENTS, "m"), (MODEL_DEPLOYMENTS, "n"), (PODS, "p"), (PODS, "q"), (PODS, "r")])
owners = st.sampled_from(["m", "n"])


class Converges(RuleBasedStateMachine):
    """Every rule is something that happens between a server and a store."""

    events = Bundle("events")
    lists = Bundle("lists")

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()
        self.followed: dict[str, str] = {}
        self.store.follow(self.follow)
        self.server: dict[tuple[Kind, str], Object] = {}
        self.revision = 100
        self.uids = 0
        self.sweeps = {MODEL_DEPLOYMENTS: 0, PODS: 0}
        self.newest = {MODEL_DEPLOYMENTS: 0, PODS: 0}
        self.born: dict[str, int] = {}
        """By revision, how many lists of the kind had been asked for."""
        self.told: dict[tuple[Kind, str], int] = {}
        """The newest revision of an object of which the store was told."""

    def write(self, place: tuple[Kind, str], owner: str | None) -> tuple[Kind, Object, bool]:
        """Create an object or change it; return the event."""
        kind, name = place
        self.revision += 1
        before = self.server.get(place)
        if before is None:
            self.uids += 1
        uid = before["metadata"]["uid"] if before else f"u{self.uids}"
        after = made(kind, name, uid, self.revision, owner=owner)
        self.server[place] = after
        self.born[str(self.revision)] = self.sweeps[kind]
        return kind, after, kind == PODS and owner is None

    def delete(self, place: tuple[Kind, str]) -> tuple[Kind, Object, bool]:
        self.revision += 1
        obj = self.server.pop(place)
        self.born[str(self.revision)] = self.sweeps[place[0]]
        return place[0], {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.revision)}}, True

    def tell(self, event: tuple[Kind, Object, bool]) -> None:
        kind, obj, gone = event
        place, revision = (kind, obj["metadata"]["name"]), int(obj["metadata"]["resourceVersion"])
        if self.sweeps[kind] - self.born[str(revision)] > 1:
            return  # minutes late: nothing is remembered that long
        self.store.remember(kind, obj, gone=gone)
        self.told[place] = max(self.told.get(place, 0), revision)

    def begin(self, kind: Kind) -> int:
        self.sweeps[kind] += 1
        self.newest[kind] = self.store.sweep_started()
        return self.newest[kind]

    def held(self) -> dict[tuple[Kind, str], Object]:
        """What the store has."""
        found: dict[tuple[Kind, str], Object] = {}
        for name in ("m", "n"):
            key = Key("a", name)
            if obj := self.store.object(key):
                found[MODEL_DEPLOYMENTS, name] = obj
            for child in self.store.children(key, PODS):
                assert child["metadata"]["labels"]["serving.tritium.dev/name"] == name
                assert (PODS, child["metadata"]["name"]) not in found
                found[PODS, child["metadata"]["name"]] = child
        return found

    def visible(self, kind: Kind) -> list[Object]:
        """What a list by label returns."""
        labelled = ((place, obj["metadata"]["labels"], obj) for place, obj in self.server.items() if place[0] == kind)
        return [obj for _, labels, obj in labelled if kind != PODS or "serving.tritium.dev/name" in labels]

    @rule(target=events, place=places, owner=owners | st.none())
    def somebody_writes(self, place: tuple[Kind, str], owner: str | None) -> tuple[Kind, Object, bool]:
        return self.write(place, owner)

    @rule(target=events, place=places, owner=owners)
    def we_write(self, place: tuple[Kind, str], owner: str) -> tuple[Kind, Object, bool]:
        event = self.write(place, owner)
        self.tell(event)
        return event

    @rule(target=events, place=places)
    def somebody_deletes(self, place: tuple[Kind, str]) -> tuple[Kind, Object, bool]:
        if place not in self.server:
            return self.write(place, "m")
        return self.delete(place)

    @rule(event=events)
    def an_event_arrives_maybe_again(self, event: tuple[Kind, Object, bool]) -> None:
        self.tell(event)

    @rule(event=consumes(events))
    def an_event_is_lost(self, event: tuple[Kind, Object, bool]) -> None:
        pass

    @rule(target=lists, kind=st.sampled_from([MODEL_DEPLOYMENTS, PODS]))
    def a_list_is_asked_for(self, kind: Kind) -> tuple[Kind, list[Object], int]:
        return kind, self.visible(kind), self.begin(kind)

    @rule(asked=consumes(lists))
    def a_list_arrives(self, asked: tuple[Kind, list[Object], int]) -> None:
        kind, items, marker = asked
        if marker < self.newest[kind]:
            return  # sweeps of a kind come one after the other
        before = {place: obj["metadata"] for place, obj in self.held().items()}
        changed = self.store.replace(kind, items, marker)
        after = {place: obj["metadata"] for place, obj in self.held().items()}
        for place in before.keys() | after.keys():
            for one, other in ((before.get(place), after.get(place)), (after.get(place), before.get(place))):
                if one and one != other:
                    name = one["labels"]["serving.tritium.dev/name"] if place[0] == PODS else place[1]
                    assert Key("a", name) in changed

    @rule()
    def all_is_swept(self) -> None:
        for kind in (MODEL_DEPLOYMENTS, PODS):
            self.store.replace(kind, self.visible(kind), self.begin(kind))
        assert self.held() == {
            (kind, obj["metadata"]["name"]): obj for kind in (MODEL_DEPLOYMENTS, PODS) for obj in self.visible(kind)
        }

    @invariant()
    def nothing_is_older_than_what_was_told(self) -> None:
        for place, obj in self.held().items():
            assert int(obj["metadata"]["resourceVersion"]) >= self.told.get(place, 0)

    @invariant()
    def orphans_have_no_owner(self) -> None:
        held = self.held()
        with_children = {
            obj["metadata"]["labels"]["serving.tritium.dev/name"] for (kind, _), obj in held.items() if kind == PODS
        }
        alone = {name for name in with_children if (MODEL_DEPLOYMENTS, name) not in held}
        assert set(self.store.orphans()) == {Key("a", name) for name in alone}
        there = {name: obj["metadata"]["uid"] for (kind, name), obj in held.items() if kind == MODEL_DEPLOYMENTS}
        assert set(self.store.owners()) == {Key("a", name) for name in there}
        assert {name: each.uid for name, each in self.store.namespace_owners("a").items()} == there == self.followed

    def follow(self, key: Key, before: Glance | None, after: Glance | None) -> None:
        """What one who is told of changes makes of them."""
        assert self.followed.pop(key.name, None) == (before.uid if before else None)
        if after:
            self.followed[key.name] = after.uid

    def teardown(self) -> None:
        self.all_is_swept()


TestConverges = Converges.TestCase
TestConverges.settings = settings(deadline=None, max_examples=150, stateful_step_count=40)
