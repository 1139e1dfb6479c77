"""The answer, as the operator reads it: JSON in the container's termination message."""

from pathlib import Path
from typing import Final

from tritium.api.fetch import FetchFailure, FetchResult
from tritium.api.follow import FollowReport, FollowResult
from tritium.sync.discretion import Discretion
from tritium.sync.errors import Failed

LARGEST: Final = 4096
"""Bytes that a kubelet keeps of a termination message."""

_LONGEST: Final = 2048
"""Characters of a failure's message."""


def failed(failure: Failed, discretion: Discretion | None = None) -> FetchResult:
    """The result of a fetch that did not work, without secrets."""
    message = _plain(failure.message, discretion)[:_LONGEST]
    return FetchResult(failure=FetchFailure(reason=failure.reason, message=message))


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


def told(result: FollowResult, discretion: Discretion | None = None) -> str:
    """The news as JSON, without secrets, as many of them as fit: the others are told by the next Job.

    >>> from tritium.api.follow import FollowReport
    >>> told(FollowResult(reports=[FollowReport(name="fraud", written="sha256:w", before="sha256:a")]))
    '{"reports":[{"name":"fraud","written":"sha256:w","before":"sha256:a"}]}'
    """
    reports = [_discreet(each, discretion) for each in result.reports]
    while len((text := _json(FollowResult(reports=reports))).encode()) > LARGEST:
        reports.pop()
    return text


def write(result: FetchResult, path: Path) -> None:
    """Hand the result over."""
    path.write_text(render(result), encoding="utf-8")


def _json(result: FetchResult | FollowResult) -> str:
    return result.model_dump_json(by_alias=True, exclude_none=True)


def _discreet(report: FollowReport, discretion: Discretion | None) -> FollowReport:
    if report.failure is None:
        return report
    message = _plain(report.failure.message, discretion)
    return report.model_copy(update={"failure": report.failure.model_copy(update={"message": message})})


def _plain(message: str, discretion: Discretion | None) -> str:
    """One line of printable text: what a store says ends up in terminals."""
    message = discretion(message) if discretion else message
    return " ".join("".join(each if each.isprintable() else " " for each in message).split())
