"""`make demo` does what it tells, and the README shows what it does."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest

from e2e import namespaces, terminal
from e2e.cluster import settings
from e2e.kubectl import Kubectl
from hack.demo import BEGIN, END, NAMESPACE, README

ABORTED = (
    "revision 3 was turned down: ModelLoadFailed: Triton cannot load the model: failed to load 'fraud' version 1: "
    "Internal: ValueError: the weights of version 3 do not fit its layers"
)

STEPS = (25, 50)
OUT = "revision 5 was turned down: GateFailed"
OF_REVISION = re.compile(r"revision (\d+) \d+ requests, (\d+) failed")
"""What the clients tell of five seconds."""
FAILED = re.compile(r"\(in all \d+, (\d+) failed\)")


def demo(*flags: str) -> str:
    """Run it as `make demo` does; return what it shows."""
    return terminal.shown([sys.executable, "-m", "hack.demo", *flags], settings.ROOT, seconds=480)


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


def test_the_demo_does_what_it_tells(shown: str) -> None:
    assert re.findall(r'"data":\[([\d.]+)\]', shown) == ["0.25", "0.5", "0.25", "0.25"]
    assert ABORTED in shown
    good, bad = shown.partition("Version 5 loads")[::2]
    # A good version gets there in steps, live; a bad one goes by itself.
    assert all(f"● {part} %" in good for part in STEPS)
    assert "● 25 %" in bad
    assert "● 50 %" not in bad
    assert OUT in " ".join(bad.split())
    # Clients have asked all the time: nothing has failed but the bad version, and that only while it had its share.
    assert set(FAILED.findall(good)) == {"0"}
    told = OF_REVISION.findall(bad)
    assert {number for revision, number in told if revision != "5"} == {"0"}
    assert any(int(number) > 0 for revision, number in told if revision == "5")
    recorded = README.read_text().partition(BEGIN)[2].partition(END)[0]
    missing = [each for each in commands(recorded) if each not in commands(shown)]
    assert not missing, "the README shows another demo: run `python -m hack.demo --record`"
