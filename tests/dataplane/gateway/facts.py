"""Facts as an agent takes them from the API server, for tests that have none."""

from typing import Any

from tritium.api.traffic_status import TrafficStatus
from tritium.gateway.facts import Facts, ModelFacts, SliceFacts
from tritium.gateway.table import Endpoint

CREATED = "2026-01-01T00:00:00Z"


def model(name: str = "fraud", uid: str = "u1", created: str = CREATED, **traffic: Any) -> ModelFacts:
    """A ModelDeployment; its traffic as it stands in the status."""
    return ModelFacts(name, uid, created, TrafficStatus.model_validate(traffic) if traffic else None)


def revision(number: int, weight: int = 10_000, *, name: str = "fraud") -> dict[str, Any]:
    """A revision of `status.traffic`; its Service is `<name>-<number>`."""
    return {"revision": number, "service": f"{name}-{number}", "weight": weight}


def slice_of(service: str, *endpoints: Endpoint) -> SliceFacts:
    """The one EndpointSlice of a Service."""
    return SliceFacts(f"{service}-x", f"uid-{service}", service, endpoints)


def facts(models: list[ModelFacts], slices: list[SliceFacts]) -> Facts:
    """All of them."""
    return Facts({each.name: each for each in models}, {each.name: each for each in slices})
