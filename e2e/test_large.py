"""A model of many small files and a large one: all bytes arrive, within the memory that a fetch is given."""

from __future__ import annotations

import re

import pytest

from e2e import serving
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
