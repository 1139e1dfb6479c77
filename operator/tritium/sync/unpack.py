"""A model that comes in archives: unpacked beside its place, and put there once all names are known.

Archives are downloaded as every other file is, in parts, and verified where the source says their sha256. What is
unpacked is hashed on the way, so that no byte of it is read again.
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tritium.api.fetch import FetchReason
from tritium.core.manifest import FileEntry
from tritium.sync.archives import PIECE, Member, Unusable, damaged, members
from tritium.sync.errors import Failed
from tritium.sync.listing import MAX_FILES, Listing, RemoteFile, folders
from tritium.sync.places import is_usable, some

log = logging.getLogger(__name__)

_BENCH: Final = ".packed"
_UNPACKED: Final = f"{_BENCH}/unpacked"
_ARCHIVES: Final = f"{_BENCH}/archives"


class Bench:
    """Where archives are unpacked: a folder in the repository, as long as that is being put together.

    Args:
        repository: Triton's.
        uri: of the source, for messages.
        free: says how many bytes can be written.
    """

    def __init__(self, repository: Path, uri: str, free: Callable[[], int]) -> None:
        self._repository = repository
        self._uri = uri
        self._free = free
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def targets(self, listing: Listing) -> dict[str, str]:
        """Where each file of the source goes, by its path in the repository.

        Raises:
            Failed: `ModelInvalid`, for a name that must not be.
        """
        return {
            file.path: f"{_ARCHIVES}/{number}" if file.archive else f"{_UNPACKED}/{self._demand_free(file.path)}"
            for number, file in enumerate(listing.files)
        }

    def prepare(self, listing: Listing) -> dict[str, Path]:
        """Make the folders; return where each file of the source goes."""
        places = {path: self._repository / target for path, target in self.targets(listing).items()}
        for folder in {each.parent for each in places.values()}:
            folder.mkdir(parents=True, exist_ok=True)
        return places

    def unpack(self, listing: Listing, arrived: Sequence[FileEntry]) -> list[FileEntry]:
        """Unpack all archives; return what all files are, those that came as they are among them.

        Raises:
            Failed: `ModelInvalid`, for an archive that is refused; `DiskFull`.
            OSError: a file could not be written.
        """
        packed = {file.path for file in listing.files if file.archive}
        entries = [entry for entry in arrived if entry.path not in packed]
        for number, file in enumerate(listing.files):
            if file.archive:
                log.info("Unpacking %s", file.path)
                entries += self._unpacked(file, self._repository / _ARCHIVES / str(number))
        if not entries:
            raise Failed(FetchReason.MODEL_INVALID, f"{self._uri} holds no files. Check what was packed")
        return entries

    def settle(self, targets: Mapping[str, Path]) -> None:
        """Move what was unpacked to where it belongs, and take the rest away."""
        for path, target in targets.items():
            (self._repository / _UNPACKED / path).rename(target)
        shutil.rmtree(self._repository / _BENCH)

    def _unpacked(self, file: RemoteFile, path: Path) -> list[FileEntry]:
        entries = []
        try:
            for member in members(path, file.archive, file.inside) if file.archive else ():
                if member.size > self._free():
                    raise Failed(
                        FetchReason.DISK_FULL,
                        f"{self._uri}: {member.name} of {file.path} needs {member.size} bytes, and the volume has less "
                        "room. Free some on the node's disk, or let the pod run on a node with a larger one",
                    )
                target = self._repository / _UNPACKED / self._demand_free(member.name)
                target.parent.mkdir(parents=True, exist_ok=True)
                entries.append(FileEntry(member.name, member.size, _write(target, member)))
        except Unusable as error:
            raise Failed(FetchReason.MODEL_INVALID, f"{self._uri}: the archive {file.path} {error}") from error
        return entries

    def _demand_free(self, name: str) -> str:
        """The name itself, if a file can have it.

        Raises:
            Failed: it leads elsewhere, or is taken.
        """
        around = folders([name])
        usable = is_usable(name) and name.partition("/")[0] != _BENCH
        if not usable or name in self._files | self._folders or around & self._files:
            why = "whose name is taken" if usable else "whose name cannot be used"
            raise Failed(FetchReason.MODEL_INVALID, f"{self._uri} holds {some([name])}, {why}; rename it")
        self._files.add(name)
        self._folders |= around
        if len(self._files) > MAX_FILES:
            what = f"{self._uri} holds more than {MAX_FILES} files; pack one model"
            raise Failed(FetchReason.MODEL_INVALID, what)
        return name


def _write(target: Path, member: Member) -> str:
    """Write a member; return its sha256.

    Raises:
        Unusable: it is damaged, or is not as long as it says.
        OSError: such as ENOSPC.
    """
    sha256, written = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123 - of a descriptor
        while piece := _piece(member):
            sha256.update(piece)
            file.write(piece)
            written += len(piece)
            if written > member.size:
                break
        os.fsync(descriptor)
    if written != member.size:
        raise Unusable(f"has the member {some([member.name])}, which is not as long as it says")
    return sha256.hexdigest()


def _piece(member: Member) -> bytes:
    with damaged():
        return member.content.read(PIECE)
