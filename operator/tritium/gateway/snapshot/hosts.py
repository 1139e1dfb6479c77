"""The shared port: models by host and path."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from typing import Final

from envoy.config.route.v3.route_components_pb2 import RouteMatch, VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from tritium.gateway.snapshot.actions import retry_policy
from tritium.gateway.snapshot.names import SHARED
from tritium.gateway.snapshot.routes import answer, model_routes
from tritium.gateway.table import Model

NO_HOST: Final = "No model is served under this host name."
NO_PATH: Final = "No model is served at this path of {}."


def reachable(models: Iterable[Model]) -> tuple[Model, ...]:
    """The models with a host, each host and path once: of two that want the same the first by name has it.

    They come by host, and the longest path first, because the first that fits is taken.

    >>> a, b = (Model(name, "", 1, 1, name, (), host="h", path="/p") for name in "ab")
    >>> [model.name for model in reachable([b, a])]
    ['a']
    """
    taken: dict[tuple[str, str], Model] = {}
    for model in sorted(models, key=lambda model: model.name):
        if model.host:
            taken.setdefault((model.host, model.path), model)
    return tuple(taken[place] for place in sorted(taken, key=lambda place: (place[0], -len(place[1]), place[1])))


def shared_routes(models: tuple[Model, ...]) -> RouteConfiguration:
    """One virtual host for each host name, and one for all that nobody has.

    Args:
        models: as `reachable` has them.
    """
    holds = any(model.hold for model in models)
    hosts = [_virtual_host(host, tuple(found), holds) for host, found in groupby(models, key=lambda model: model.host)]
    nobody = VirtualHost(name=SHARED, domains=["*"], routes=[answer("no-host", RouteMatch(prefix="/"), 404, NO_HOST)])
    return RouteConfiguration(name=SHARED, virtual_hosts=[*hosts, nobody])


@lru_cache(maxsize=1024)
def _virtual_host(host: str, models: tuple[Model, ...], holds: bool) -> VirtualHost:  # noqa: FBT001 - it is cached
    routes = [route for model in models for route in model_routes(model, model.path, keeps_little=holds)]
    fallback = answer("no-path", RouteMatch(prefix="/"), 404, NO_PATH.format(host))
    return VirtualHost(name=host, domains=[host], routes=[*routes, fallback], retry_policy=retry_policy())
