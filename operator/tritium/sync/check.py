"""`python -m tritium.sync verify`: read all bytes that a cache keeps, and take away what is not what it was."""

import hashlib
import logging
import os
import re
from pathlib import Path
from typing import Final

from tritium.sync.cache import Cache
from tritium.sync.disk import take_up

log = logging.getLogger(__name__)

_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


def verify(cache: Cache) -> int:
    """Read everything. What was harmed is not used again; the next pod that needs it fetches it.

    Pods that have loaded it go on as they are.

    Args:
        cache: the volume; it may be in use.

    Returns:
        How many files were harmed.
    """
    files = harmed = 0
    for blob in sorted((cache.home / "blobs").glob("*/*")):
        files += 1
        if harm := _harm(blob):
            harmed += 1
            log.error("%s %s; it is removed, and fetched again when it is needed", blob.name, harm)
            _take_away(blob)
    log.info("%d files were read, %d of them harmed", files, harmed)
    return harmed


def _harm(blob: Path) -> str | None:
    """What is wrong with a file, in words."""
    sha256 = hashlib.sha256()
    try:
        take_up(blob, sha256)
    except FileNotFoundError:
        return None  # removed meanwhile
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None if _DIGEST.fullmatch(blob.name) and sha256.hexdigest() == blob.name else "is not what its name says"


def _take_away(blob: Path) -> None:
    try:
        # Its other names are in trees. By its time they show that it is not to be used.
        os.utime(blob, follow_symlinks=False)
        blob.unlink()
    except OSError as error:
        log.error("%s cannot be removed (%s): do it by hand, and check the volume", blob, error.strerror)  # noqa: TRY400
