"""The cache: what is finished stays, what is cut leaves nothing behind, the key follows the content."""

import os
from pathlib import Path

import pytest

from e2e.cluster import cache


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITIUM_CACHE", str(tmp_path / "cache"))


def test_what_is_finished_is_not_made_again() -> None:
    made: list[Path] = []

    def build(folder: Path) -> None:
        made.append(folder)
        (folder / "program").write_text("x")

    first = cache.artefact("thing", "abc", build)
    second = cache.artefact("thing", "abc", build)

    assert first == second
    assert (first / "program").read_text() == "x"
    assert len(made) == 1


def test_another_content_is_another_artefact() -> None:
    def build(folder: Path) -> None:
        (folder / "program").write_text("x")

    assert cache.artefact("thing", "abc", build) != cache.artefact("thing", "def", build)


def test_a_build_that_fails_leaves_no_artefact_and_is_tried_again() -> None:
    def cut(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise RuntimeError

    def build(folder: Path) -> None:
        (folder / "whole").write_text("x")

    with pytest.raises(RuntimeError):
        cache.artefact("thing", "abc", cut)
    folder = cache.artefact("thing", "abc", build)

    assert [path.name for path in folder.iterdir()] == ["whole"]


def test_a_folders_key_follows_names_and_contents(tmp_path: Path) -> None:
    folder = tmp_path / "recipe"
    folder.mkdir()
    (folder / "a").write_text("1")
    before = cache.key(folder)
    (folder / "a").rename(folder / "b")
    renamed = cache.key(folder)
    (folder / "b").write_text("2")

    assert len({before, renamed, cache.key(folder)}) == 3


def test_compiled_python_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "recipe" / "__pycache__").mkdir(parents=True)
    before = cache.key(tmp_path / "recipe")
    (tmp_path / "recipe" / "__pycache__" / "a.pyc").write_text("x")

    assert cache.key(tmp_path / "recipe") == before


def test_tidying_keeps_the_last_that_were_asked_for() -> None:
    def build(folder: Path) -> None:
        (folder / "program").write_text("x")

    folders = [cache.artefact("thing", str(number), build) for number in range(5)]
    for age, folder in enumerate(folders):
        os.utime(folder, (age, age))
    cache.artefact("thing", "0", build)
    cache.artefact("other", "0", build)
    cache.tidy()

    assert [folder.exists() for folder in folders] == [True, False, False, True, True]
    assert cache.path("other", "0").exists()
