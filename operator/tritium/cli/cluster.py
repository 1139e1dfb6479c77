"""The edge of the command: a client of the cluster, and the objects that commands read."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import typer

import tritium
from tritium.api import names
from tritium.cli.complaints import Complaint, no_such, of_api
from tritium.cli.facts.words import printable
from tritium.kube.errors import ApiError, NoAccess
from tritium.kube.kinds import CONTROLLER_REVISIONS, MODEL_DEPLOYMENTS

if TYPE_CHECKING:
    from kubernetes.aio.client import Configuration

    from tritium.kube.client import Client

Object = dict[str, Any]
T = TypeVar("T")

MANAGER: Final = "tritium-cli"
"""Who writes, in the record that the API server keeps: a person with this command, not the operator."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster, and the namespace that the command is about."""

    client: "Client"
    namespace: str

    async def model(self, name: str) -> Object:
        """One ModelDeployment.

        Raises:
            Complaint: there is none of that name; it lists those that are there.
        """
        found = await self.client.get(MODEL_DEPLOYMENTS, self.namespace, name)
        if found is not None:
            return found
        there: list[Object] = []
        with suppress(ApiError):  # whoever may not list is told less
            there = await self.models()
        raise no_such(name, self.namespace, [each["metadata"]["name"] for each in there])

    async def models(self, *, everywhere: bool = False) -> list[Object]:
        """All ModelDeployments of the namespace, or of the cluster."""
        return (await self.client.list(MODEL_DEPLOYMENTS, None if everywhere else self.namespace))[0]

    async def revisions(self, model: Object) -> list[Object]:
        """The ControllerRevisions of a ModelDeployment: of this very one, not of one before with the same name."""
        name, uid = model["metadata"]["name"], model["metadata"]["uid"]
        selector = f"{names.OWNER}={name}"
        found, _ = await self.client.list(CONTROLLER_REVISIONS, self.namespace, label_selector=selector)
        return [each for each in found if any(uid == owner["uid"] for owner in _owners(each))]

    async def edit(self, name: str, patch: Object) -> Object:
        """Change a ModelDeployment as a person does; what is stored now."""
        return await self.client.merge(MODEL_DEPLOYMENTS, self.namespace, name, patch, manager=MANAGER)


def run(
    context: str | None, namespace: str | None, work: Callable[[Cluster], Awaitable[T]], *, deadline: float = 15.0
) -> T:
    """Do the work of a command on a cluster; what goes wrong is one line, and exit code 1."""

    async def connected() -> T:
        async with connect(context, namespace, deadline) as cluster:
            return await work(cluster)

    try:
        return asyncio.run(connected())
    except (Complaint, NoAccess) as complaint:
        _end(complaint)
    except ApiError as error:
        _end(of_api(error))


def _end(complaint: Exception) -> NoReturn:
    typer.echo(f"tritium: {' '.join(printable(str(complaint)).split())}", err=True)
    raise typer.Exit(1) from complaint


@asynccontextmanager
async def connect(context: str | None, namespace: str | None, deadline: float) -> AsyncIterator[Cluster]:
    """A cluster, for as long as the work with it takes; `deadline` is in seconds, of each request."""
    # The client's library is most of what this command imports, and many of its commands need no cluster.
    from tritium.kube import access  # noqa: PLC0415
    from tritium.kube.client import Client  # noqa: PLC0415

    usual = "default"

    async def load(configuration: "Configuration") -> None:
        nonlocal usual
        usual = await access.of_a_person(configuration, context)

    agent = f"tritium-cli/{tritium.__version__}"
    async with Client(load, user_agent=agent, deadline=deadline) as client:
        yield Cluster(client, namespace or usual)


def _owners(obj: Object) -> list[Object]:
    return obj["metadata"].get("ownerReferences") or []
