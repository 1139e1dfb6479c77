"""What is missing is said in one line with its remedy, and nothing is installed without the right to."""

from pathlib import Path

import pytest

from e2e.cluster import requirements
from e2e.cluster.requirements import Need
from e2e.cluster.steps import Failed

THERE = Need(lambda: "", "get it")
HOPELESS = Need(lambda: "a is missing", "get it")
INSTALLABLE = Need(lambda: "b missing", "", ("b-dev",))


def test_what_is_there_is_not_mentioned() -> None:
    assert requirements.missing("thing", needs={"thing": THERE}) == {}


def test_what_is_missing_comes_with_its_remedy() -> None:
    assert requirements.missing("a", "b", needs={"a": HOPELESS, "b": INSTALLABLE}) == {
        "a": "a is missing: get it",
        "b": "b missing: apt-get install b-dev (`up` does it)",
    }


def test_what_no_package_brings_fails_before_anything_is_installed() -> None:
    with pytest.raises(Failed, match=r"^a is missing: get it$"):
        requirements.demand("a", "b", needs={"a": HOPELESS, "b": INSTALLABLE})


@pytest.mark.parametrize(("root", "apt"), [(False, True), (True, False), (False, False)])
def test_packages_are_installed_as_root_and_with_apt_only(*, root: bool, apt: bool) -> None:
    assert "as root (apt-get install b-dev)" in requirements.not_ours(["b-dev"], root=root, apt=apt)


def test_a_program_is_looked_for_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a PATH on which there really is no Go, and then one that is too old."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert requirements.no_go().startswith("Go is missing (1.26")

    old = tmp_path / "go"
    old.write_text("#!/bin/sh\necho go1.22.1\n")
    old.chmod(0o755)
    assert requirements.no_go().startswith("go1.22.1 is too old (1.26")
