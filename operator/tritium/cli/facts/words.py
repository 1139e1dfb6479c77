"""Times, shares and digests as people read them."""

from datetime import datetime
from typing import Any

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"))


def span(then: datetime | None, now: datetime) -> str:
    """How long ago, as kubectl shows it: the largest unit, and the next where it still matters.

    >>> at = datetime.fromisoformat
    >>> [span(at("2026-01-01T00:00:00Z"), at(f"2026-01-{now}Z"))
    ...  for now in ("01T00:00:42", "01T00:04:10", "01T00:40:01", "01T03:12:00", "20T01:00:00")]
    ['42s', '4m10s', '40m', '3h12m', '19d']
    >>> span(None, at("2026-01-01T00:00:00Z"))
    '?'
    """
    if then is None:
        return "?"
    seconds = max(0, int((now - then).total_seconds()))
    for (size, unit), (smaller, below) in zip(_UNITS, (*_UNITS[1:], (1, "s")), strict=True):
        if seconds >= size:
            rest = seconds % size // smaller
            return f"{seconds // size}{unit}" + (f"{rest}{below}" if rest and seconds < 10 * size else "")
    return f"{seconds}s"


def share(value: float | None) -> str:
    """A share as percent, with the digits that it takes to see it.

    >>> share(0.0), share(0.011), share(0.5), share(0.0004), share(1.0), share(None)
    ('0 %', '1.1 %', '50 %', '0.04 %', '100 %', '-')
    """
    return "-" if value is None else f"{value * 100:.2g} %" if value < 0.995 else "100 %"


def brief(digest: str | None) -> str:
    """As much of a digest as tells it from others.

    >>> brief("sha256:" + "ab" * 32), brief(None)
    ('sha256:abababababab', '')
    """
    return digest[:19] if digest else ""


def printable(value: Any) -> Any:
    r"""The same without what a terminal takes for a command: messages come from pods, and pods print what they like.

    >>> printable({"message": "bad\x1b[2J\nmodel", "at": [1, None]})
    {'message': 'bad [2J model', 'at': [1, None]}
    """
    if isinstance(value, str):
        return value if value.isprintable() else "".join(each if each.isprintable() else " " for each in value)
    if isinstance(value, dict):
        return {name: printable(each) for name, each in value.items()}
    return [printable(each) for each in value] if isinstance(value, list) else value


def moment(at: datetime) -> str:
    """A time that people can look for in a log.

    >>> moment(datetime.fromisoformat("2026-01-01T10:20:30Z"))
    '2026-01-01 10:20 UTC'
    """
    return f"{at:%Y-%m-%d %H:%M} UTC"
