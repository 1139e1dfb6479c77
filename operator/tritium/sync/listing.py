"""What a source holds: its files, and the fingerprint that tells one state of it from another."""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tritium.api.fetch import Origin

Piece = bytes | memoryview
"""Bytes of a file, as they come."""

MAX_FILES: Final = 10_000
"""A model with more files is a mistake in the URI, and listing a whole bucket would only find it late."""


class Archive(StrEnum):
    """A kind of file that holds a model's files."""

    TAR = ".tar"
    TAR_GZIP = ".tar.gz"
    ZIP = ".zip"


_ENDINGS: Final = {"tar": Archive.TAR, "tar.gz": Archive.TAR_GZIP, "tgz": Archive.TAR_GZIP, "zip": Archive.ZIP}


def archive_of(name: str) -> Archive | None:
    """The kind of archive that a name ends with.

    >>> archive_of("fraud-7.tar.gz").value, archive_of("model.onnx")
    ('.tar.gz', None)
    """
    return next((kind for ending, kind in _ENDINGS.items() if name.lower().endswith(f".{ending}")), None)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file at its source.

    Attributes:
        path: relative to the source, with `/`.
        size: bytes.
        version: its version id, ETag or modification time, whichever the source has: another one, another file.
        key: how the source itself names it.
        sha256: of its bytes, where the source says it.
        blob: the name that git has for its bytes, a sha1, where the source says that instead.
        archive: it is one, and the model's files are in it.
        inside: the folder in there that they lie in; nothing else of it is taken.
    """

    path: str
    size: int
    version: str
    key: str
    sha256: str | None = None
    blob: str | None = None
    archive: Archive | None = None
    inside: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """All files of a source.

    Attributes:
        origin: where a reference that can move led, if the source is named by one.
    """

    files: tuple[RemoteFile, ...]
    origin: Origin | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """Their paths, in the order of the listing."""
        return tuple(file.path for file in self.files)

    @property
    def packed(self) -> bool:
        """Whether the files of the model are only known once an archive is here."""
        return any(file.archive for file in self.files)

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
