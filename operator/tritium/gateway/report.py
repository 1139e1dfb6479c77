"""What Envoy runs, told from what it has acknowledged. Pure.

A version of a ModelDeployment's traffic is run once Envoy has acknowledged all that was made of it: listener, routes,
and every cluster with its endpoints. Until then it is the version before that is told of, with the weights of that one.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment

from tritium.api.gateway import GatewayReport, ModelReport, Rejection, RevisionReport
from tritium.gateway.reading import LeftOut, Reading
from tritium.gateway.snapshot.names import IN_FLIGHT, SHARED, Protocol, cluster_name, preview_name
from tritium.gateway.snapshot.resource import Snapshot, Type
from tritium.gateway.table import Model, Table
from tritium.gateway.xds.client import Key
from tritium.gateway.xds.state import State

Runs = Mapping[str, Model]
"""By name: each ModelDeployment as Envoy was last seen to run it as a whole."""


def runs(before: Runs, table: Table, snapshot: Snapshot, state: State) -> Runs:
    """What Envoy runs as a whole, after it has said something or something was published.

    Args:
        before: the last answer.
        table: what was published,
        snapshot: what was made of it,
        state: and what Envoy has of that.
    """
    now: dict[str, Model] = {}
    for name, model in table.models.items():
        known = before.get(name)
        if known != model and _acknowledged(model, snapshot, state):
            now[name] = model
        elif known is not None and known.uid == model.uid:
            now[name] = known
    return now


def report(reading: Reading, snapshot: Snapshot, state: State, run: Runs, *, synced: bool) -> GatewayReport:
    """What one gateway pod runs.

    A ModelDeployment of which Envoy has nothing is told of only if there is a reason to tell; its version is then 0.
    """
    left_out = {each.model.name: each for each in reading.left_out}
    models = {each.model.name: each.model for each in reading.left_out} | dict(reading.table.models)
    told = (
        _model_report(model, run.get(name), _rejection(model, snapshot, state, left_out.get(name)), state)
        for name, model in sorted(models.items())
    )
    return GatewayReport(
        synced=synced,
        connected=state.connected,
        envoy=state.envoy,
        models=[each for each in told if each is not None],
    )


def _model_report(asked: Model, run: Model | None, rejection: Rejection | None, state: State) -> ModelReport | None:
    # Another Envoy than the one that was seen to run it may have nothing of it yet.
    there = all((type_, asked.name) in state.acked for type_ in (Type.LISTENER, Type.ROUTES))
    running = run if there else None
    if running is None and rejection is None:
        return None
    return ModelReport(
        name=asked.name,
        uid=asked.uid,
        version=running.version if running else 0,
        port=running.port if running else asked.port,
        revisions=list(_revisions(running, state)) if running else [],
        preview=(running.preview or None) if running else None,
        holds=running.hold.since if running and running.hold and running.hold.asleep else 0,
        rejection=rejection,
    )


def _revisions(model: Model, state: State) -> Iterator[RevisionReport]:
    for share in model.shares:
        clusters = [cluster_name(model.name, share.revision, protocol) for protocol in Protocol]
        acked = [state.acked.get((Type.ENDPOINTS, name)) for name in clusters]
        yield RevisionReport(
            revision=share.revision,
            weight=share.weight,
            endpoints=min(endpoints_in(each.body) if each else 0 for each in acked),
        )


@lru_cache(maxsize=4096)
def endpoints_in(body: bytes) -> int:
    """How many endpoints a ClusterLoadAssignment has."""
    return sum(len(place.lb_endpoints) for place in ClusterLoadAssignment.FromString(body).endpoints)


def _acknowledged(model: Model, snapshot: Snapshot, state: State) -> bool:
    """Whether Envoy has all that was made of this, as it is now, and nothing else is under way to it."""
    for type_, name in _parts(model, snapshot):
        wanted = snapshot.resources.get(type_, {}).get(name)
        acked = state.acked.get((type_, name))
        if wanted is None:
            continue
        if acked is None or acked.version != wanted.version or (type_, name) in state.changing:
            return False
    return True


def _rejection(model: Model, snapshot: Snapshot, state: State, left_out: LeftOut | None) -> Rejection | None:
    """What is not run of it, and why: in Envoy's own words, if it was Envoy that refused."""
    for key in _parts(model, snapshot):
        rejected, wanted = state.rejected.get(key), snapshot.resources.get(key[0], {}).get(key[1])
        if rejected is not None and wanted is not None and rejected.resource.version == wanted.version:
            return Rejection(version=model.version, resource=f"{key[0].word} {key[1]}", message=rejected.message)
    if left_out is None:
        return None
    return Rejection(version=model.version, resource=left_out.resource, message=left_out.message)


def _parts(model: Model, snapshot: Snapshot) -> Iterable[Key]:
    """All resources in which a ModelDeployment has a part."""
    own = {cluster_name(model.name, share.revision, protocol) for share in model.shares for protocol in Protocol}
    clusters = sorted(own | snapshot.needs.get(model.name, frozenset()))
    shared = [(Type.LISTENER, SHARED), (Type.ROUTES, SHARED)] if model.host else []
    shown = preview_name(model.name)
    preview = [(Type.LISTENER, shown), (Type.ROUTES, shown)] if model.preview else []
    yield from [(Type.LISTENER, model.name), (Type.ROUTES, model.name), (Type.RUNTIME, IN_FLIGHT), *shared, *preview]
    for name in clusters:
        yield from [(Type.CLUSTER, name), (Type.ENDPOINTS, name)]
