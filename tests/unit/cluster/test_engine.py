"""The engine's pid file: only our own running engine counts."""

import os
from pathlib import Path

import pytest

from e2e.cluster import engine


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITIUM_CACHE", str(tmp_path))
    engine.pid_file().parent.mkdir(parents=True)


def test_without_a_pid_file_none_runs() -> None:
    assert engine.own_pid() is None


@pytest.mark.parametrize("text", ["", "no number", "99999999"])
def test_a_useless_pid_file_is_no_engine(text: str) -> None:
    engine.pid_file().write_text(text)

    assert engine.own_pid() is None


def test_a_number_that_went_to_another_program_is_no_engine() -> None:
    engine.pid_file().write_text(str(os.getpid()))

    assert engine.own_pid() is None


def test_stopping_leaves_another_program_alone() -> None:
    engine.pid_file().write_text(str(os.getpid()))

    engine.stop()
