"""What is on the disk: nothing, or a whole verified model.

A model is put together in `.incoming/model` and becomes `ready` by one rename, after every file and folder was synced.
So whoever sees `ready` sees all of it, whatever happened in between. It holds:

    manifest       the lines whose sha256 is the model's digest
    identity       the fingerprint of the listing it was fetched from, and that digest
    repository/    Triton's model repository
    added          which of the files there are not as at the source, if any: for which wish, and their sizes then

An attempt that was killed is taken up by the next one, if both want the same: `.incoming/attempt` says what, and since
which start of the machine. What a process wrote is there after its end, but not after the machine's: then a file may
have its length and not its bytes, and where no digest is known nobody would notice. So that is fetched anew.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tritium.api.fetch import FetchRequest, FetchResult
from tritium.core import manifest
from tritium.core.manifest import FileEntry
from tritium.sync import planning
from tritium.sync.mlflow.flavours import BESIDE, DESCRIPTION
from tritium.sync.overrides import says_something
from tritium.sync.places import Plan

_READY: Final = "ready"
_INCOMING: Final = ".incoming"
_DISCARDED: Final = ".discarded"
_MANIFEST: Final = "manifest"
_IDENTITY: Final = "identity"
_ADDED: Final = "added"
_MODEL: Final = "model"
_ATTEMPT: Final = "attempt"

_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)

BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
"""Another one after each start of the machine."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The volume that models are put on."""

    root: Path

    @property
    def repository(self) -> Path:
        """Triton's repository, as it is being put together."""
        return self._incoming / "repository"

    @property
    def published(self) -> Path:
        """Triton's repository, once it is ready."""
        return self.root / _READY / "repository"

    @property
    def whole(self) -> Path:
        """The model with its manifest, once it is ready."""
        return self.root / _READY

    @property
    def _incoming(self) -> Path:
        return self.root / _INCOMING / _MODEL

    def clear(self) -> None:
        """Remove what an attempt left behind."""
        # First what says that it can be taken up, for this may be cut short as well.
        (self.root / _INCOMING / _ATTEMPT).unlink(missing_ok=True)
        self._remove(_INCOMING, _DISCARDED)

    def discard(self) -> None:
        """Remove a model that is broken or not the one asked for: out of sight by one rename, then away."""
        self._remove(_DISCARDED)
        if (self.root / _READY).exists():
            (self.root / _READY).rename(self.root / _DISCARDED)
        self._remove(_DISCARDED)

    def take_up(self, attempt: str, sizes: Mapping[str, int]) -> int:
        """Keep of an attempt that was killed what the same attempt can go on with, and nothing else.

        Args:
            attempt: names what is fetched and what is made of it, in one line.
            sizes: bytes of each file of the source, by its path in the repository.

        Returns:
            Bytes that are there.
        """
        note, name = f"{attempt}\n{boot()}\n", self.root / _INCOMING / _ATTEMPT
        if not boot() or not name.exists() or name.read_text(encoding="utf-8") != note:
            self.clear()
            self._incoming.mkdir(parents=True)
            write(name, note)
            return 0
        for changed in self._changed():
            (self.repository / changed).unlink(missing_ok=True)
        held = 0
        for folder, _, files in os.walk(self._incoming):
            for path in (Path(folder) / file for file in files):
                target = path.relative_to(self.repository).as_posix() if self.repository in path.parents else ""
                if path.stat().st_size > sizes.get(target, -1):
                    path.unlink()
                else:
                    held += path.stat().st_size
        return held

    def _changed(self) -> set[str]:
        """What is no more as it was fetched; written before anything is changed, and so perhaps not to its end."""
        added = self._incoming / _ADDED
        lines = added.read_text(encoding="utf-8").splitlines()[1:] if added.exists() else []
        return {path for _, _, path in (line.partition(" ") for line in lines)}

    def _remove(self, *names: str) -> None:
        for name in names:
            if (self.root / name).exists():
                shutil.rmtree(self.root / name)

    def free(self) -> int:
        """Bytes that can be written."""
        room = os.statvfs(self.root)
        return room.f_bavail * room.f_frsize

    def prepare(self, plan: Plan) -> dict[str, Path]:
        """Make the folders and the generated files; return where each path of the source goes."""
        targets = {path: self.repository / target for path, target in plan.targets.items()}
        for folder in sorted({each.parent for each in targets.values()}):
            folder.mkdir(parents=True, exist_ok=True)
        for version in plan.versions:
            (self.repository / version).mkdir(exist_ok=True)
        for target, text in plan.generated.items():
            write(self.repository / target, text)
        return targets

    def change(self, request: FetchRequest, changes: Mapping[str, bytes]) -> None:
        """Write files of the model anew, or add files, by their names in its folder."""
        # First that they are changed: who takes this up must not hold them for the source's.
        lines = [asked(request), *(f"{len(content)} {request.model}/{name}" for name, content in changes.items())]
        write(self._incoming / _ADDED, "".join(f"{line}\n" for line in lines))
        for name, content in changes.items():
            path = self.repository / request.model / name
            path.parent.mkdir(exist_ok=True)
            # Another file in its place: this one may be a link to what others have, too.
            path.unlink(missing_ok=True)
            with path.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())

    def publish(self, entries: Sequence[FileEntry], fingerprint: str) -> None:
        """Sync everything, and make it visible at once."""
        incoming = self._incoming
        write(incoming / _MANIFEST, "".join(sorted(f"{entry.line()}\n" for entry in entries)))
        write(incoming / _IDENTITY, f"{fingerprint}\n{manifest.digest(entries)}\n")
        self._show()

    def _show(self) -> None:
        for folder, _, _ in os.walk(self._incoming, topdown=False):
            synced(Path(folder))
        self._incoming.rename(self.root / _READY)
        synced(self.root)
        self._remove(_INCOMING)

    def refer(self, tree: "Shelf", fingerprint: str, digest: str) -> None:
        """Make a model visible that lies elsewhere, on a volume that Triton mounts at the same place."""
        self.clear()
        self._incoming.mkdir(parents=True)
        for name in (_MANIFEST, _ADDED):
            if (tree.whole / name).exists():
                write(self._incoming / name, (tree.whole / name).read_text(encoding="utf-8"))
        write(self._incoming / _IDENTITY, f"{fingerprint}\n{digest}\n")
        self.repository.symlink_to(tree.published)
        self._show()

    def ready(
        self,
        request: FetchRequest,
        known: str | None,
        looks_right: Callable[[Path, FileEntry], bool] | None = None,
    ) -> FetchResult | None:
        """The model that is there already, if it is whole and the one that is asked for.

        Args:
            request: what is asked for.
            known: the digest that the model must have, if one is known; otherwise its fingerprint decides.
            looks_right: whether a file is as at the source, at a glance. Absent: whether it has its size.
        """
        glance = looks_right or _has_size
        try:
            fingerprint, digest = (self.root / _READY / _IDENTITY).read_text(encoding="utf-8").splitlines()
            entries = entries_of(self.whole)
            plan = self._planned(request, [entry.path for entry in entries])
            sizes = {path: len(made.encode()) for path, made in plan.generated.items()} | self._added(request)
            whole = all((self.published / path).stat().st_size == size for path, size in sizes.items())
            fetched = ((plan.targets[entry.path], entry) for entry in entries)
            whole = whole and all(glance(self.published / path, entry) for path, entry in fetched if path not in sizes)
            whole = whole and all((self.published / folder).is_dir() for folder in plan.versions)
        except (OSError, ValueError):
            return None
        same = digest == known if known else fingerprint == request.fingerprint
        if not whole or not same or digest != manifest.digest(entries):
            return None
        total = sum(entry.size for entry in entries)
        return FetchResult(fingerprint=fingerprint, files=len(entries), bytes=total, digest=digest)

    def _planned(self, request: FetchRequest, paths: Sequence[str]) -> Plan:
        """How these files were laid out."""
        if not planning.needs_description(request, paths):
            return planning.plan(request, paths)
        description = self.published / request.model / BESIDE / DESCRIPTION
        return planning.plan(request, paths, description.read_text(encoding="utf-8"))

    def _added(self, request: FetchRequest) -> dict[str, int]:
        """Sizes of the files that were changed, by their path in the repository.

        Raises:
            OSError, ValueError: what was changed is not what is asked for.
        """
        if not request.warmup and not says_something(request.config):
            return {}
        wish, *lines = (self.root / _READY / _ADDED).read_text(encoding="utf-8").splitlines()
        if wish != asked(request):
            raise ValueError(wish)
        return {path: int(size) for size, path in (line.split(" ", 1) for line in lines)}


def _has_size(path: Path, entry: FileEntry) -> bool:
    return path.stat().st_size == entry.size


def asked(request: FetchRequest) -> str:
    """Names what a request changes of the source's files."""
    written = request.model_dump_json(include={"warmup", "config"}, by_alias=True, exclude_none=True)
    return hashlib.sha256(written.encode()).hexdigest()


def entries_of(whole: Path) -> list[FileEntry]:
    """The files of a model, as its manifest has them; nothing where there is none that can be read."""
    try:
        return [read_entry(line) for line in (whole / _MANIFEST).read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return []


def boot() -> str:
    """Names the time since the machine was started; empty where that cannot be known."""
    try:
        return BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def read_entry(line: str) -> FileEntry:
    """A line of a manifest.

    Raises:
        ValueError: it is none.

    >>> read_entry("aa" * 32 + " 3 1/model.py").path
    '1/model.py'
    """
    sha256, size, path = line.split(" ", 2)
    if not _SHA256.fullmatch(sha256):
        raise ValueError(line)
    return FileEntry(path, int(size), sha256)


def write(path: Path, text: str) -> None:
    """Make a file, which is on the disk then.

    Raises:
        FileExistsError: it is there.
    """
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def synced(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
