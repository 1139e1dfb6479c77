"""The answer, as the operator reads it: JSON in the container's termination message."""

from pathlib import Path
from typing import Final

from tritium.api.fetch import FetchFailure, FetchResult
from tritium.api.follow import FollowResult
from tritium.sync.errors import Failed

LARGEST: Final = 4096
"""Bytes that a kubelet keeps of a termination message."""

_LONGEST: Final = 2048
"""Characters of a failure's message."""


def failed(failure: Failed) -> FetchResult:
    """The result of a fetch that did not work."""
    return FetchResult(failure=FetchFailure(reason=failure.reason, message=_plain(failure.message)[:_LONGEST]))


def render(result: FetchResult) -> str:
    """The result as JSON, shortened until it fits.

    >>> render(FetchResult(files=1, bytes=3))
    '{"files":1,"bytes":3}'
    """
    while len((text := _json(result)).encode()) > LARGEST:
        failure = result.failure
        if failure is None:  # counts and hashes are a few hundred bytes
            raise ValueError("a result without a message does not fit into a termination message")
        shorter = failure.model_copy(update={"message": failure.message[: len(failure.message) * 3 // 4 - 1] + "…"})
        result = result.model_copy(update={"failure": shorter})
    return text


def told(result: FollowResult) -> str:
    """The news as JSON, as many of them as fit: the others are told by the next Job.

    >>> from tritium.api.follow import FollowReport
    >>> told(FollowResult(reports=[FollowReport(name="fraud", written="sha256:w", before="sha256:a")]))
    '{"reports":[{"name":"fraud","written":"sha256:w","before":"sha256:a"}]}'
    """
    reports = list(result.reports)
    while len((text := _json(FollowResult(reports=reports))).encode()) > LARGEST:
        reports.pop()
    return text


def write(result: FetchResult, path: Path) -> None:
    """Hand the result over."""
    path.write_text(render(result), encoding="utf-8")


def _json(result: FetchResult | FollowResult) -> str:
    return result.model_dump_json(by_alias=True, exclude_none=True)


def _plain(message: str) -> str:
    """One line of printable text: what a store says ends up in terminals."""
    return " ".join("".join(each if each.isprintable() else " " for each in message).split())
