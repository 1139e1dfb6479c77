"""The routes of one model: who answers which request."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from envoy.config.core.v3.base_pb2 import DataSource
from envoy.config.route.v3.route_components_pb2 import DirectResponseAction, Route, RouteMatch
from envoy.type.matcher.v3.regex_pb2 import RegexMatchAndSubstitute, RegexMatcher

from tritium.api.gateway import MAX_WEIGHT
from tritium.gateway.snapshot.actions import LONGEST_MS, REVISION_HEADER, action, revision_header, waiting_action
from tritium.gateway.snapshot.clusters import BUFFER_BYTES
from tritium.gateway.snapshot.filters import GRPC_STATS, ON, answer_limit, request_limit
from tritium.gateway.snapshot.held import ASLEEP, MOST_HELD, ON_DEMAND, waits, whose_revision
from tritium.gateway.snapshot.inferences import counted_for
from tritium.gateway.snapshot.messages import header_is
from tritium.gateway.snapshot.names import Protocol, cluster_name, log_cluster_name
from tritium.gateway.snapshot.paths import Length, Passing, passing
from tritium.gateway.snapshot.request_log import LOG, sampled
from tritium.gateway.table import Header, Model, Share

NOBODY = "No revision of this model takes requests yet. Ask again a little later."
CLOSED = "This is closed: the gateway passes inference, health, metadata, configuration and statistics of the model {}."


def model_routes(model: Model, prefix: str = "", *, keeps_little: bool = False) -> list[Route]:
    """Every request is answered by one of them, in the order in which they stand.

    Args:
        model: the model.
        prefix: what stands before the path that Triton knows, and is taken away.
        keeps_little: the listener does, since requests may wait there.
    """
    kinds = passing(model.triton)
    arms = [share for share in model.shares if share.matches]
    split = placed(model)
    passes = [_passes(model, prefix, kind, [arm], arm.matches) for kind in kinds for arm in arms]
    rest = [_rest(model, prefix, kind, split) for kind in kinds]
    if keeps_little:
        _keep_enough([*passes, *rest])
    return [*passes, *rest, *_closed(model, prefix)]


def placed(model: Model) -> list[Share]:
    """Who shares the requests, in the order of their places.

    In a sticky split the last one stands in for others where these lack something: so nobody's place moves.

    >>> a, b, stable = Share(2, "a", 1000, lacks=1000), Share(3, "b", 3000), Share(1, "s", 6000)
    >>> fraud = Model("fraud", "u", 1, 10_000, "fraud", (a, b, stable), sticky="x-user")
    >>> [(each.revision, each.weight) for each in placed(fraud)]
    [(2, 1000), (1, 1000), (3, 3000), (1, 5000)]
    """
    split = [share for share in model.shares if share.weight > 0]
    if not model.sticky or len(split) < 2:
        return split
    last, found = split[-1], list[Share]()
    left = last.weight
    for share in model.shares[: model.shares.index(last)]:
        stands_in = min(share.lacks, left)
        left -= stands_in
        found += [share, replace(last, weight=stands_in)]
    return [share for share in (*found, replace(last, weight=left)) if share.weight > 0]


def previewing(model: Model) -> Model | None:
    """The model as its preview port has it: every request goes to one revision, and is copied to none, nor logged.

    None waits there for a pod. While the model sleeps nothing but inference asks for one, as on its own port.
    """
    found = next((share for share in model.shares if share.revision == model.preview), None)
    if found is None:
        return None
    only = replace(found, weight=MAX_WEIGHT, matches=())
    held = "" if model.hold and model.hold.asleep else None
    return replace(model, shares=(only,), sticky="", copies=None, held=held, log=None)


def clusters_named(model: Model) -> frozenset[str]:
    """The clusters that the routes lead to, but for those on which requests wait: they do not exist."""
    split = [share.revision for share in model.shares if share.weight > 0 and not (model.hold and model.held)]
    led = [*([split] if split else []), *([share.revision] for share in model.shares if share.matches)]
    named = {revision for revisions in led for revision in revisions}
    if model.copies and any(revisions != [model.copies.revision] for revisions in led):
        named |= {share.revision for share in model.shares if share.revision == model.copies.revision}
    clusters = {cluster_name(model.name, revision, protocol) for revision in named for protocol in Protocol}
    return frozenset(clusters | ({log_cluster_name(model.name)} if model.log and led else set()))


def answer(name: str, match: RouteMatch, status: int, says: str) -> Route:
    """A route that answers by itself."""
    response = DirectResponseAction(status=status, body=DataSource(inline_string=says))
    return Route(name=name, match=match, direct_response=response)


def under(prefix: str) -> RouteMatch:
    """A path and all below it."""
    return RouteMatch(path_separated_prefix=prefix) if prefix else RouteMatch(prefix="/")


def _rest(model: Model, prefix: str, kind: Passing, split: Sequence[Share]) -> Route:
    """A request that no header sends elsewhere. While there is no pod nothing but inference asks for one."""
    if not split:
        return answer(kind.name, _match(prefix, kind, ()), 503, NOBODY)
    if model.held is not None and not kind.inference:
        return answer(kind.name, _match(prefix, kind, ()), 503, ASLEEP)
    if model.hold and model.held:
        return _waits(model, prefix, kind, model.held, model.hold.ms)
    return _passes(model, prefix, kind, split, ())


def _passes(model: Model, prefix: str, kind: Passing, shares: Sequence[Share], headers: Sequence[Header]) -> Route:
    route = Route(name=kind.name, match=_match(prefix, kind, headers), route=action(model, kind, shares))
    if len(shares) == 1:
        route.response_headers_to_add.append(revision_header(shares[0].revision))
    if model.log and _is_logged(kind):
        route.typed_per_filter_config[LOG].CopyFrom(sampled(model.name, model.log))
    return _handed_on(model, prefix, kind, route)


def _waits(model: Model, prefix: str, kind: Passing, held: str, ms: int) -> Route:
    route = Route(name=kind.name, match=_match(prefix, kind, ()), route=waiting_action(model, kind, held, ms))
    route.response_headers_to_add.append(whose_revision(REVISION_HEADER))
    route.typed_per_filter_config[MOST_HELD].CopyFrom(ON)
    route.typed_per_filter_config[ON_DEMAND].CopyFrom(waits(min(ms, LONGEST_MS)))
    return _handed_on(model, prefix, kind, route)


def _keep_enough(routes: Iterable[Route]) -> None:
    """A request can be sent again only if all of it is there. What waits for a pod is not sent to any yet."""
    for route in routes:
        if route.HasField("route") and ON_DEMAND not in route.typed_per_filter_config:
            route.request_body_buffer_limit.value = BUFFER_BYTES


def _handed_on(model: Model, prefix: str, kind: Passing, route: Route) -> Route:
    """With what every request passes that goes to a pod."""
    for name in _filters(model, kind):
        route.typed_per_filter_config[name].CopyFrom(ON)
    if model.hold and kind.inference:
        route.metadata.CopyFrom(counted_for(model.name))
    if prefix:
        pattern = RegexMatcher(regex=f"^{re.escape(prefix)}")
        route.route.regex_rewrite.CopyFrom(RegexMatchAndSubstitute(pattern=pattern, substitution=""))
    return route


def _filters(model: Model, kind: Passing) -> Iterator[str]:
    """What a request of this kind passes. A stream of gRPC may be of any length, the messages in it too."""
    if kind.protocol is Protocol.GRPC:
        yield GRPC_STATS
    if kind.protocol is Protocol.HTTP or kind.length is Length.ONE_ANSWER:
        yield request_limit(model.bounds)
    if kind.protocol is Protocol.HTTP and kind.length is Length.ONE_ANSWER:
        yield answer_limit(model.bounds)


def _is_logged(kind: Passing) -> bool:
    """Not a stream of gRPC: it has many requests and answers, may last for hours, and would take a sample's place."""
    return kind.inference and (kind.length is Length.ONE_ANSWER or kind.protocol is Protocol.HTTP)


def _match(prefix: str, kind: Passing, headers: Sequence[Header]) -> RouteMatch:
    match = RouteMatch(
        safe_regex=RegexMatcher(regex=f"{re.escape(prefix)}({kind.path})"),
        headers=[header_is(":method", kind.method), *(header_is(each.name, each.value) for each in headers)],
    )
    if kind.protocol is Protocol.GRPC:
        match.grpc.SetInParent()
    return match


def _closed(model: Model, prefix: str) -> Iterator[Route]:
    own = f"{prefix}/v2/models/{model.triton}"
    closed = CLOSED.format(model.triton)
    yield answer("closed", RouteMatch(path_separated_prefix=own), 403, closed)
    yield answer("another-model", under(f"{prefix}/v2/models"), 404, f"The model at this address is {model.triton}.")
    yield answer("closed", under(prefix), 403, closed)
