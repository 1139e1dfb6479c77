"""What Envoy runs, by what it has acknowledged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tritium.api.gateway import ModelReport, Rejection
from tritium.gateway.reading import LeftOut, Reading
from tritium.gateway.report import Runs, report, runs
from tritium.gateway.snapshot.compile import compile_snapshot
from tritium.gateway.snapshot.listeners import ListenerSettings
from tritium.gateway.snapshot.resource import Resource, Snapshot, Type
from tritium.gateway.table import Bounds, Endpoint, Hold, Model, Share, Table
from tritium.gateway.xds.client import Key, Rejected
from tritium.gateway.xds.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable

ONE, TWO = Endpoint("10.0.0.1", 8000, 8001), Endpoint("10.0.0.2", 8000, 8001)
LISTENER, ROUTES = (Type.LISTENER, "fraud"), (Type.ROUTES, "fraud")
PODS = (Type.ENDPOINTS, "fraud/2/http")


def fraud(version: int, weight: int, **members: object) -> Model:
    shares = (Share(2, "fraud-2", weight), Share(1, "fraud-1", 10_000 - weight))
    return replace(Model("fraud", "u1", version, 10_000, "m", shares), **members)  # type: ignore[arg-type]


def table(model: Model, **pods: tuple[Endpoint, ...]) -> Table:
    return Table({model.name: model}, {"fraud-1": (ONE,), "fraud-2": (ONE, TWO)} | pods)


def compiled(of: Table) -> Snapshot:
    return compile_snapshot(of, ListenerSettings())


def acked(snapshot: Snapshot, *without: Key) -> dict[Key, Resource]:
    return {
        (type_, name): each
        for type_, there in snapshot.resources.items()
        for name, each in there.items()
        if (type_, name) not in without
    }


def state(known: dict[Key, Resource], rejected: Iterable[Resource] = ()) -> State:
    words = {(each.type, each.name): Rejected(each, "it does not fit") for each in rejected}
    return State(connected=True, envoy="1.40.0", acked=known, rejected=words)


def told(of: Table, seen: State, before: Runs, *left_out: LeftOut) -> tuple[ModelReport | None, Runs]:
    """What is told of fraud."""
    snapshot = compiled(of)
    now = runs(before, of, snapshot, seen)
    found = report(Reading(of, left_out), snapshot, seen, now, synced=True)
    assert (found.synced, found.connected, found.envoy) == (True, True, "1.40.0")
    return (found.models[0] if found.models else None), now


def brief(found: ModelReport | None) -> tuple[int, list[tuple[int, int, int]]] | None:
    if found is None:
        return None
    return found.version, [(each.revision, each.weight, each.endpoints) for each in found.revisions]


FIRST = table(fraud(1, 500))
BEFORE = acked(compiled(FIRST))
RUN: Runs = dict(FIRST.models)


def test_all_is_acknowledged() -> None:
    found, run = told(FIRST, state(BEFORE), {})
    assert brief(found) == (1, [(2, 500, 2), (1, 9_500, 1)])
    assert run == RUN


@pytest.mark.parametrize("key", sorted(BEFORE), ids=lambda key: f"{key[0].word} {key[1]}")
def test_nothing_may_be_missing(key: Key) -> None:
    found, run = told(FIRST, state(acked(compiled(FIRST), key)), {})
    assert (brief(found), run) == (None, {})


def test_a_version_like_one_that_was_run_is_not_while_another_is_under_way() -> None:
    """From 5 % to 25 % and back, before Envoy has said a word: it is about to run 25 %."""
    third = table(fraud(3, 500))
    found, run = told(third, replace(state(BEFORE), changing=frozenset([ROUTES])), RUN)
    assert found is not None
    assert (found.version, run) == (1, RUN)
    found, run = told(third, state(BEFORE), run)
    assert found is not None
    assert (found.version, run) == (3, dict(third.models))


def test_the_version_before_is_told_with_its_own_weights() -> None:
    second = table(fraud(2, 2_500))
    new = compiled(second).resources[Type.ROUTES]["fraud"]
    found, run = told(second, state(BEFORE), RUN)
    assert brief(found) == (1, [(2, 500, 2), (1, 9_500, 1)])
    found, run = told(second, state(BEFORE | {ROUTES: new}), run)
    assert brief(found) == (2, [(2, 2_500, 2), (1, 7_500, 1)])


def test_a_version_that_changes_nothing_is_run_at_once() -> None:
    """Resources are told apart by what they hold, not by the version they were made from."""
    found, _ = told(table(fraud(2, 500)), state(BEFORE), RUN)
    assert found is not None
    assert found.version == 2


def test_endpoints_are_those_that_envoy_has() -> None:
    """Of the two protocols of a revision, the fewer; whatever is on its way."""
    fewer = table(fraud(1, 500), **{"fraud-2": (ONE,)})
    new = compiled(fewer).resources[Type.ENDPOINTS]
    found, run = told(fewer, state(BEFORE), RUN)
    assert brief(found) == (1, [(2, 500, 2), (1, 9_500, 1)])
    found, run = told(fewer, state(BEFORE | {PODS: new["fraud/2/http"]}), run)
    assert brief(found) == (1, [(2, 500, 1), (1, 9_500, 1)])


def test_what_is_refused_is_told_and_the_version_before_goes_on() -> None:
    second = table(fraud(2, 2_500, bounds=Bounds(timeout_ms=1)))
    refused = compiled(second).resources[Type.ROUTES]["fraud"]
    found, run = told(second, state(BEFORE, [refused]), RUN)
    assert brief(found) == (1, [(2, 500, 2), (1, 9_500, 1)])
    assert found is not None
    assert found.rejection == Rejection(version=2, resource="RouteConfiguration fraud", message="it does not fit")
    third = table(fraud(3, 5_000))
    found, _ = told(third, state(BEFORE, [refused]), run)
    assert found is not None
    assert found.rejection is None, "it was about a version that nobody asks for any more"


def test_refused_from_the_beginning() -> None:
    refused = compiled(FIRST).resources[Type.LISTENER]["fraud"]
    found, _ = told(FIRST, state(acked(compiled(FIRST), LISTENER), [refused]), {})
    assert brief(found) == (0, [])
    assert found is not None
    assert found.rejection is not None


def test_left_out_while_it_runs() -> None:
    """Envoy may go on for a moment with what the table does not have any more; it is told of as not served."""
    empty = Table()
    left = LeftOut(fraud(2, 500), "Listener fraud", "port 10000 belongs to z, which is older")
    found, run = told(empty, state(BEFORE), RUN, left)
    assert run == {}
    assert brief(found) == (0, [])
    assert found is not None
    assert found.rejection == Rejection(version=2, resource=left.resource, message=left.message)


def test_another_envoy_has_nothing_yet() -> None:
    second = table(fraud(2, 2_500))
    found, run = told(second, state({}), RUN)
    assert found is None
    assert run == RUN
    assert brief(told(second, state(acked(compiled(second))), run)[0]) == (2, [(2, 2_500, 2), (1, 7_500, 1)])


def test_another_model_of_the_same_name_inherits_nothing() -> None:
    second = table(fraud(1, 2_500, uid="u2"))
    found, run = told(second, state(BEFORE), RUN)
    assert (found, run) == (None, {})


def test_a_host_counts_too() -> None:
    """Until the shared port leads there, a model with a host is not run as a whole."""
    hosted = table(fraud(2, 500, host="h"))
    shared = (Type.ROUTES, "/shared")
    found, run = told(hosted, state(acked(compiled(hosted), shared)), RUN)
    assert found is not None
    assert found.version == 1
    found, _ = told(hosted, state(acked(compiled(hosted))), run)
    assert found is not None
    assert found.version == 2


def test_a_sleep_is_told_when_its_routes_are_acknowledged() -> None:
    awake = table(fraud(7, 0, hold=Hold(asleep=False, since=3, ms=60_000)))
    asleep = table(fraud(8, 0, hold=Hold(asleep=True, since=8, ms=60_000), held="z8.1764000000.1"))
    runs_awake, before = told(awake, state(acked(compiled(awake))), {})
    late, _ = told(asleep, state(acked(compiled(awake))), before)
    done, _ = told(asleep, state(acked(compiled(asleep))), before)
    assert [each and (each.version, each.holds) for each in (runs_awake, late, done)] == [(7, 0), (7, 0), (8, 8)]


@pytest.mark.parametrize("type_", [Type.LISTENER, Type.ROUTES])
def test_a_preview_counts_too(type_: Type) -> None:
    """Whoever is told of a version may lead clients to its preview."""
    second = table(fraud(2, 500, preview=2))
    found, run = told(second, state(acked(compiled(second), (type_, "fraud/preview"))), RUN)
    assert found is not None
    assert (found.version, found.preview) == (1, None)
    found, _ = told(second, state(acked(compiled(second))), run)
    assert found is not None
    assert (found.version, found.preview) == (2, 2)


@given(st.data())
def test_a_version_is_told_only_once_all_of_it_is_acknowledged(data: st.DataObject) -> None:
    """Whatever order acknowledgements come in, from one version to the next and on."""
    run: Runs = {}
    known: dict[Key, Resource] = {}
    for version in range(1, 5):
        weight = data.draw(st.sampled_from([0, 500, 10_000]))
        pods = data.draw(st.sampled_from([(), (ONE,), (ONE, TWO)]))
        wanted = table(fraud(version, weight), **{"fraud-2": pods})
        parts = acked(compiled(wanted))
        order = data.draw(st.permutations(sorted(parts)))
        for key in order[: data.draw(st.integers(0, len(order)))]:
            known[key] = parts[key]
            found, run = told(wanted, state(dict(known)), run)
            own = {each: parts[each] for each in parts if each[0] is not Type.RUNTIME}
            if found is not None and found.version == version:
                assert all(known.get(each) == one for each, one in own.items())
                assert brief(found) == (version, [(2, weight, len(pods)), (1, 10_000 - weight, 1)])
