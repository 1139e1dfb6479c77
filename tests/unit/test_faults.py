"""The deliberate bugs of `tests/faults`: each can be tried. Whether it is caught, `python -m tests.faults` says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults import seeded
from tests.faults.__main__ import main
from tests.faults.trial import Verdict


@pytest.mark.parametrize("name", seeded.names())
def test_a_fault_can_be_tried(name: str) -> None:
    """Where it cannot, make the same mistake in the code as it is now: `git diff -U1` is the new patch."""
    fault = seeded.read(name)
    assert seeded.apply(fault, seeded.ROOT, check=True) == ""
    assert seeded.missing(fault) == []
    assert all(test.startswith("tests/") for test in fault.red)


def test_there_are_as_many_as_promised() -> None:
    assert len(seeded.names()) >= 18


def test_only_a_test_that_fails_has_found_a_bug(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patch = (seeded.FOLDER / "back-off-never-forgotten.patch").read_text()
    red, *_ = seeded.read("back-off-never-forgotten").red
    tests = {
        "found": red,
        "misnamed": "tests/unit/loop/test_queue.py::test_that_is_not_there",
        "overlooked": "tests/unit/loop/test_queue.py::test_the_earliest_time_counts",
    }
    monkeypatch.setattr(seeded, "FOLDER", tmp_path)
    for name, test in tests.items():
        (tmp_path / f"{name}.patch").write_text(patch.replace(red, test))
    assert main([]) == 1
    rows = [re.split(r"\s{2,}", line) for line in capsys.readouterr().out.splitlines()[1:4]]
    assert [row[:2] for row in rows] == [
        ["found", Verdict.CAUGHT],
        ["misnamed", Verdict.BROKEN],
        ["overlooked", Verdict.NOT_CAUGHT],
    ]
    assert main(["--check"]) == 1
    assert main(["--check", "found", "overlooked"]) == 0


def test_a_fault_that_is_not_there() -> None:
    with pytest.raises(ValueError, match=r"there is no fault no-such; there are: .*no-fence-on-status"):
        seeded.read("no-such")


def test_a_head_that_says_too_little(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mute.patch").write_text("# wrong: it is\n--- a/x\n+++ b/x\n")
    monkeypatch.setattr(seeded, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"mute\.patch: its head has to say, in this order: wrong, harm, red"):
        seeded.read("mute")
