"""Makes what others say fit for a condition: short, and the same for as long as the trouble is the same.

A condition is written when it changes. A port, an id or a time that differs with each try would make every try a
write, so they are taken out.
"""

import re
from typing import Final

LONGEST: Final = 500
"""Characters of what somebody else said. It is the gist; the whole of it stands in a log."""

_UNSTEADY: Final = (
    # How a Go client wraps an error that came by gRPC.
    (r"rpc error: code = \w+ desc = ", ""),
    # Which port a client happened to have: `read udp 10.0.0.5:40718->10.0.0.10:53`.
    (r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\]):\d+->", ""),
    (r"(?i)[,;]?\s*\(?(?:aws\s+)?request[ _-]?id[:=]?\s*\"?[\w-]+\"?\)?", ""),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?", "…"),
    (r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", "…"),
    # The id of a container. The digest of an image or a model says its algorithm first, and is kept.
    (r"(?<!sha256:)\b[0-9a-f]{64}\b", "…"),
    (r"\b0x[0-9a-f]+\b", "0x…"),
    (r"\bback-off \d[\w.]* ", "back-off "),
)


def steady(text: str, limit: int = LONGEST) -> str:
    r"""One line without what differs from try to try, cut at a word.

    >>> steady("dial tcp: lookup r.example: read udp 10.0.0.5:40718->10.0.0.10:53: i/o timeout")
    'dial tcp: lookup r.example: read udp 10.0.0.10:53: i/o timeout'
    >>> steady("back-off 2m40s restarting\n  it"), steady("one two three", limit=9)
    ('back-off restarting it', 'one two…')
    """
    for pattern, instead in _UNSTEADY:
        text = re.sub(pattern, instead, text)
    return short(text, limit)


def short(text: str, limit: int = LONGEST) -> str:
    """One line, cut at a word."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    return (cut.rpartition(" ")[0] or cut) + "…"


def span(seconds: float) -> str:
    """A time as a spec has it.

    >>> span(5400), span(1800), span(7200), span(45)
    ('90m', '30m', '2h', '45s')
    """
    size, unit = next((each for each in ((3600, "h"), (60, "m")) if seconds and not seconds % each[0]), (1, "s"))
    return f"{seconds / size:g}{unit}"


def sentence(text: str) -> str:
    """Ends with a full stop, so that another sentence can follow.

    >>> sentence("not found"), sentence("Why?"), sentence("cut…")
    ('not found.', 'Why?', 'cut…')
    """
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
