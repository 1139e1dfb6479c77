"""What revisions were made from, what differs, and who wrote it."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.cli.golden import with_revisions
from tests.unit.cli.revisions import KEPT, REVISIONS, SPECS, managed, revision, spec
from tests.unit.cli.samples import CANARY, IDLE, NOW, Object
from tritium.cli.facts.author import author
from tritium.cli.facts.changes import changes, diff
from tritium.cli.facts.history import history
from tritium.cli.facts.made_from import address, image, made_from
from tritium.cli.facts.model import read
from tritium.cli.printing import plain
from tritium.cli.views.history import history_data, history_view
from tritium.core.authorship import Authorship

BEFORE, AFTER = "2026-03-01T11:54:20Z", "2026-03-01T11:59:00Z"


def test_only_what_differs_is_told() -> None:
    first, again = (made_from(revision(number, BEFORE, spec(1))) for number in (1, 1))
    assert changes(first, again) == ()
    assert diff(first, again, "1", "1") == ""
    found = changes(*(made_from(each) for each in REVISIONS[:2]))
    assert [each.path for each in found] == ["source.uri", "fingerprint"]


def test_a_larger_model_changes_what_is_sized_by_it() -> None:
    small, large = revision(1, BEFORE, spec(1)), revision(1, BEFORE, spec(1), size=2 * 1024**3)
    paths = [each.path for each in changes(made_from(small), made_from(large))]
    assert paths[0] == "bytes"
    assert "triton.resources.requests.memory" in paths
    assert not any("label" in path.lower() for path in paths)


def test_what_a_revision_is_called_is_no_difference() -> None:
    made = made_from(REVISIONS[0])
    name = REVISIONS[0]["metadata"]["name"]
    assert name not in str(made)
    assert "TRITIUM_FETCH" not in str(made)
    assert address(made) == "s3://models/fraud/1"
    assert image(made) == "nvcr.io/nvidia/tritonserver:26.07-py3"


def test_reading_changes_nothing() -> None:
    kept = copy.deepcopy(REVISIONS[2])
    made_from(kept)
    assert kept == REVISIONS[2]


AUTHORS: dict[str, tuple[list[Object], str | None]] = {
    "one alone": ([managed("helm", BEFORE, "model.source.uri", "server.image")], "helm"),
    "beside one who scales": (
        [managed("helm", BEFORE, "model.source.uri"), managed("kubectl", AFTER, "replicas", "model.smokeTest.x")],
        "helm",
    ),
    "the operator's status counts for nothing": (
        [managed("helm", BEFORE, "model.source.uri"), managed("tritium", AFTER, subresource="status")],
        "helm",
    ),
    "two of them": ([managed("helm", BEFORE, "model.source.uri"), managed("kubectl", BEFORE, "server.image")], None),
    "wrote before the revision before": ([managed("helm", "2026-02-27T16:19:59Z", "model.source.uri")], None),
    "wrote again since": ([managed("helm", AFTER, "model.source.uri")], None),
    "no record": ([], None),
}


@pytest.mark.parametrize("case", AUTHORS)
def test_who_wrote_it_is_told_where_it_is_certain(case: str) -> None:
    records, expected = AUTHORS[case]
    obj = {"metadata": {"managedFields": records}, "spec": SPECS[2]}
    assert author(obj, REVISIONS[2], REVISIONS[1]) == expected
    assert author(obj, REVISIONS[0], None) is None  # of an older spec nobody knows any more
    assert author(obj, REVISIONS[1], REVISIONS[0]) == "argocd-controller"


def test_the_history_is_complete_for_programs() -> None:
    obj = with_revisions(CANARY)
    facts = read(obj)
    newest, stable, oldest = history_data(history(obj, facts, REVISIONS))
    assert (newest["role"], newest["author"], newest["digest"]) == ("candidate", "helm", "sha256:" + "3" * 64)
    assert {"path": "triton.args[11]", "from": None, "to": "--http-thread-count=8"} in newest["changes"]
    assert (stable["role"], stable["author"]) == ("stable", "argocd-controller")
    assert stable["changeCause"] == "Retrained on the transactions of February (FRAUD-212)"
    assert "author" not in oldest
    assert "changes" not in oldest


def test_what_was_annotated_cannot_command_the_terminal() -> None:
    noted = revision(1, BEFORE, spec(1), authorship=Authorship("a\x1b[2J", "b\nc"))
    (kept,) = history(IDLE, read(IDLE), [noted])
    assert (kept.author, kept.cause) == ("a [2J", "b c")


def test_no_revision_yet() -> None:
    assert history(IDLE, read(IDLE), ()) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(max_size=4), each, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=4), JSON, max_size=4)


@given(OBJECTS, OBJECTS)
def test_changes_both_ways_mirror_each_other(old: Object, new: Object) -> None:
    forth = {(each.path, str(each.old), str(each.new)) for each in changes(old, new)}
    back = {(each.path, str(each.new), str(each.old)) for each in changes(new, old)}
    assert forth == back
    assert changes(old, old) == ()


def test_a_revision_is_compared_with_what_served_before_it() -> None:
    """As a diff is: what was turned down in between is no news of this one."""
    never = {name: value for name, value in KEPT[1].items() if name != "promotedAt"}
    stable = IDLE | {"status": IDLE["status"] | {"revisions": [KEPT[0], never, KEPT[2]]}}
    facts = read(stable)
    newest = history(stable, facts, REVISIONS)[0]
    assert (newest.number, newest.base) == (3, 1)
    assert ("source.uri", "s3://models/fraud/1", "s3://models/fraud/3") in [
        (each.path, each.old, each.new) for each in newest.changes or ()
    ]
    assert "changed from 1  source.uri" in plain(history_view(facts, [newest], NOW, "tritium"))
    assert history_data([newest])[0]["changesFrom"] == 1


EXPOSED = "2026-03-01T11:55:00Z"
BACK = {"fromRevision": 3, "toRevision": 2, "reason": "GateFailed", "message": "20 of 90 failed", "at": EXPOSED}
COURSES: dict[str, tuple[Object, Object, list[str], list[str]]] = {
    "it never had a request": ({}, {}, ["○ 3  never had a request"], ["sent back"]),
    "it had some, as a candidate or an arm": (
        {"exposedAt": EXPOSED},
        {},
        ["○ 3  had some requests"],
        ["never", "sent back"],
    ),
    "it was turned down": (
        {"exposedAt": EXPOSED},
        {"lastRollback": BACK, "rejectedRevisions": [{"revision": 3, "reason": "GateFailed"}]},
        ["○ 3  turned down, had some requests", "turned down  GateFailed"],
        ["sent back", "never"],
    ),
    "a pin has lifted that": (
        {"exposedAt": EXPOSED, "promotedAt": "2026-03-01T11:58:00Z"},
        {"lastRollback": BACK, "stable": {"revision": 3}},
        ["● 3  stable, for 2m", "sent back  GateFailed: 20 of 90 failed (5m ago, to revision 2)"],
        ["turned down", "never"],
    ),
}


@pytest.mark.parametrize("case", COURSES)
def test_what_became_of_a_revision(case: str) -> None:
    revision, status, shown, hidden = COURSES[case]
    obj = with_revisions(IDLE)
    obj["status"] |= {"revisions": [*KEPT[:2], KEPT[2] | revision]} | status
    facts = read(obj)
    newest = history(obj, facts, REVISIONS)[0]
    screen = plain(history_view(facts, [newest], NOW, "tritium"))
    assert [each for each in shown if each not in screen] == []
    assert [each for each in hidden if each in screen] == []
    assert history_data([newest])[0].get("exposedAt") == ((revision and "2026-03-01T11:55:00+00:00") or None)
