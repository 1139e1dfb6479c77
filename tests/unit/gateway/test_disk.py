"""The file with the last good facts. What a spoilt one does to an agent is in tests/dataplane/gateway."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dataplane.gateway.facts import facts, model, revision, slice_of
from tritium.gateway import disk
from tritium.gateway.facts import Facts, SliceFacts
from tritium.gateway.table import Endpoint

if TYPE_CHECKING:
    from pathlib import Path

FACTS = facts(
    [
        model(version=3, port=10_000, revisions=[revision(1, 500), revision(2)], stickyHeader="X", host="h", path="/p"),
        model("churn", "u2"),
    ],
    [slice_of("fraud-1", Endpoint("10.0.0.1", 8000, 8001), Endpoint("fd00::1", 8000, 8001))],
)


def test_what_was_saved_is_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "snapshot.json"
    assert disk.load(file, "ml") is None
    for known in (FACTS, Facts()):
        disk.save(file, "ml", known)
        assert disk.load(file, "ml") == known
    assert [each.name for each in tmp_path.iterdir()] == ["snapshot.json"]


def test_pods_that_leave_are_kept_too(tmp_path: Path) -> None:
    """Another slice may still have them."""
    leaving = Facts(slices={"a": SliceFacts("a", "u", "s", (), frozenset({"10.0.0.1"}))})
    disk.save(tmp_path / "a", "ml", leaving)
    assert disk.load(tmp_path / "a", "ml") == leaving


def test_a_file_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "snapshot.json"
    disk.save(file, "ml", FACTS)
    (tmp_path / "snapshot.json.new").mkdir()
    with pytest.raises(IsADirectoryError):
        disk.save(file, "ml", Facts())
    assert disk.load(file, "ml") == FACTS


@given(st.data())
def test_no_change_goes_unnoticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """One byte more, less or other is enough."""
    file = tmp_path_factory.getbasetemp() / "changed.json"
    disk.save(file, "ml", FACTS)
    whole = file.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 2))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[place]))
    change = data.draw(st.sampled_from(["cut off", "changed", "inserted"]))
    file.write_bytes(
        {
            "cut off": whole[:place],
            "changed": whole[:place] + bytes([other]) + whole[place + 1 :],
            "inserted": whole[:place] + bytes([other]) + whole[place:],
        }[change]
    )
    found: Facts | None = FACTS
    with suppress(disk.Unusable):
        found = disk.load(file, "ml")
    assert found == FACTS, "only spaces in the first line mean nothing"
