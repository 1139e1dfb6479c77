"""What is missing is said in one line with its remedy, and nothing is installed without the right to."""

import os
import shutil
from pathlib import Path

import pytest

from e2e.cluster import requirements
from e2e.cluster.requirements import Need
from e2e.cluster.steps import Failed


def test_what_is_there_is_not_mentioned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "NEEDS", {"thing": Need(lambda: "", "get it")})

    assert requirements.missing("thing") == {}


def test_what_is_missing_comes_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = {"a": Need(lambda: "a is missing", "get it"), "b": Need(lambda: "b missing", "", ("b-dev",))}
    monkeypatch.setattr(requirements, "NEEDS", needs)

    assert requirements.missing("a", "b") == {
        "a": "a is missing: get it",
        "b": "b missing: apt-get install b-dev (`up` does it)",
    }


def test_what_no_package_brings_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "NEEDS", {"a": Need(lambda: "a is missing", "get it")})

    with pytest.raises(Failed, match=r"^a is missing: get it$"):
        requirements.demand("a")


def test_packages_are_installed_as_root_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "NEEDS", {"b": Need(lambda: "b missing", "", ("b-dev",))})
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(Failed, match=r"as root \(apt-get install b-dev\)"):
        requirements.demand("b")


def test_an_old_go_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "ask", lambda *_: "go1.22.1")

    assert requirements.no_go().startswith("go1.22.1 is too old (1.26")


def test_no_go_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "ask", lambda *_: None)

    assert requirements.no_go().startswith("Go is missing (1.26")


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRITIUM_CACHE", str(tmp_path))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2**30))

    assert requirements.no_disk() == f"{tmp_path} has 1 GiB free, and 20 are needed"
