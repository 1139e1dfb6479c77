"""A trial: a copy of the working tree, a bug in it, and the tests that have to notice."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from tests.faults.seeded import ROOT, Seeded, apply, missing

LONGEST: Final = 300
"""Seconds; what hangs is no proof."""
_OF_THIS_RUN: Final = ("PYTHON", "PYTEST_", "COVERAGE_", "COV_")
"""Beginnings of variables that are meant for the tests that are running now, and not for those of a copy."""
_FAILED: Final = re.compile(r"^FAILED (?P<test>\S+)", re.MULTILINE)


class Verdict(StrEnum):
    """What came of a trial."""

    CAUGHT = "caught"
    NOT_CAUGHT = "NOT CAUGHT"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Result:
    """How a trial ended: also in seconds, and in pytest's own words."""

    verdict: Verdict
    seconds: float
    output: str


def trial(fault: Seeded) -> Result:
    """Whether its tests notice the bug."""
    with copied() as tree:
        if said := apply(fault, tree) or ", ".join(missing(fault, tree)):
            return Result(Verdict.BROKEN, 0.0, said)
        began = time.monotonic()
        code, output = run(tree, fault.red, "-x")
        return Result(verdict(code, output), time.monotonic() - began, output)


def control(tests: Sequence[str]) -> tuple[int | None, str]:
    """The same tests on an unchanged copy, where they have to be green: pytest's exit code and words, as `run`."""
    with copied() as tree:
        return run(tree, tests)


def verdict(code: int | None, output: str) -> Verdict:
    """Only a test that ran and failed has noticed something.

    A module that cannot be imported, a fixture that cannot be made, a name that is no test, a run that hangs: all of
    these are red as well, and prove nothing.

    >>> verdict(1, "FAILED tests/a.py::b - assert 1 == 2"), verdict(1, "ERROR tests/a.py::b"), verdict(0, "1 passed")
    (<Verdict.CAUGHT: 'caught'>, <Verdict.BROKEN: 'broken'>, <Verdict.NOT_CAUGHT: 'NOT CAUGHT'>)
    """
    if code == 0:
        return Verdict.NOT_CAUGHT
    return Verdict.CAUGHT if code == 1 and _FAILED.search(output) else Verdict.BROKEN


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of all files that git knows or would take, as they are now, outside of any repository."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    with tempfile.TemporaryDirectory(prefix="tritium-fault-") as folder:
        tree = Path(folder)
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, tree / name)
        yield tree


def run(tree: Path, tests: Sequence[str], *options: str) -> tuple[int | None, str]:
    """Run tests of a copy, and make sure that they are about the copy; None if they hang."""
    own = ["-p", "no:cacheprovider", "-p", "tests.faults.origin", "-q"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OF_THIS_RUN)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *own, *options, *tests],
            cwd=tree,
            env=environment | {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "400"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return None, f"{(late.stdout or b'').decode(errors='replace')}\nnot over after {LONGEST} s"
    return done.returncode, done.stdout.decode(errors="replace")
