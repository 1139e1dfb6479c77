"""Keeps what was built, in folders named after a hash of everything it was built from.

A folder that exists is complete: it is made under another name and renamed at the end, by one process at a time.
So a run that was cut goes on where it stopped, nothing finished is made twice, and nothing stale is ever used.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from e2e.cluster import settings, steps

KEPT: Final = 3
"""Enough for going back and forth between two branches."""


def key(*inputs: str | Path) -> str:
    """Hash the inputs: text as it is, a file by its content, a folder by its files' names and contents.

    >>> key("a", "b") == key("ab")
    False
    """
    digest = hashlib.sha256()
    for entry in inputs:
        if isinstance(entry, str):
            _feed(digest, entry.encode())
            continue
        for path in sorted(entry.rglob("*")) if entry.is_dir() else [entry]:
            if path.is_file() and "__pycache__" not in path.parts:
                _feed(digest, str(path.relative_to(entry)).encode())
                _feed(digest, path.read_bytes())
    return digest.hexdigest()[:16]


def _feed(digest: "hashlib._Hash", data: bytes) -> None:
    # The length first, so that two neighbours cannot be cut apart in another place.
    digest.update(f"{len(data)}:".encode())
    digest.update(data)


def path(name: str, content: str) -> Path:
    """Where an artefact is, or will be."""
    return settings.cache() / "built" / f"{name}-{content}"


def artefact(name: str, content: str, build: Callable[[Path], None]) -> Path:
    """Return the artefact's folder; if there is none yet, have `build` fill it."""
    final = path(name, content)
    if used(final):
        return final
    with locked(name):
        if used(final):
            return final
        unfinished = final.with_name(f".{final.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        build(unfinished)
        unfinished.rename(final)
    return final


def used(folder: Path) -> bool:
    """Whether an artefact is there; if so, remember that it was asked for."""
    try:
        os.utime(folder)
    except FileNotFoundError:
        return False
    return True


def tidy() -> None:
    """Forget what a cut build left, and all but the last few artefacts of each name that were asked for."""
    shutil.rmtree(contexts(), ignore_errors=True)
    by_name: dict[str, list[Path]] = {}
    for folder in (settings.cache() / "built").glob("[!.]*"):
        by_name.setdefault(folder.name.rpartition("-")[0], []).append(folder)
    for folders in by_name.values():
        for old in sorted(folders, key=lambda folder: folder.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(old)


def contexts() -> Path:
    """The parent of the folders that images are built from, on one disk with what is linked into them."""
    return settings.cache() / "contexts"


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock of that name, which other processes respect; it ends with the process, however that ends."""
    lock = settings.cache() / "locks" / name
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            steps.say(f"another process is at work on {name}: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
