"""What is secret stays so, whoever says it: a server may quote a key, and a library's error an address with one.

Messages are written without secrets. This is for what they quote, and for what nobody thought of: everything that fetch
says, in its log and in its answer, passes here.
"""

import base64
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, quote_plus

from tritium.sync import credentials as identity

STARS: Final = "***"

_PUBLIC: Final = frozenset(
    {identity.CA_KEY, identity.ACCESS_KEY, identity.ENDPOINT_KEY, identity.ACCOUNT_NAME, *identity.REGION_KEYS}
    | {identity.TRACKING_USERNAME}
)
"""Keys of a Secret whose values say who or where, and prove nothing."""

_SHORTEST: Final = 6
"""Characters. What is shorter is a word that texts have anyway, and protects nothing."""

_SECRET_MEMBER: Final = re.compile("key|secret|token|password|auth", re.IGNORECASE)
_PROOF: Final = re.compile(
    r"\b(bearer|basic|sharedkey)\s+[^\s\"'<>]{16,}|\b(sig|signature|x-amz-[a-z-]+|x-goog-[a-z-]+)=[^&\s\"'<>]+",
    re.IGNORECASE,
)
"""What stands in a request to prove who asks, whether or not it is made from a Secret."""


class Discretion:
    """Takes secrets out of texts.

    Args:
        values: of a Secret, by key.

    >>> Discretion({"AWS_SECRET_ACCESS_KEY": "wJalr/XUtn"})("the key wJalr/XUtn, in a URL wJalr%2FXUtn")
    'the key ***, in a URL ***'
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        parts = {part for key, value in values.items() if key not in _PUBLIC for part in _parts(value)}
        pairs = {f"{user}:{part}" for user in values.values() for part in parts if len(user) <= 256}
        forms = {form for each in parts | pairs if len(each) >= _SHORTEST for form in _forms(each)}
        # The longest first: one secret may be a part of another.
        found = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
        self._pattern = re.compile(found) if found else None

    @classmethod
    def of(cls, folder: Path) -> "Discretion":
        """For the mounted Secret, with all keys that it has."""
        files = [each for each in folder.iterdir() if each.is_file()] if folder.is_dir() else []
        return cls({each.name: each.read_text(errors="replace").strip() for each in files})

    def __call__(self, text: str) -> str:
        """The text, with stars in the place of secrets."""
        known = self._pattern.sub(STARS, text) if self._pattern else text
        return _PROOF.sub(lambda found: f"{found[1] or found[2]}{' ' if found[1] else '='}{STARS}", known)


class DiscreetFormatter(logging.Formatter):
    """Lines of a log, tracebacks among them, without secrets."""

    def __init__(self, discretion: Discretion) -> None:
        super().__init__("%(message)s")
        self._discretion = discretion

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return self._discretion(super().format(record))


def names_secret(name: str) -> bool:
    """Whether what has this name, such as a header or a member of a JSON file, is most likely a secret.

    >>> names_secret("x-auth-token"), names_secret("content-type")
    (True, False)
    """
    return _SECRET_MEMBER.search(name) is not None


def _parts(value: str) -> Iterator[str]:
    """A value, and what in it is secret by itself: lines of a key, members of a JSON file, the signature of a token."""
    yield value
    try:
        members = _members(json.loads(value))
    except ValueError:
        members = iter(())
    for text in (value, *members):
        if text is not value:
            yield text
        yield from (line for line in text.splitlines() if len(line) >= 16 and not line.startswith("-----"))
    yield from (said for name, said in parse_qsl(value.removeprefix("?")) if name == "sig")


def _members(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        for name, member in found.items():
            if isinstance(member, str) and names_secret(name):
                yield member
            else:
                yield from _members(member)


def _forms(part: str) -> Iterable[str]:
    """How a text may be written elsewhere."""
    quoted = [quote(part, safe=""), quote(part), quote_plus(part)]
    lower = [re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), each) for each in quoted]
    encoded = base64.b64encode(part.encode()).decode()
    return {part, *quoted, *lower, encoded, encoded.rstrip("="), json.dumps(part)[1:-1], repr(part)[1:-1]}
