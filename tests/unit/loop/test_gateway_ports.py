"""One book of ports for the process: whatever comes and goes, no two have one port, and nobody loses its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tritium.api.gateway import FIRST_PORT, LAST_PORT
from tritium.core.ports import REST, Ports, PortsExhausted
from tritium.kube.kinds import MODEL_DEPLOYMENTS
from tritium.kube.store import Key, Store
from tritium.loop.ports import PortBook

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Namespace:
    """The ModelDeployments of a namespace as the store sees them, and the book of this process."""

    def __init__(self, noted: Ports | None = None) -> None:
        self.now = NOON
        self.noted = noted or Ports()
        self.version = 0
        self.store = Store()
        self.start()

    def start(self) -> None:
        """A process begins: it knows what is in the statuses and in the anchor."""
        objects = [self.store.object(key) for key in self.store.owners()]
        self.store = Store()
        for obj in objects:
            assert obj
            self.store.remember(MODEL_DEPLOYMENTS, obj)
        self.book = PortBook(self.store.namespace_owners, lambda _: self.noted, lambda: self.now)
        self.store.follow(self.book.learn)

    def has(self, name: str, port: int | None = None, *, uid: str = "", created: int = 0) -> None:
        """There is one of that name, with that port in its status."""
        self.version += 1
        metadata: dict[str, Any] = {"namespace": "a", "name": name, "uid": uid or f"uid-{name}"}
        metadata |= {"resourceVersion": str(self.version), "creationTimestamp": f"2026-01-01T00:00:{created:02}Z"}
        status = {"traffic": {"version": 1, "port": port}} if port else {}
        self.store.remember(MODEL_DEPLOYMENTS, {"metadata": metadata, "status": status})

    def goes(self, name: str) -> None:
        self.version += 1
        obj = self.store.object(Key("a", name))
        assert obj
        metadata = obj["metadata"] | {"resourceVersion": str(self.version)}
        self.store.remember(MODEL_DEPLOYMENTS, {"metadata": metadata}, gone=True)

    def port(self, name: str, *, led: int | None = None) -> int:
        """What a pass for it is told."""
        glance = self.store.namespace_owners("a")[name]
        return self.book.port(Key("a", name), glance.uid, said=glance.port, led=led)


def test_it_stays_the_same_until_the_status_says_it_and_after() -> None:
    here = Namespace()
    here.has("fraud")
    port = here.port("fraud")
    assert here.port("fraud") == port
    here.has("fraud", port)
    assert here.port("fraud") == port
    assert here.book.ports("a").given == {"fraud": port}


def test_a_lost_status_is_made_good_by_the_service_and_by_the_anchor() -> None:
    here = Namespace(Ports(given={"churn": 10_007}))
    here.has("fraud")
    here.has("churn")
    assert here.port("fraud", led=10_123) == 10_123
    assert here.port("churn") == 10_007


def test_what_is_noted_for_one_that_had_no_pass_yet_is_given_to_nobody() -> None:
    first = Namespace()
    first.has("fraud")
    port = first.port("fraud")
    here = Namespace(Ports(given={"other": port}))
    here.has("fraud")
    here.has("other")
    assert here.port("fraud") != port
    assert here.port("other") == port


def test_of_two_with_one_port_the_older_keeps_it() -> None:
    here = Namespace()
    here.has("young", 10_005, created=9)
    here.has("old", 10_005, created=1)
    here.has("twin", 10_005, created=1)
    assert here.port("old") == 10_005
    ports = {here.port(name) for name in ("young", "old", "twin")}
    assert len(ports) == 3
    here.goes("old")
    assert here.port("twin") != 10_005  # it was given another one meanwhile, and so that is its own


def test_it_rests_for_a_day() -> None:
    here = Namespace()
    here.has("fraud")
    here.has("churn")
    port = here.port("fraud")
    here.has("fraud", port)
    here.goes("fraud")
    here.has("fraud", uid="another")
    assert here.port("fraud") != port
    assert here.book.ports("a").released == {port: NOON}
    here.goes("fraud")
    here.now += REST
    here.has("fraud", uid="third")
    assert here.port("fraud") == port


def test_a_successor_of_the_same_name_is_another_one() -> None:
    here = Namespace()
    here.has("fraud")
    port = here.port("fraud")
    here.has("fraud", uid="another")  # the deletion was never told of
    assert here.port("fraud") != port


def test_what_was_released_while_nobody_looked_rests_from_then_on() -> None:
    here = Namespace(Ports(given={"gone": 10_001}, released={10_002: NOON - timedelta(hours=1)}))
    here.has("fraud")
    here.port("fraud")
    assert here.book.ports("a").released == {10_001: NOON, 10_002: NOON - timedelta(hours=1)}


def test_there_are_a_thousand() -> None:
    here = Namespace()
    for number in range(1000):
        here.has(f"m{number}", FIRST_PORT + number)
    here.has("late")
    with pytest.raises(PortsExhausted):
        here.port("late")
    here.goes("m7")
    with pytest.raises(PortsExhausted):
        here.port("late")
    here.now += REST
    assert here.port("late") == FIRST_PORT + 7


def test_a_port_that_none_of_ours_can_be_is_none() -> None:
    here = Namespace()
    here.has("fraud", 80)
    assert FIRST_PORT <= here.port("fraud", led=443) <= LAST_PORT


def test_namespaces_that_are_over_are_forgotten() -> None:
    here = Namespace()
    here.has("fraud")
    here.port("fraud")
    here.goes("fraud")
    assert list(here.book._books) == ["a"]  # its port rests
    here.now += REST
    here.has("fraud")
    here.goes("fraud")
    assert here.book._books == {}


names = st.sampled_from(["a", "b", "c", "d"])


class Lives(RuleBasedStateMachine):
    """ModelDeployments come and go, passes run or crash before their status is written, the operator starts anew."""

    def __init__(self) -> None:
        super().__init__()
        self.here = Namespace()
        self.given: dict[str, tuple[str, int]] = {}
        """By name: the uid, and the port that its status got."""
        self.released: dict[int, datetime] = {}
        self.uids = 0

    @rule(name=names)
    def one_is_made(self, name: str) -> None:
        if name not in self.here.store.namespace_owners("a"):
            self.uids += 1
            self.here.has(name, uid=f"u{self.uids}", created=self.uids % 60)

    @rule(name=names)
    def one_goes(self, name: str) -> None:
        if name in self.here.store.namespace_owners("a"):
            self.here.goes(name)
            if name in self.given:
                self.released[self.given.pop(name)[1]] = self.here.now

    @rule(name=names, written=st.booleans())
    def a_pass(self, name: str, *, written: bool) -> None:
        glance = self.here.store.namespace_owners("a").get(name)
        if glance is None:
            return
        port = self.here.port(name)
        if name in self.given:
            assert self.given[name] == (glance.uid, port)
        elif written:
            assert port not in {port for _, port in self.given.values()}
            at = self.released.get(port)
            assert at is None or self.here.now - at >= REST
            self.given[name] = (glance.uid, port)
            self.here.has(name, port, uid=glance.uid, created=int(glance.created[-3:-1]))

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        self.here.now += timedelta(hours=hours)

    @precondition(lambda self: self.here.version)
    @rule()
    def the_anchor_is_written_and_the_operator_starts_anew(self) -> None:
        self.here.noted = self.here.book.ports("a") if self.here.store.namespace_owners("a") else Ports()
        if not self.here.store.namespace_owners("a"):
            self.released.clear()  # the anchor went with the last one, and with it what it knew
        self.here.start()

    @invariant()
    def nobody_has_the_port_of_another(self) -> None:
        ports = [port for _, port in self.given.values()]
        assert len(ports) == len(set(ports))


TestLives = Lives.TestCase
TestLives.settings = settings(deadline=None, max_examples=100, stateful_step_count=30)
