"""Whatever went wrong fits into a termination message."""

from __future__ import annotations

import pytest

from tritium.api.fetch import FetchReason, FetchResult
from tritium.sync.errors import Failed
from tritium.sync.report import LARGEST, failed, render


@pytest.mark.parametrize("text", ["short", "x" * 9000, "é" * 9000, "模" * 9000, '"' * 9000, "😀" * 9000])
def test_a_message_of_any_length_fits(text: str) -> None:
    rendered = render(failed(Failed(FetchReason.SOURCE_UNREACHABLE, text)))
    assert len(rendered.encode()) <= LARGEST
    failure = FetchResult.model_validate_json(rendered).failure
    assert failure is not None
    assert failure.message[:5] == text[:5]


def test_what_a_store_says_cannot_move_a_terminals_cursor() -> None:
    failure = failed(Failed(FetchReason.ACCESS_DENIED, "no\x1b[2J\n\tway")).failure
    assert failure is not None
    assert failure.message == "no [2J way"
