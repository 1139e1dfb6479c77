"""Who made the change that a revision is of, and that nobody is named for another's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.cli.revisions import managed, spec
from tritium.api import names
from tritium.core.authorship import LONGEST_CAUSE, UNKNOWN, Authorship, authorship
from tritium.core.revision import written_hash
from tritium.resources.controller_revision import controller_revision, read_controller_revision
from tritium.resources.owner import Owner

Object = dict[str, Any]

EARLY, LATE, LATER = "2026-03-01T11:50:00Z", "2026-03-01T11:54:20Z", "2026-03-01T11:54:21Z"
LAST = datetime(2026, 3, 1, 11, 52, tzinfo=UTC)
"""When the revision before was made."""
SPEC = spec(2)


def model(*records: Object, **annotations: str) -> Object:
    return {"metadata": {"managedFields": list(records), "annotations": annotations}, "spec": SPEC}


CASES: dict[str, tuple[list[Object], str]] = {
    "one alone": ([managed("helm", LATE, "model.source.uri")], "helm"),
    "the last of two": (
        [managed("helm", EARLY, "model.source.uri"), managed("kubectl-edit", LATE, "server.image")],
        "kubectl-edit",
    ),
    "the last of two that both wrote since": (
        [managed("helm", LATE, "model.source.uri"), managed("kubectl-edit", LATER, "server.image")],
        "kubectl-edit",
    ),
    "two in the same second": (
        [managed("helm", LATE, "model.source.uri"), managed("kubectl-edit", LATE, "server.image")],
        "",
    ),
    "one in two ways": (
        [managed("kubectl", LATE, "model.source.uri"), managed("kubectl", LATE, "server.image")],
        "kubectl",
    ),
    "beside one who scales": (
        [managed("helm", LATE, "model.source.uri"), managed("kubectl", LATER, "replicas", "model.smokeTest.x")],
        "helm",
    ),
    "only the source has changed": ([managed("helm", EARLY, "model.source.uri")], ""),
    "a record without a time": ([managed("helm", LATE, "model.source.uri") | {"time": None}], ""),
    "no record": ([], ""),
}


@pytest.mark.parametrize("case", CASES)
def test_who_wrote_last_since_the_revision_before(case: str) -> None:
    records, expected = CASES[case]
    records = [{name: value for name, value in each.items() if value} for each in records]
    assert authorship(model(*records), written_hash(SPEC), LAST).manager == expected


def test_of_the_first_revision_who_wrote_last() -> None:
    assert authorship(model(managed("helm", EARLY, "model.source.uri")), written_hash(SPEC), None).manager == "helm"


def test_of_a_spec_that_has_changed_again_nothing_is_known() -> None:
    changed = model(managed("helm", LATE, "model.source.uri"), **{names.CHANGE_CAUSE: "for the next"})
    assert authorship(changed, written_hash(spec(1)), LAST) == UNKNOWN


def test_the_cause_is_kept_also_where_nobody_is_known_and_as_much_of_it_as_is_read() -> None:
    said = model(**{names.CHANGE_CAUSE: "x" * 2 * LONGEST_CAUSE})
    assert authorship(said, written_hash(SPEC), LAST) == Authorship("", "x" * LONGEST_CAUSE)


def made(known: Authorship) -> Object:
    found: Object = {
        "hash": "0a1b2c3d",
        "number": 2,
        "written": "sha256:aa",
        "fingerprint": "sha256:bb",
        "model": "fraud",
    }
    return controller_revision(Owner("ml", "fraud", "1"), **found, files=1, size=1, template={}, authorship=known)


def test_it_is_noted_beside_the_revision_and_no_part_of_it() -> None:
    noted, bare = made(Authorship("helm", "retrained")), made(UNKNOWN)
    assert noted["metadata"]["annotations"].items() >= {
        (names.CHANGED_BY, "helm"),
        (names.CHANGE_CAUSE, "retrained"),
    }
    assert {names.CHANGED_BY, names.CHANGE_CAUSE} & bare["metadata"]["annotations"].keys() == set()
    assert (noted["data"], noted["metadata"]["name"]) == (bare["data"], bare["metadata"]["name"])
    stamp = {"creationTimestamp": EARLY}
    seen, same = (read_controller_revision(each | {"metadata": each["metadata"] | stamp}) for each in (noted, bare))
    assert seen == same
