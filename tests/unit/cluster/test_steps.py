"""Steps: what fails shows the end of its log and where all of it is."""

import sys
from pathlib import Path

import pytest

from e2e.cluster import steps
from e2e.cluster.steps import Failed


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITIUM_CACHE", str(tmp_path))
    monkeypatch.setattr(steps, "finished", [])


def test_a_step_is_timed_and_its_output_kept(tmp_path: Path) -> None:
    with steps.step("compile a thing") as run:
        run("echo", "hello")

    assert [done.title for done in steps.finished] == ["compile a thing"]
    assert "hello" in (tmp_path / "logs" / "compile-a-thing.log").read_text()


def test_a_failure_shows_the_tail_and_the_log(tmp_path: Path) -> None:
    with pytest.raises(Failed) as failure, steps.step("compile a thing") as run:
        run(sys.executable, "-c", "for n in range(100): print(n)\nraise SystemExit(3)")

    text = str(failure.value)
    assert "ended with 3" in text
    assert "\n99\n" in text
    assert "\n50\n" not in text
    assert str(tmp_path / "logs" / "compile-a-thing.log") in text
    assert steps.finished == []


def test_both_ends_of_a_pipe_are_looked_at() -> None:
    with pytest.raises(Failed, match="ended with 1 and 0"), steps.step("load") as run:
        run.piped(["false"], ["cat"])


def test_a_program_that_is_not_there_gives_no_answer() -> None:
    assert steps.ask("no-such-program-at-all") is None
