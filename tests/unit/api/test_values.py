"""Text with a pattern says its sentence in pydantic too, where no server is at hand."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from tritium.api.source import Uri
from tritium.api.values import Digest, Duration, Label, Limit


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Duration, "500ms"),
        (Duration, "1h30m"),
        (Limit, "0h30m"),
        (Limit, "005ms"),
        (Digest, "sha256:" + "0" * 64),
        (Label, "control-1"),
        (Uri, "s3://models/fraud/7"),
        (Uri, "hf://org/model"),
    ],
)
def test_good_text_passes_unchanged(kind: type[str], text: str) -> None:
    assert TypeAdapter(kind).validate_python(text) == text


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        (Duration, "10", "must be a duration such as 500ms"),
        (Duration, "10m\n", "must be a duration such as 500ms"),
        (Duration, "1s" * 17, "at most 32 characters"),
        (Limit, "0s0m", "must be a duration above zero"),
        (Digest, "sha256:" + "0" * 63, "64 lower-case hexadecimal digits"),
        (Uri, "s3://user@models/fraud", "without user, query or fragment"),
    ],
)
def test_bad_text_is_refused_with_a_sentence(kind: type[str], text: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        TypeAdapter(kind).validate_python(text)
