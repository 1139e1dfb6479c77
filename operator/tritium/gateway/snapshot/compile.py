"""From a table to Envoy's resources.

A resource's content is made of nothing but what decides about it, so it has the same version in every agent and after
every restart. What has not changed is not made again: of 200 models with one change, one is compiled.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from envoy.config.route.v3.route_components_pb2 import VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from tritium.gateway.snapshot.actions import retry_policy
from tritium.gateway.snapshot.clusters import cluster
from tritium.gateway.snapshot.endpoints import load_assignment
from tritium.gateway.snapshot.hosts import reachable, shared_routes
from tritium.gateway.snapshot.in_flight import in_flight
from tritium.gateway.snapshot.listeners import ListenerSettings, model_listener, preview_listener, shared_listener
from tritium.gateway.snapshot.names import (
    IN_FLIGHT,
    SHARED,
    Protocol,
    cluster_name,
    log_cluster_name,
    preview_name,
)
from tritium.gateway.snapshot.request_log import log_cluster, most_samples
from tritium.gateway.snapshot.resource import About, Resource, Snapshot, Type
from tritium.gateway.snapshot.routes import clusters_named, model_routes, previewing
from tritium.gateway.table import Endpoint, Model, Table

_MODELS: Final = 1_024
"""How many models are remembered: more than a gateway has ports for."""
_CLUSTERS: Final = 16 * _MODELS


def compile_snapshot(table: Table, settings: ListenerSettings) -> Snapshot:
    """Everything that Envoy is to have for a table.

    Whatever the table holds, Envoy takes the result: a request that is answered with 503 is better than a whole
    configuration that is refused.
    """
    models = [table.models[name] for name in sorted(table.models)]
    found: dict[Type, dict[str, Resource]] = {type_: {} for type_ in Type}
    for resource in _resources(models, table.endpoints, settings):
        found[resource.type][resource.name] = resource
    return Snapshot(found, _needs(models))


def _resources(
    models: Iterable[Model], endpoints: Mapping[str, tuple[Endpoint, ...]], settings: ListenerSettings
) -> Iterator[Resource]:
    models = list(models)
    bounds: list[tuple[str, int]] = []
    loggers = sum(model.log is not None for model in models)
    for model in models:
        yield from _of_model(model, settings)
        about = About(model.name, model.uid, model.version)
        for share in model.shares:
            pods = endpoints.get(share.service, ())
            for protocol in Protocol:
                name = cluster_name(model.name, share.revision, protocol)
                yield _endpoints(name, protocol, pods, about)
                bounds.append((name, model.bounds.max_concurrency * max(len(pods), 1)))
        if model.log:
            name = log_cluster_name(model.name)
            yield _endpoints(name, Protocol.GRPC, endpoints.get(model.log.service, ()), about)
            bounds.append((name, most_samples(loggers)))
    yield _in_flight(tuple(bounds))
    yield from _shared(reachable(models), settings)


@lru_cache(maxsize=_MODELS)
def _of_model(model: Model, settings: ListenerSettings) -> tuple[Resource, ...]:
    """All but the endpoints."""
    about = About(model.name, model.uid, model.version)
    names = {cluster_name(model.name, share.revision, each): each for share in model.shares for each in Protocol}
    return (
        Resource.of(Type.LISTENER, model.name, model_listener(model, settings), about),
        Resource.of(Type.ROUTES, model.name, _routes(model.name, model, keeps_little=model.hold is not None), about),
        *_of_preview(model, settings, about),
        *(Resource.of(Type.CLUSTER, name, cluster(name, protocol), about) for name, protocol in names.items()),
        *_of_logger(model, about),
    )


def _of_logger(model: Model, about: About) -> Iterator[Resource]:
    if model.log:
        name = log_cluster_name(model.name)
        yield Resource.of(Type.CLUSTER, name, log_cluster(name), about)


def _of_preview(model: Model, settings: ListenerSettings, about: About) -> Iterator[Resource]:
    """A port of its own that leads to one of the model's clusters."""
    if shown := previewing(model):
        name = preview_name(model.name)
        yield Resource.of(Type.LISTENER, name, preview_listener(model, settings), about)
        yield Resource.of(Type.ROUTES, name, _routes(name, shown), about)


def _routes(name: str, model: Model, *, keeps_little: bool = False) -> RouteConfiguration:
    routes = model_routes(model, keeps_little=keeps_little)
    host = VirtualHost(name=name, domains=["*"], routes=routes, retry_policy=retry_policy())
    return RouteConfiguration(name=name, virtual_hosts=[host])


@lru_cache(maxsize=_CLUSTERS)
def _endpoints(name: str, protocol: Protocol, pods: tuple[Endpoint, ...], about: About) -> Resource:
    return Resource.of(Type.ENDPOINTS, name, load_assignment(name, protocol, pods), about)


@lru_cache(maxsize=2)
def _in_flight(bounds: tuple[tuple[str, int], ...]) -> Resource:
    return Resource.of(Type.RUNTIME, IN_FLIGHT, in_flight(bounds))


@lru_cache(maxsize=2)
def _shared(models: tuple[Model, ...], settings: ListenerSettings) -> tuple[Resource, ...]:
    """The shared port, if any model is reached on it."""
    if not models:
        return ()
    return (
        Resource.of(Type.LISTENER, SHARED, shared_listener(models, settings)),
        Resource.of(Type.ROUTES, SHARED, shared_routes(models)),
    )


def _needs(models: Iterable[Model]) -> dict[str, frozenset[str]]:
    models = list(models)
    needs = {model.name: clusters_named(model) for model in models}
    needs |= {preview_name(model.name): clusters_named(shown) for model in models if (shown := previewing(model))}
    if shared := reachable(models):
        needs[SHARED] = frozenset().union(*(needs[model.name] for model in shared))
    return needs
