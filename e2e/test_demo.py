"""`make demo` does what it tells, and the README shows what it does."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from e2e import namespaces
from e2e.cluster import settings
from e2e.kubectl import Kubectl
from hack.demo import BEGIN, END, NAMESPACE, README

ABORTED = (
    "revision 3 was turned down: ModelLoadFailed: Triton cannot load the model: failed to load 'fraud' version 1: "
    "Internal: ValueError: the weights of version 3 do not fit its layers"
)


def demo(*flags: str) -> str:
    """Run it as `make demo` does; return what it shows."""
    command = [sys.executable, "-m", "hack.demo", *flags]
    ended = subprocess.run(
        command,
        cwd=settings.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=420,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


@pytest.fixture
def shown(operated: Kubectl, request: pytest.FixtureRequest) -> Iterator[str]:
    """What the demo shows; afterwards nothing of it is left."""
    request.node.stash[namespaces.INSIDE] = [operated.within(NAMESPACE)]
    yield demo()
    demo("--down")
    left = operated("get", "namespaces", "-o", "name").split()
    assert f"namespace/{NAMESPACE}" not in left


def commands(text: str) -> list[str]:
    """The commands in what a terminal shows."""
    return re.findall(r"^\$ (.*)$", text, re.MULTILINE)


def test_the_demo_serves_changes_goes_back_and_refuses(shown: str) -> None:
    assert re.findall(r'"data":\[([\d.]+)\]', shown) == ["0.25", "0.5", "0.25", "0.25"]
    assert ABORTED in shown
    recorded = README.read_text().partition(BEGIN)[2].partition(END)[0]
    missing = [each for each in commands(recorded) if each not in commands(shown)]
    assert not missing, "the README shows another demo: run `python -m hack.demo --record`"
