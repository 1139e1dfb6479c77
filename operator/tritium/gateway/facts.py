"""What the agent takes from the API server, and keeps on its disk.

Of a ModelDeployment that is its identity and `status.traffic`, of an EndpointSlice whose endpoints it has and which of
them take requests. Everything else of an object is forgotten at once: objects are large, and there are many.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any, Final

from pydantic import ValidationError

from tritium.api.traffic_status import TrafficStatus
from tritium.gateway.table import Endpoint

SERVICE: Final = "kubernetes.io/service-name"
"""On an EndpointSlice: the Service whose endpoints it has."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One ModelDeployment.

    Attributes:
        created: its creationTimestamp as the API server writes it, which sorts by time.
        traffic: None where there is none, or none that can be understood.
        trouble: why it cannot be understood.
    """

    name: str
    uid: str
    created: str
    traffic: TrafficStatus | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class SliceFacts:
    """One EndpointSlice.

    Attributes:
        service: the Service whose endpoints it has.
        endpoints: those that take requests.
        leaving: addresses of pods that are about to end, whatever another slice says of them.
    """

    name: str
    uid: str
    service: str
    endpoints: tuple[Endpoint, ...] = ()
    leaving: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is known, by the names of the objects."""

    models: Mapping[str, ModelFacts] = field(default_factory=dict)
    slices: Mapping[str, SliceFacts] = field(default_factory=dict)


def model_facts(obj: Mapping[str, Any]) -> ModelFacts:
    """What counts of a ModelDeployment.

    >>> metadata = {"name": "fraud", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}
    >>> model_facts({"metadata": metadata, "status": {"traffic": {"version": 3}}}).trouble
    'it has no port'
    """
    metadata = obj["metadata"]
    facts = ModelFacts(metadata["name"], metadata["uid"], metadata.get("creationTimestamp") or "")
    told = (obj.get("status") or {}).get("traffic")
    if told is None:
        return facts
    try:
        traffic = TrafficStatus.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        return replace(facts, trouble=f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    trouble = _contradiction(traffic)
    return replace(facts, trouble=trouble) if trouble else replace(facts, traffic=traffic)


def kept(known: ModelFacts | None, seen: ModelFacts) -> ModelFacts:
    """What is known of a ModelDeployment after it was seen: the last traffic stays until there is another one.

    A status that is lost, or that only a newer agent understands, says nothing about where requests should go. An
    object of the same name with another uid is another one.

    >>> before = ModelFacts("fraud", "u1", "", TrafficStatus(version=3, port=10_000))
    >>> kept(before, ModelFacts("fraud", "u1", "")).traffic.version
    3
    >>> kept(before, ModelFacts("fraud", "u2", "")).traffic is None
    True
    """
    if seen.traffic is None and known is not None and known.uid == seen.uid:
        return replace(seen, traffic=known.traffic)
    return seen


def slice_facts(obj: Mapping[str, Any]) -> SliceFacts | None:
    """What counts of an EndpointSlice; None for one that is of no Service, or holds no IP addresses."""
    metadata = obj["metadata"]
    service = (metadata.get("labels") or {}).get(SERVICE)
    if not service or obj.get("addressType") not in {"IPv4", "IPv6"}:
        return None
    ports = {each.get("name"): each.get("port") for each in obj.get("ports") or ()}
    told = list(_addresses(obj))
    http, grpc = ports.get("http") or 0, ports.get("grpc") or 0
    ready = [address for address, takes, leaves in told if takes and not leaves] if http and grpc else []
    leaving = frozenset(address for address, _, leaves in told if leaves)
    return SliceFacts(
        metadata["name"], metadata["uid"], service, tuple(Endpoint(each, http, grpc) for each in ready), leaving
    )


def _addresses(obj: Mapping[str, Any]) -> Iterator[tuple[str, bool, bool]]:
    """(address, takes requests, is about to end) of each endpoint; not said means ready, and not terminating."""
    for each in obj.get("endpoints") or ():
        conditions = each.get("conditions") or {}
        for address in (each.get("addresses") or ())[:1]:  # further ones have no meaning
            try:
                canonical = str(ip_address(address))
            except ValueError:
                continue
            yield canonical, conditions.get("ready") is not False, conditions.get("terminating") is True


def _contradiction(traffic: TrafficStatus) -> str:
    """Why a status cannot be meant so; empty if it can."""
    if traffic.port is None:
        return "it has no port"
    twice = [
        number for number, times in Counter(each.revision for each in traffic.revisions or ()).items() if times > 1
    ]
    return f"revision {twice[0]} is in it twice" if twice else ""
