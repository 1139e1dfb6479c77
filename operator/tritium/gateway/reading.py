"""From facts to the table: defaults, and what happens where two ModelDeployments want the same. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tritium.api.gateway import AGENT_PORT, SHARED_PORT, preview_port
from tritium.api.traffic_status import LogTraffic, RevisionTraffic, TrafficLimits, TrafficStatus
from tritium.gateway.facts import Facts, ModelFacts, SliceFacts
from tritium.gateway.snapshot.names import preview_name
from tritium.gateway.table import Bounds, Copies, Endpoint, Header, Hold, Log, Model, Share, Table

TAKEN: Final = frozenset({AGENT_PORT, SHARED_PORT})
"""Ports that no ModelDeployment can have."""

MILLION: Final = 1_000_000

MOST: Final = 65_535
"""There is no port above it."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What of a ModelDeployment is not in the table, and why.

    Attributes:
        resource: as Envoy would call it, such as `Listener fraud`.
    """

    model: Model
    resource: str
    message: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What the facts mean."""

    table: Table
    left_out: tuple[LeftOut, ...] = ()


def read(facts: Facts) -> Reading:
    """The table that the facts ask for.

    Of two ModelDeployments with the same port the older one keeps it, and the other is left out; of two with the same
    host and path the other keeps its port.
    """
    models: dict[str, Model] = {}
    left_out: list[LeftOut] = []
    ports: dict[int, str] = {}
    places: dict[tuple[str, str], str] = {}
    for known in sorted(facts.models.values(), key=lambda each: (each.created, each.name)):
        if known.traffic is None or known.traffic.port is None:
            continue
        asked = model(known, known.traffic, known.traffic.port)
        if asked.port in TAKEN or asked.port in ports:
            left_out.append(LeftOut(asked, f"Listener {asked.name}", _port_taken(asked, ports.get(asked.port))))
            continue
        ports[asked.port] = asked.name
        first = places.setdefault((asked.host, asked.path), asked.name) if asked.host else asked.name
        if first != asked.name:
            message = f"{asked.host}{asked.path or '/'} leads to {first}, which is older"
            left_out.append(LeftOut(asked, "RouteConfiguration /shared", message))
            asked = replace(asked, host="", path="")
        at = preview_port(asked.port)
        if asked.preview and (at > MOST or at in TAKEN or ports.setdefault(at, asked.name) != asked.name):
            message = _port_taken(replace(asked, port=at), ports.get(at))
            left_out.append(LeftOut(asked, f"Listener {preview_name(asked.name)}", message))
            asked = replace(asked, preview=0)
        models[asked.name] = asked
    return Reading(Table(dict(sorted(models.items())), endpoints(models.values(), facts.slices)), tuple(left_out))


def model(known: ModelFacts, traffic: TrafficStatus, port: int) -> Model:
    """One ModelDeployment, with a value for everything that its status leaves out.

    >>> traffic = TrafficStatus(version=1, port=10_000, sticky_header="X-User", host="A.example", path="/fraud/")
    >>> seen = model(ModelFacts("fraud", "u", ""), traffic, 10_000)
    >>> seen.triton, seen.shares, seen.sticky, seen.host, seen.path, seen.bounds.timeout_ms
    ('fraud', (), 'x-user', 'a.example', '/fraud', 60000)
    """
    shares = tuple(map(_share, traffic.revisions or ()))
    mirror, hold = traffic.mirror, traffic.hold
    there = mirror is not None and mirror.percent > 0 and mirror.revision in {each.revision for each in shares}
    return Model(
        name=known.name,
        uid=known.uid,
        version=traffic.version,
        port=port,
        triton=traffic.model or known.name,
        shares=shares,
        sticky=(traffic.sticky_header or "").lower(),
        copies=Copies(mirror.revision, mirror.percent) if mirror and there else None,
        bounds=bounds(traffic.limits),
        host=(traffic.host or "").lower(),
        path=(traffic.path or "").rstrip("/") if traffic.host else "",
        preview=traffic.preview if traffic.preview in {each.revision for each in shares} else 0,
        hold=Hold(hold.asleep, hold.since, hold.ms) if hold else None,
        log=_log(traffic.log) if traffic.log else None,
    )


def bounds(limits: TrafficLimits | None) -> Bounds:
    """The bounds; what is not said is as documented.

    >>> bounds(TrafficLimits(timeout_ms=500)).timeout_ms, bounds(None) == Bounds()
    (500, True)
    """
    told = limits.model_dump(exclude_none=True) if limits else {}
    return Bounds(**{name: value for name, value in told.items() if name in Bounds.__slots__})


def endpoints(models: Iterable[Model], slices: Mapping[str, SliceFacts]) -> dict[str, tuple[Endpoint, ...]]:
    """The endpoints of every Service that is named, sorted. An endpoint may be in several slices for a while.

    >>> one, two = Endpoint("10.0.0.1", 8000, 8001), Endpoint("10.0.0.2", 8000, 8001)
    >>> later = SliceFacts("b", "v", "s", (one,), leaving=frozenset({"10.0.0.2"}))
    >>> slices = {"a": SliceFacts("a", "u", "s", (two, one)), "b": later}
    >>> asking = Model("fraud", "u", 1, 10_000, "fraud", (Share(1, "s", 100), Share(2, "t", 0)))
    >>> [(service, [each.address for each in found]) for service, found in endpoints([asking], slices).items()]
    [('s', ['10.0.0.1']), ('t', [])]
    """
    by_service: dict[str, list[SliceFacts]] = {}
    for each in slices.values():
        by_service.setdefault(each.service, []).append(each)
    models = list(models)
    services = {share.service for model in models for share in model.shares}
    services |= {model.log.service for model in models if model.log}
    return {service: tuple(sorted(_together(by_service.get(service, [])))) for service in sorted(services)}


def _together(slices: list[SliceFacts]) -> Iterator[Endpoint]:
    leaving = frozenset[str]().union(*(each.leaving for each in slices))
    return (each for each in {each for one in slices for each in one.endpoints} if each.address not in leaving)


def _share(told: RevisionTraffic) -> Share:
    matches = tuple(Header(each.header.lower(), each.value) for each in told.matches or ())
    return Share(told.revision, told.service, told.weight, matches, told.lacks or 0)


def _log(told: LogTraffic) -> Log | None:
    """None where it is a share of nothing."""
    share = min(told.per_million, MILLION)
    return Log(told.service, share, told.request is True, told.response is True) if share else None


def _port_taken(asked: Model, by: str | None) -> str:
    if by is None:
        return f"port {asked.port} is the gateway's own"
    return f"port {asked.port} belongs to {by}, which is older"
