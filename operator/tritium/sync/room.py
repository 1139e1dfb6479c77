"""Room in a cache: what no revision needs goes, the longest unused first, until there is enough.

Needed is what a kept revision uses, or any revision within the last hour: so long it may take until a new one is in the
list of those that are kept. Where there is no list, nothing goes.
"""

import os
import shutil
import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tritium.sync.cache import Cache, turn_of
from tritium.sync.publish import entries_of

LATELY: Final = 3600.0
"""Seconds within which whatever was touched stays."""


@dataclass(frozen=True, slots=True)
class Unused:
    """A tree that no kept revision uses.

    Attributes:
        last: when it was last used, in seconds since 1970.
        name: of the tree.
    """

    last: float
    name: str


def make_room(cache: Cache, kept: Collection[str], enough: Callable[[], bool]) -> None:
    """Remove what is not needed, until there is enough. Nobody may count on what is there, see `Cache.clearing`.

    Args:
        cache: the volume.
        kept: names of the revisions that are kept.
        enough: whether there is enough room.
    """
    _abandoned(cache)
    for each in unused(cache, kept):
        if enough():
            return
        _remove(cache, each.name)
    if not enough():
        _loose(cache)


def unused(cache: Cache, kept: Collection[str]) -> list[Unused]:
    """What may go, the longest unused first."""
    found = []
    for tree in (cache.home / "trees").iterdir():
        folder = cache.home / "uses" / tree.name
        uses = list(folder.iterdir()) if folder.is_dir() else []
        last = max((each.stat().st_mtime for each in uses), default=tree.stat().st_mtime)
        if not any(each.name in kept for each in uses) and _is_old(last):
            found.append(Unused(last, tree.name))
    return sorted(found, key=lambda each: (each.last, each.name))


def _remove(cache: Cache, name: str) -> None:
    """A tree, and what only it had of the files."""
    tree = cache.tree(name)
    blobs = [cache.blob(entry.sha256) for entry in entries_of(tree.whole)]
    gone = cache.home / "incoming" / f"tree-{uuid.uuid4().hex}"
    tree.root.rename(gone)
    shutil.rmtree(gone)
    shutil.rmtree(cache.home / "uses" / name, ignore_errors=True)
    for blob in blobs:
        if blob.exists() and _is_spare(blob.stat()):
            blob.unlink()


def _loose(cache: Cache) -> None:
    """Files that no tree has: what came with it was killed, or it was harmed."""
    for blob in (cache.home / "blobs").glob("*/*"):
        found = blob.stat()
        if _is_spare(found) and _is_old(found.st_ctime):
            blob.unlink()


def _is_spare(blob: os.stat_result) -> bool:
    """Whether no tree has it, and it takes room; an empty one is never linked (`Cache.link`)."""
    return blob.st_nlink == 1 and blob.st_size > 0


def _abandoned(cache: Cache) -> None:
    """What was being put together, by somebody who does so no more."""
    for each in (cache.home / "incoming").iterdir():
        idle = each.name.startswith("tree-") or cache.is_idle(turn_of(each.name))
        if idle and _is_old(_touched(each)):
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    for tree in (cache.home / "trees").iterdir():
        _replaced(tree)


def _replaced(tree: Path) -> None:
    """What a tree was before it was put together anew, and what somebody who was killed did not come to show."""
    shown = {each.readlink().name for each in tree.iterdir() if each.is_symlink()}
    for each in tree.iterdir():
        if not each.is_symlink() and each.name not in shown and _is_old(each.stat().st_mtime):
            shutil.rmtree(each)


def _touched(path: Path) -> float:
    """When something in there was last written."""
    return max(each.lstat().st_ctime for each in (path, *path.rglob("*")))


def _is_old(moment: float) -> bool:
    return moment < time.time() - LATELY
