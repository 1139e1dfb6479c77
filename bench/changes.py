"""The changes that `bench.many` makes: what is written, and what an answer has then that none had before."""

from dataclasses import dataclass
from typing import Final, Protocol

from bench.following import Ground
from bench.upstream import WHO
from tests.controlplane.gateway.relay import address
from tritium.gateway.snapshot.actions import REVISION_HEADER

WHOLE: Final = 10_000
REVISIONS: Final = (1, 2)


@dataclass(slots=True)
class Served:
    """One ModelDeployment.

    Attributes:
        leads: the revision that gets all requests.
        version: of its traffic.
    """

    name: str
    port: int
    leads: int = 1
    version: int = 1

    @property
    def service(self) -> str:
        """That of the revision that leads."""
        return f"{self.name}-{self.leads}"


class Change(Protocol):
    """A kind of change."""

    def wanted(self, model: Served) -> dict[str, str]:
        """What an answer has after it, that none has before."""

    async def write(self, here: Ground, model: Served) -> None:
        """Carry it out."""


class Weights:
    """All requests go to the other revision."""

    def wanted(self, model: Served) -> dict[str, str]:
        """Its revision."""
        return {REVISION_HEADER: str(3 - model.leads)}

    async def write(self, here: Ground, model: Served) -> None:
        """New traffic."""
        model.leads, model.version = 3 - model.leads, model.version + 1
        await tell(here, model)


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod is there, in an EndpointSlice of its own: in the place of the one that was in it, if there was one."""

    slice: str
    port: int

    def wanted(self, _: Served) -> dict[str, str]:
        """The pod's port."""
        return {WHO: str(self.port)}

    async def write(self, here: Ground, model: Served) -> None:
        """The slice."""
        await put_slice(here, model.service, self.slice, self.port)


async def tell(here: Ground, model: Served) -> None:
    """Write its traffic."""
    weights = [(number, WHOLE * (number == model.leads)) for number in REVISIONS]
    await here.serving.tell(model.version, model.port, *weights, name=model.name)


async def put_slice(here: Ground, service: str, name: str, port: int) -> None:
    """Write an EndpointSlice with the pod that answers on this port."""
    await here.serving.endpoints(service, [address()], ports=(port, port), name=name)
