"""Kubernetes Events of a ModelDeployment: what `kubectl describe` shows beneath it. Never more than a help."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from tritium.api import names
from tritium.kube.client import Client
from tritium.kube.errors import ApiError
from tritium.kube.kinds import EVENTS

log = logging.getLogger(__name__)

_QUIET: Final = 600.0
"""Seconds in which the same warning is not given again."""
_MOST: Final = 4_096
"""Warnings kept in mind; beyond that the oldest may be given again."""
_LONGEST: Final = 1_024
"""Characters of a message."""

Said = tuple[str, str, str]


class Recorder:
    """Writes Events, and keeps the warnings of the last minutes in mind."""

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._said: dict[Said, float] = {}

    async def record(
        self,
        obj: Mapping[str, Any],
        type: Literal["Normal", "Warning"],  # noqa: A002  # its name in an Event
        reason: str,
        message: str,
    ) -> None:
        """Post an Event about an object.

        A warning that was posted a short while ago is not repeated: trouble comes and goes. What went well is told
        each time, or of two rollouts to and fro only the first would be seen.

        It never fails: an Event that cannot be written is a line in the log.
        """
        metadata = obj["metadata"]
        said = (metadata["uid"], reason, message)
        if type == "Warning" and self._is_repeated(said):
            return
        try:
            await self._client.create(EVENTS, metadata["namespace"], _event(obj, type, reason, message))
        except ApiError as error:
            self._said.pop(said, None)
            log.warning("an Event was not written: %s", error)

    def _is_repeated(self, said: Said) -> bool:
        """Whether it was said a short while ago; if not, it is now."""
        now = self._clock()
        if now - self._said.get(said, -_QUIET) < _QUIET:
            return True
        self._said.pop(said, None)
        self._said[said] = now  # newest last
        while len(self._said) > _MOST:
            del self._said[next(iter(self._said))]
        return False


def _event(obj: Mapping[str, Any], type_: str, reason: str, message: str) -> dict[str, Any]:
    metadata = obj["metadata"]
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"namespace": metadata["namespace"], "generateName": f"{metadata['name']}."},
        "involvedObject": {
            "apiVersion": obj["apiVersion"],
            "kind": obj["kind"],
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "resourceVersion": metadata.get("resourceVersion", ""),
        },
        "type": type_,
        "reason": reason,
        "message": message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…",
        "source": {"component": names.FIELD_MANAGER},
        "reportingComponent": names.FIELD_MANAGER,
        "reportingInstance": "",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
