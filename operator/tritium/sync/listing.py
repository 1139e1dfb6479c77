"""What a source holds: its files, and the fingerprint that tells one state of it from another."""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

MAX_FILES: Final = 10_000
"""A model with more files is a mistake in the URI, and listing a whole bucket would only find it late."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file at its source.

    Attributes:
        path: relative to the source, with `/`.
        size: bytes.
        version: its version id, ETag or modification time, whichever the source has: another one, another file.
        key: how the source itself names it.
    """

    path: str
    size: int
    version: str
    key: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All files of a source."""

    files: tuple[RemoteFile, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """Their paths, in the order of the listing."""
        return tuple(file.path for file in self.files)

    @property
    def bytes(self) -> int:
        """Their size together."""
        return sum(file.size for file in self.files)


def fingerprint(files: Iterable[RemoteFile]) -> str:
    """`sha256:…` over the sorted lines of path, size and version, each a JSON array.

    >>> one = RemoteFile("1/model.py", 3, "v1", "fraud/7/1/model.py")
    >>> fingerprint([one]) == fingerprint([RemoteFile("1/model.py", 3, "v2", "fraud/7/1/model.py")])
    False
    """
    lines = sorted(json.dumps([file.path, file.size, file.version]).encode() for file in files)
    return (
        "sha256:" + hashlib.sha256(b"tritium/fingerprint/v1\n" + b"".join(line + b"\n" for line in lines)).hexdigest()
    )


def folders(paths: Collection[str]) -> set[str]:
    """Every folder that the paths lie in.

    >>> sorted(folders(["1/a/b", "c"]))
    ['1', '1/a']
    """
    found: set[str] = set()
    for path in paths:
        end = path.rfind("/")
        while end > 0 and path[:end] not in found:
            found.add(path[:end])
            end = path.rfind("/", 0, end)
    return found
