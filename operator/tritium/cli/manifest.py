"""`tritium digest`: the digest of a model's files on disk."""

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

from tritium.core.manifest import FileEntry


class NotAFile(ValueError):
    """Something in the folder that is neither a file nor a folder: a model has no links and no devices."""


def files(root: Path) -> Iterator[FileEntry]:
    """The files below a folder, hashed one chunk at a time.

    Raises:
        NotAFile: at the first link, device or socket.
    """
    for path in sorted(root.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        if not stat.S_ISREG(mode):
            raise NotAFile(f"{path} is not a regular file; a model's folder holds files and folders only")
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        yield FileEntry(path.relative_to(root).as_posix(), path.stat().st_size, sha256)
