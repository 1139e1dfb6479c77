"""On which names requests wait, which of them are answered, and which go: without Envoy."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster

from tritium.gateway.asked import KNOWN, whose
from tritium.gateway.holding import AGAIN, STAYS, Holding
from tritium.gateway.snapshot.held import held_cluster
from tritium.gateway.snapshot.names import Protocol
from tritium.gateway.table import Bounds, Endpoint, Hold, Model, Share, Table

ONE = Endpoint("10.0.0.1", 8000, 8001)
TWO = Endpoint("10.0.0.2", 8000, 8001)
SPLIT = (Share(2, "two", 500), Share(1, "one", 9_500))


def table(hold: Hold | None, uid: str = "u", **pods: Endpoint) -> Table:
    """`fraud`, with one revision."""
    model = Model("fraud", uid, 1, 10_000, "fraud", (Share(1, "one", 10_000),), hold=hold)
    return Table({"fraud": model}, {service: (pod,) for service, pod in pods.items()})


def held(holding: Holding, given: Table, now: float = 0) -> str | None:
    """Without what it has of the uid."""
    model = holding.named(given, now).models["fraud"]
    return model.held and model.held.removesuffix(f".{whose(model.uid)}")


def names(words: Iterable[str], uid: str = "u") -> list[str]:
    return [f"fraud/{word}.{whose(uid)}/http" for word in words]


ASLEEP, AWAKE = Hold(True, 7, 60_000), Hold(False, 7, 60_000)


def test_a_model_without_hold_is_as_it_was() -> None:
    given = table(None)
    assert Holding(1).named(given, 0) == given


@pytest.mark.parametrize(
    ("hold", "pods", "expected"),
    [
        (ASLEEP, {}, "z7.1.1"),
        (ASLEEP, {"one": ONE}, "z7.1.1"),
        (AWAKE, {}, "z7.1.1"),
        (AWAKE, {"other": ONE}, "z7.1.1"),
        (AWAKE, {"one": ONE}, None),
        (replace(ASLEEP, ms=0), {}, ""),
        (replace(AWAKE, ms=0), {"one": ONE}, None),
    ],
)
def test_who_waits(hold: Hold, pods: dict[str, Endpoint], expected: str | None) -> None:
    assert held(Holding(1), table(hold, "u", **pods)) == expected


def test_a_name_stays_until_it_is_of_no_more_use() -> None:
    """It has no number of its own then: a route that changes for nothing is sent for nothing."""
    holding = Holding(1)
    assert [held(holding, table(ASLEEP), now) for now in (0, 1_000)] == ["z7.1.1"] * 2
    holding.asked(names(["z7.1.1"]), 1_000)
    assert held(holding, table(ASLEEP), 1_029.9) == "z7.1.1"
    assert holding.due(table(ASLEEP), 1_000) == 1_030
    assert [holding.open(table(ASLEEP), now) for now in (1_059.9, 1_060)] == [1, 0]
    assert held(holding, table(ASLEEP), 1_030) == "z7.1.2", "who comes now would wait for less than half of its time"


def test_each_time_that_requests_begin_to_wait_they_do_so_on_a_new_name() -> None:
    holding, awake = Holding(1), table(AWAKE, one=ONE)
    words = [
        held(holding, each) for each in (table(ASLEEP), awake, table(AWAKE), awake, table(replace(ASLEEP, since=9)))
    ]
    assert words == ["z7.1.1", None, "z7.1.2", None, "z9.1.3"]


def test_a_name_that_was_answered_is_of_no_more_use() -> None:
    holding = Holding(1)
    held(holding, table(AWAKE))
    holding.answered(names(["z7.1.1"]), 0)
    assert held(holding, table(AWAKE)) == "z7.1.2"


def test_another_of_the_same_name_is_another_one() -> None:
    holding = Holding(1)
    held(holding, table(ASLEEP))
    holding.asked(names(["z7.1.1"]), 0)
    other = table(ASLEEP, uid="v")
    assert held(holding, other) == "z7.1.2"
    assert holding.report(other) == []
    assert holding.answers(table(AWAKE, uid="v", one=ONE)) == {}
    old = names(["z7.1.1"])
    assert holding.gone(other, lambda _: False, 0, listed=True) == frozenset(), "Envoy may have a route that names it"
    assert holding.due(other, 5) == 5 + AGAIN
    assert holding.gone(other, lambda _: True, 0, listed=False) == frozenset(), "what is on the disk may be old"
    assert holding.gone(other, lambda _: True, 0, listed=True) == frozenset(old)
    holding.removed(old)
    assert holding.gone(other, lambda _: True, 0, listed=True) == frozenset()
    assert holding.due(other, 5) is None


def test_what_another_of_the_same_name_left_behind_wakes_nobody_and_goes() -> None:
    """An agent that starts hears of it from Envoy. Its sleep may have had the same number."""
    holding, given = Holding(2), table(ASLEEP, uid="v")
    left = names(["z7.1.1", "z7.1.2"], uid="u")
    held(holding, given)
    holding.answered(left[:1], 0)
    holding.asked(left, 0)
    assert holding.report(given) == []
    assert holding.gone(given, lambda _: True, 0, listed=True) == frozenset(left)
    holding.asked(names(["z7.1.3"], uid="v"), 0)
    assert [(each.uid, each.since) for each in holding.report(given)] == [("v", 7)]


def test_only_who_sleeps_is_told_of_and_only_what_came_since() -> None:
    holding = Holding(1)
    held(holding, table(ASLEEP))
    assert holding.report(table(ASLEEP)) == []
    holding.asked([*names(["z6.0.3"]), "xds", "fraud/1/http"], 0)
    assert holding.report(table(ASLEEP)) == []
    holding.asked(names(["z7.0.4"]), 0)  # an agent before this one made it
    assert [(each.name, each.since) for each in holding.report(table(ASLEEP))] == [("fraud", 7)]
    assert holding.report(table(AWAKE)) == []
    assert holding.report(table(replace(ASLEEP, since=8))) == []


def test_all_names_are_answered_when_there_is_a_pod_that_stays() -> None:
    holding, given = Holding(1), table(AWAKE, one=ONE)
    known = names(["z5.0.9", "z7.1.1"])
    holding.asked(known, 0)
    assert set(holding.answers(given)) == set(known)
    assert holding.answers(table(ASLEEP, one=ONE)) == {}
    assert holding.answers(table(AWAKE)) == {}
    assert set(holding.answers(table(None, one=ONE))) == set(known)


def test_names_are_bounded() -> None:
    """The youngest are kept: by the agent that made them, and by their number."""
    holding, awake = Holding(2), table(AWAKE, one=ONE)
    everything = names(f"z1.{boot}.{number}" for boot in (1, 2) for number in range(20))
    kept = names(f"z1.2.{20 - n}" for n in range(1, KNOWN + 1))
    for _ in range(2):  # Envoy asks for all of them again when it connects again
        holding.asked(everything, 0)
        assert set(holding.answers(awake)) == set(kept)
        for given in (awake, table(ASLEEP)):
            assert holding.gone(given, lambda _: False, 0, listed=False) == {*everything} - {*kept}, "Envoy is told"
        holding.removed(holding.gone(awake, lambda _: False, 0, listed=False))
        assert holding.gone(awake, lambda _: False, 0, listed=False) == frozenset()
        assert holding.open(awake, 0) == KNOWN


def test_whose_clock_was_set_back_still_has_the_youngest_names() -> None:
    """What agents before it made has later times, and Envoy tells of it after it was asked to wait on a new name."""
    holding = Holding(2)
    assert held(holding, table(ASLEEP)) == "z7.2.1"
    holding.asked(names([*(f"z1.9.{number}" for number in range(20)), "z7.2.1"]), 0)
    assert [each.since for each in holding.report(table(ASLEEP))] == [7]
    assert set(names(["z7.2.1", "z1.9.19"])) <= set(holding.answers(table(AWAKE, one=ONE)))
    assert held(holding, table(ASLEEP)) == "z7.10.2"
    holding.asked(names(["z7.10.2"]), 0)
    assert set(names(["z7.2.1", "z7.10.2"])) <= set(holding.answers(table(AWAKE, one=ONE)))
    assert held(holding, table(ASLEEP)) == "z7.10.2", "its own names tell it nothing"


def test_who_begins_at_the_same_time_as_another_before_it_uses_no_name_twice() -> None:
    holding = Holding(2)
    assert held(holding, table(ASLEEP)) == "z7.2.1"
    holding.asked(names(["z7.2.1", "z7.2.2"]), 0)
    assert held(holding, table(ASLEEP)) == "z7.3.2"


def test_what_envoy_has_is_kept_in_mind_until_it_goes() -> None:
    """However many there are. An agent that starts hears of all of them at once."""
    holding, given = Holding(2), table(AWAKE, one=ONE)
    there = names(f"z1.1.{number}" for number in range(20))
    holding.answered(there, 0)
    holding.asked(names(f"z1.1.{number}" for number in range(40)), 0)
    old = names(f"z1.1.{number}" for number in range(20, 40 - KNOWN))
    assert holding.gone(given, lambda _: True, 1_000, listed=True) == {*there, *old}
    assert holding.gone(given, lambda _: True, 0, listed=True) == {*old}
    holding.removed(there)
    holding.asked(there, 0)
    assert set(holding.answers(given)) == set(names(f"z1.1.{number}" for number in range(40 - KNOWN, 40)))


def test_an_answered_name_goes_when_nothing_can_be_on_it() -> None:
    holding, given = Holding(1), table(AWAKE, one=ONE)
    [name] = names(["z7.1.1"])
    holding.answered([name], 10)
    late = 10 + STAYS + 60 + 2 * 60
    assert holding.due(given, 10) == late
    assert holding.gone(given, lambda _: True, late - 1, listed=True) == frozenset()
    assert holding.gone(given, lambda _: False, late, listed=True) == frozenset(), (
        "Envoy may have a route that names it"
    )
    assert holding.gone(given, lambda _: True, late, listed=True) == {name}
    holding.removed([name])
    assert holding.gone(given, lambda _: True, late, listed=True) == frozenset()
    assert holding.answers(given) == {}, "it would come again each time that Envoy connects"


def test_who_waits_for_a_model_that_is_gone_is_told() -> None:
    holding = Holding(1)
    held(holding, table(ASLEEP))
    [name] = names(["z7.1.1"])
    holding.asked([name], 0)
    assert holding.gone(Table(), lambda _: True, 0, listed=True) == {name}
    assert holding.gone(Table(), lambda _: True, 0, listed=False) == frozenset(), "the agent may not know it yet"
    holding.removed([name])
    holding.named(Table(), 0)
    assert (holding.open(Table(), 0), holding.due(Table(), 0)) == (0, None)


def cluster(holding: Holding, given: Table) -> Cluster:
    [resource] = holding.answers(given).values()
    return Cluster.FromString(resource.body)


@pytest.mark.parametrize(
    ("pods", "revision", "address"),
    [({"one": ONE, "two": TWO}, "1", "10.0.0.1"), ({"two": TWO}, "2", "10.0.0.2")],
)
def test_what_waited_goes_where_most_requests_go_as_far_as_there_are_pods(
    pods: dict[str, Endpoint], revision: str, address: str
) -> None:
    holding = Holding(1)
    holding.asked(names(["z7.1.1"]), 0)
    given = table(AWAKE, "u", **pods)
    found = cluster(holding, Table({"fraud": replace(given.models["fraud"], shares=SPLIT)}, given.endpoints))
    assert (found.name, found.alt_stat_name) == (*names(["z7.1.1"]), f"fraud/{revision}/http")
    assert found.metadata.filter_metadata["tritium"]["revision"] == revision
    assert found.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.address == address


def test_the_pods_get_no_more_at_once_than_they_take() -> None:
    """But over HTTP/2, where Envoy cannot keep what is too much."""
    model = replace(table(AWAKE).models["fraud"], bounds=Bounds(max_concurrency=3))
    for protocol, most in ((Protocol.HTTP, 6), (Protocol.GRPC, 2**31 - 1)):
        resource = held_cluster("x", protocol, model, model.shares[0], (ONE, TWO))
        [breakers] = Cluster.FromString(resource.body).circuit_breakers.thresholds
        assert breakers.max_connections.value == most
        assert breakers.max_pending_requests.value >= 256
