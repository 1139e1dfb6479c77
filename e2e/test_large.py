"""Models of many bytes: all of them arrive, within the memory that a fetch is given, and one sees how far it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from e2e import narrow, objects, serving
from e2e.kubectl import Kubectl
from e2e.large import Large
from e2e.waiting import await_status

NAME = "wide"
MODEL = Large(count=2_000, small=32 << 10, large=512 << 20)
"""Bounded, for the time that it takes. What ten times as much takes stands in CONTRIBUTING.md."""


@pytest.fixture(scope="module")
def stored(shared: Kubectl) -> Kubectl:
    """A bucket."""
    serving.start_store(shared)
    return shared


def test_every_byte_of_many_files_and_of_a_large_one_is_served(stored: Kubectl) -> None:
    MODEL.put(stored, "wide/1")
    stored.apply(serving.small(stored, NAME, "wide/1"))
    status = await_status(stored, NAME, serving.serves(1), seconds=300)
    assert status["stable"]["digest"] == MODEL.digest()
    assert serving.answer(stored, NAME) == [[4.0, 6.0]]
    (pod,) = serving.pods(stored, NAME)
    (fetch,) = pod["status"]["initContainerStatuses"]
    assert fetch["restartCount"] == 0, "it has the memory that it needs"
    assert re.search(rf"Fetched {MODEL.count + 3} files, ", stored("logs", pod["metadata"]["name"], "-c", "fetch"))


def test_how_far_a_fetch_is_that_takes_long(stored: Kubectl) -> None:
    """The line is made narrow, so that it does: nothing is told of a fetch that is over within seconds."""
    Large(count=10, small=1 << 10, large=32 << 20).put(stored, "slow/1")
    program, host = Path(narrow.__file__).read_text(), f"s3.{stored.namespace}.svc"
    pod = objects.operator("narrow", program, host, "7070", str(1 << 20), command=("python3", "-c"))
    stored.apply(pod, objects.service("narrow", s3=7070))
    stored.wait("pod", "narrow", "condition=Ready")

    obj = serving.small(stored, "slow", "slow/1")
    obj["spec"]["model"]["source"]["options"]["endpoint"] = f"http://narrow.{stored.namespace}.svc:7070"
    stored.apply(obj)
    status = await_status(stored, "slow", lambda status: "fetching" in status, seconds=120)
    assert re.fullmatch(r"\d+\.\d MiB of 32\.0 MiB, \S+ [KM]iB/s, \d+ s to go", status["fetching"])
    status = await_status(stored, "slow", serving.serves(1), seconds=180)
    assert "fetching" not in status
