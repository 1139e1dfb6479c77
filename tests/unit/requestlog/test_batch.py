"""A file of lines."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest

from tritium.requestlog.batch import LARGEST, OLDEST, Batch

NOON = 1_796_040_000.0


def test_a_file_is_named_for_its_first_line_and_read_by_anybody() -> None:
    batch = Batch("fraud-log-1", 3, NOON + 0.7)
    for number in range(3):
        batch.add(['{"n":', f"{number}}}"])
    file = batch.close()
    assert file.name == "date=2026-11-30/120000-fraud-log-1-3.jsonl.gz"
    assert gzip.decompress(file.content) == b'{"n":0}\n{"n":1}\n{"n":2}\n'
    assert file.records == 3


def test_it_is_due_by_age_or_by_size() -> None:
    batch = Batch("pod", 1, NOON)
    batch.add(["x" * (LARGEST - 2)])
    assert not batch.is_due(NOON + OLDEST - 0.1)
    assert batch.is_due(NOON + OLDEST)
    batch.add("")
    assert batch.is_due(NOON)


def test_a_line_that_cannot_be_made_leaves_nothing_behind() -> None:
    def half() -> Iterator[str]:
        yield '{"n":'
        raise ValueError("no more of it")

    batch = Batch("pod", 1, NOON)
    batch.add(["1"])
    with pytest.raises(ValueError, match="no more"):
        batch.add(half())
    batch.add(["2"])
    file = batch.close()
    assert (gzip.decompress(file.content), file.records) == (b"1\n2\n", 2)
