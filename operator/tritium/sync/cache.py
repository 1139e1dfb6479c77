"""A volume that keeps models for all pods that mount it: each byte comes over the network once.

    tritium/v1/
      blobs/ab/<sha256>      every file that was fetched, by what it is
      manifests/<sha256>     a model's files: the lines whose sha256 is the model's digest, and the file's name
      listings/<sha256>      which digest a state of a source was found to have: what needs no network the next time
      trees/<sha256>/        a model as Triton has it, of hard links to blobs: `ready` is a symbolic link to the folder
                             beside it that is as `publish` has it
      uses/<tree>/<name>     which revisions use a tree, and since when not
      incoming/              what is being put together
      locks/                 who is at it

Whatever has a name here is whole, for it got it by one rename or link after all of it was synced. A blob's modification
time is made of its digest: who writes into one changes that, and it is not used again. So a look at sizes and times is
enough to use a model; `verify` reads the bytes.

The locks are the kernel's, so they end with their holder. Where a file system has none, pods only fetch more than once:
each has a place of its own, and what it writes becomes visible by names that are the same for the same bytes.
"""

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

from tritium.api.fetch import FetchReason
from tritium.core import manifest
from tritium.core.manifest import FileEntry
from tritium.sync.errors import Failed
from tritium.sync.publish import Shelf, boot, read_entry, synced, write

log = logging.getLogger(__name__)

_WITHOUT_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})
_WITHOUT_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV})
_LOOK: Final = 0.1
"""Seconds between two looks at a lock that somebody else has."""


@dataclass(frozen=True, slots=True)
class Cache:
    """The volume.

    Attributes:
        root: where the claim is mounted.
        claim: the claim's name, for messages.
    """

    root: Path
    claim: str

    @property
    def home(self) -> Path:
        """All that is the cache's."""
        return self.root / "tritium" / "v1"

    def open(self) -> None:
        """Make what is not there yet.

        Raises:
            Failed: `AccessModeUnsupported`, where nothing can be written.
        """
        try:
            for name in ("blobs", "manifests", "listings", "trees", "uses", "incoming", "locks"):
                (self.home / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno not in {errno.EROFS, errno.EACCES, errno.EPERM}:
                raise
            raise Failed(
                FetchReason.ACCESS_MODE_UNSUPPORTED,
                f"claim {self.claim} of model.cache cannot be written ({error.strerror}). It needs the access mode "
                "ReadWriteMany, or ReadWriteOnce where one node has all pods, and a volume that the group 1000 may "
                "write (fsGroup)",
            ) from error

    # ---- what is there ---------------------------------------------------------------------------------

    def digest_of(self, state: str) -> str | None:
        """The digest that a state of a source was found to have."""
        with contextlib.suppress(OSError, ValueError):
            return (self.home / "listings" / state).read_text(encoding="ascii").strip() or None
        return None

    def model(self, digest: str) -> list[FileEntry] | None:
        """The files of a model, if all of them are here and look as they did when they came."""
        with contextlib.suppress(OSError, ValueError):
            text = (self.home / "manifests" / digest.removeprefix("sha256:")).read_text(encoding="utf-8")
            entries = [read_entry(line) for line in text.splitlines()]
            if manifest.digest(entries) == digest and all(map(self._is_there, entries)):
                return entries
        return None

    def blob(self, sha256: str) -> Path:
        """Where a file is."""
        return self.home / "blobs" / sha256[:2] / sha256

    def _is_there(self, entry: FileEntry) -> bool:
        return looks_right(self.blob(entry.sha256), entry)

    # ---- what is put in --------------------------------------------------------------------------------

    @contextlib.contextmanager
    def incoming(self, state: str, *, alone: bool) -> Iterator[Shelf]:
        """Where a state of a source is put together; it is gone once that was kept.

        Args:
            state: of the source.
            alone: whether nobody else on this machine is at it (`turn`). Then every attempt there has the same
                place, and can go on after another. Else, and where machines cannot be told apart, it is one's own.
        """
        machine = hashlib.sha256(boot().encode()).hexdigest()[:16] if alone and boot() else ""
        shelf = Shelf(self.home / "incoming" / f"{state}-{machine or uuid.uuid4().hex}")
        shelf.root.mkdir(exist_ok=True)
        done = False
        try:
            yield shelf
            done = True
        finally:
            if done or not machine:
                shutil.rmtree(shelf.root)

    def take_in(self, entries: Iterable[FileEntry], files: Iterable[Path], state: str) -> None:
        """Keep verified files, which were synced, and then that they are this state of a source."""
        entries = list(entries)
        for entry, path in zip(entries, files, strict=True):
            blob = self.blob(entry.sha256)
            blob.parent.mkdir(exist_ok=True)
            os.utime(path, (_time(entry), _time(entry)))
            if not looks_right(blob, entry):
                # At once in the place of a harmed one: where there are no locks, others may be about to use it.
                new = self.home / "incoming" / uuid.uuid4().hex
                self._link(path, new)
                new.rename(blob)
        for folder in {self.blob(entry.sha256).parent for entry in entries}:
            synced(folder)
        synced(self.home / "blobs")
        digest = manifest.digest(entries)
        lines = "".join(sorted(f"{entry.line()}\n" for entry in entries))
        self._name(self.home / "manifests" / digest.removeprefix("sha256:"), lines)
        self._name(self.home / "listings" / state, f"{digest}\n")

    def link(self, entry: FileEntry, target: Path) -> None:
        """Put a file of the cache somewhere on the same volume, without its bytes."""
        if entry.size:
            self._link(self.blob(entry.sha256), target)
        else:  # there may be many empty files, and a file system has a bound on the names of one
            write(target, "")
            os.utime(target, (_time(entry), _time(entry)))

    def tree(self, name: str) -> Shelf:
        """Where a model is, as Triton has it."""
        return Shelf(self.home / "trees" / name)

    @contextlib.contextmanager
    def workbench(self, name: str) -> Iterator[Shelf]:
        """Where a tree is put together; what is ready there in the end is shown, in the place of a harmed one.

        Pods may be at the harmed one: its name leads to the new one from one moment to the next, without a gap, and
        what they have open stays until `room` takes it.
        """
        version = uuid.uuid4().hex
        bench = Shelf(self.home / "incoming" / f"tree-{version}")
        bench.root.mkdir()
        try:
            yield bench
            tree = self.tree(name)
            tree.root.mkdir(exist_ok=True)
            bench.whole.rename(tree.root / version)
            synced(tree.root)
            with contextlib.suppress(FileNotFoundError):
                os.utime(tree.whole)  # from now on it is not used
            link = bench.root / "link"
            link.symlink_to(version)
            link.rename(tree.whole)
            synced(tree.root)
            synced(tree.root.parent)
        finally:
            shutil.rmtree(bench.root)

    def used(self, tree: str, revision: str) -> None:
        """Note that a revision uses a tree now."""
        folder = self.home / "uses" / tree
        folder.mkdir(exist_ok=True)
        (folder / revision).touch()

    def _link(self, path: Path, target: Path) -> None:
        try:
            target.hardlink_to(path)
        except FileExistsError:
            pass  # somebody else was quicker, with the same
        except OSError as error:
            if error.errno == errno.EMLINK:
                raise Failed(
                    FetchReason.FETCH_FAILED, f"claim {self.claim} has no more links to {path.name}; use another one"
                ) from error
            if error.errno not in _WITHOUT_LINKS:
                raise
            raise Failed(
                FetchReason.FETCH_FAILED,
                f"claim {self.claim} of model.cache has a file system without hard links ({error.strerror}); "
                "use one of another StorageClass, or remove model.cache",
            ) from error

    def _name(self, path: Path, text: str) -> None:
        """Write a file as a whole or not at all."""
        new = self.home / "incoming" / uuid.uuid4().hex
        write(new, text)
        new.rename(path)
        synced(path.parent)

    # ---- who is at it ----------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def turn(self, state: str) -> AsyncIterator[bool]:
        """Be the only one that fetches this state of a source; whoever is killed gives its turn away.

        Yields:
            Whether that is so: not where the file system has no locks.
        """
        # A lock's file cannot be removed safely. So there is a fixed number of them.
        async with self._locked(turn_of(state), fcntl.LOCK_EX) as has:
            yield has is _Has.IT

    @contextlib.asynccontextmanager
    async def making(self, tree: str) -> AsyncIterator[None]:
        """Be the only one that puts this tree together; `turn` and `undisturbed` are had before, not while one is."""
        async with self._locked(f"tree-{tree[:3]}", fcntl.LOCK_EX):
            yield

    def is_idle(self, name: str) -> bool:
        """Whether nobody has this turn now."""
        descriptor = os.open(self.home / "locks" / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            return _have(descriptor, fcntl.LOCK_EX) is not _Has.SOMEBODY_ELSE
        finally:
            os.close(descriptor)

    @contextlib.asynccontextmanager
    async def undisturbed(self) -> AsyncIterator[None]:
        """What is there stays there."""
        async with self._locked("room", fcntl.LOCK_SH):
            yield

    @contextlib.asynccontextmanager
    async def clearing(self) -> AsyncIterator[None]:
        """Nobody counts on what is there; `undisturbed` waits."""
        async with self._locked("room", fcntl.LOCK_EX):
            yield

    @contextlib.asynccontextmanager
    async def _locked(self, name: str, kind: int) -> AsyncIterator["_Has"]:
        descriptor = os.open(self.home / "locks" / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            told = False
            while (has := _have(descriptor, kind)) is _Has.SOMEBODY_ELSE:
                if not told:
                    log.info("Another pod is at it on claim %s; waiting for it", self.claim)
                told = True
                await asyncio.sleep(_LOOK)
            yield has
        finally:
            os.close(descriptor)


def turn_of(state: str) -> str:
    """The name of the lock for a state of a source, or for what is put together of it."""
    return state[:3]


def looks_right(path: Path, entry: FileEntry) -> bool:
    """Whether a file has the size and the time that it got when it was verified."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return (found.st_size, found.st_mtime) == (entry.size, _time(entry))


def _time(entry: FileEntry) -> int:
    """The modification time, in seconds, of a file with this digest: nobody's clock shows it.

    >>> _time(FileEntry("a", 1, "0123456" + "0" * 57))
    1193046
    """
    return int(entry.sha256[:7], 16)


class _Has(Enum):
    """How it is with a lock."""

    IT = auto()
    SOMEBODY_ELSE = auto()
    NO_LOCKS = auto()


def _have(descriptor: int, kind: int) -> _Has:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return _Has.SOMEBODY_ELSE
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise
        return _Has.NO_LOCKS
    return _Has.IT
