"""What goes wrong in a fetch: a reason for programs, and a sentence for the person who reads it."""

import errno
from typing import Final

from tritium.api.fetch import FetchReason

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class Failed(Exception):
    """A source cannot be listed or fetched.

    Attributes:
        reason: why, in one word.
        message: which source, what happened, and what to do; without secrets, counters and times.
        transient: trying again may help, as after a torn connection.
    """

    def __init__(self, reason: FetchReason, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.transient = transient


def from_system(error: OSError) -> Failed:
    """What the operating system refused, most often room on the disk.

    >>> from_system(OSError(errno.ENOSPC, "No space left on device", "/models/.incoming/manifest")).reason.value
    'DiskFull'
    """
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in _NO_ROOM:
        return Failed(
            FetchReason.DISK_FULL,
            f"{where}{error.strerror}. The node's disk, the volume at /models or the cache has too little room; "
            "free some, or let the pod run on a node with a larger disk",
        )
    return Failed(FetchReason.FETCH_FAILED, f"{where}{error.strerror or error}")
