"""The operator's metrics, through the API server, for those who may read them: looked at again and again.

Only the process that leads knows of the models, and a Service leads to any of them: so it is asked until it is the one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tritium.cli.complaints import no_metrics
from tritium.cli.facts.exposition import Exposition, Model, exposition
from tritium.cli.facts.usage import Usage, usage
from tritium.kube.errors import ApiError

if TYPE_CHECKING:
    from tritium.kube.client import Client

SPAN: Final = 10.0
"""Seconds after which a second look says enough. Where nothing is scaled or judged, the operator counts every five."""
SHORTEST: Final = 6.0
"""In less it may not have counted at all."""
LONGEST: Final = 30.0
"""Seconds that are looked back by who looks again and again: with that a count more or less hardly shows."""

PORT: Final = 8080
_TRIES: Final = 10
"""Of two processes the one that leads is missed so often once in a thousand times."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted of models.

    Attributes:
        missing: why nothing is known; empty if something is.
        counting: what takes two looks is not known yet.
        silent: namespaces of which not everything is counted.
    """

    used: Mapping[Model, Usage] = field(default_factory=dict)
    missing: str = ""
    counting: bool = False
    silent: frozenset[str] = frozenset()


class Metrics:
    """See the module.

    Args:
        client: of the cluster.
        namespace, service: the operator's.
    """

    def __init__(self, client: "Client", namespace: str, service: str) -> None:
        self._client, self._namespace, self._service = client, namespace, service
        self._looks: list[tuple[float, Exposition]] = []
        """The newest last; one of them is older than `LONGEST`, if there is any."""

    async def look(self, clock: Callable[[], float]) -> Counted:
        """What was done since a look some seconds ago."""
        try:
            now = await self._leader()
        except ApiError as error:
            return Counted(missing=no_metrics(error, f"{self._service}:{PORT}"))
        except ValueError as error:
            return Counted(missing=f"what Service {self._namespace}/{self._service} says is no metrics: {error}")
        if now is None:
            return Counted(missing=f"none of the operators behind {self._namespace}/{self._service} leads")
        at = clock()
        self._looks.append((at, now))
        while len(self._looks) > 2 and at - self._looks[1][0] >= LONGEST:
            self._looks.pop(0)
        since, before = self._looks[0]
        if at - since < SHORTEST:
            return Counted(usage(None, now, SHORTEST), counting=True, silent=now.silent)
        return Counted(usage(before, now, at - since), silent=now.silent)

    async def _leader(self) -> Exposition | None:
        for _ in range(_TRIES):
            found = exposition(await self._client.read_service(self._namespace, self._service, PORT, "/metrics"))
            if found.leads:
                return found
        return None
