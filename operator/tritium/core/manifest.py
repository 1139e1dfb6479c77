"""The manifest of a model: one line for each file, and the digest over them.

The digest names the bytes of a model wherever they lie: `spec.model.source.digest` pins it, the first fetch of a
revision writes it down, and every later one must give the same.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a model.

    Attributes:
        path: relative to the model's root, with `/`, without `.` and `..`.
        size: bytes.
        sha256: 64 hexadecimal digits over the bytes.
    """

    path: str
    size: int
    sha256: str

    def line(self) -> str:
        """The file's line in the manifest, without the line's end."""
        return f"{self.sha256} {self.size} {self.path}"


def digest(files: Iterable[FileEntry]) -> str:
    r"""The digest over the sorted lines, each ended by `\n`.

    The order in which files were found has no influence:

    >>> weights, config = FileEntry("1/model.onnx", 3, "aa" * 32), FileEntry("config.pbtxt", 5, "bb" * 32)
    >>> digest([weights, config]) == digest([config, weights])
    True
    >>> digest([weights]) == digest([config])
    False
    """
    lines = sorted(entry.line().encode() for entry in files)
    return "sha256:" + hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()
