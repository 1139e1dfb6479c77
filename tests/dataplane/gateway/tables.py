"""Tables for tests: a ModelDeployment with pods that really run."""

from typing import Any

from tests.dataplane.triton import Triton
from tests.ports import HOST, free_ports
from tritium.gateway.table import Endpoint, Hold, Model, Share, Table


def pod(triton: Triton) -> Endpoint:
    """A Triton as an endpoint."""
    return Endpoint(HOST, triton._http, triton._grpc)


def nobody() -> Endpoint:
    """An endpoint at which nobody listens."""
    return Endpoint(HOST, *free_ports(2))


def shares(*weights: int) -> tuple[Share, ...]:
    """Revisions that share the traffic: of two, 2 and 1. Revision 1 has its pods in the Service `one`, and so on."""
    names = ("one", "two", "three")
    count = len(weights)
    return tuple(Share(count - place, names[count - place - 1], weight) for place, weight in enumerate(weights))


def holding(port: int, since: int, *, asleep: bool, ms: int = 60_000, **rest: Any) -> Model:
    """A ModelDeployment whose requests wait while no pod takes them."""
    return model(port, hold=Hold(asleep, since, ms), **rest)


def model(port: int, *split: Share, name: str = "fraud", triton: str = "adder", **rest: Any) -> Model:
    """A ModelDeployment; without a split everything goes to revision 1."""
    return Model(name, f"uid-{name}", 1, port, triton, split or shares(10_000), **rest)


def table(*models: Model, **pods: Endpoint | tuple[Endpoint, ...]) -> Table:
    """Some ModelDeployments, and the pods of their Services by its name."""
    endpoints = {
        service: (found,) if isinstance(found, Endpoint) else tuple(sorted(found)) for service, found in pods.items()
    }
    return Table({each.name: each for each in models}, endpoints)
