"""What happens to a request that passes: which revision gets it, how long it may take, what is copied."""

from collections.abc import Iterator, Sequence
from typing import Final

from envoy.config.core.v3.base_pb2 import HeaderValueOption, RuntimeFractionalPercent
from envoy.config.route.v3.route_components_pb2 import RetryPolicy, RouteAction, WeightedCluster
from envoy.extensions.retry.host.previous_hosts.v3.previous_hosts_pb2 import PreviousHostsPredicate
from envoy.type.v3.percent_pb2 import FractionalPercent
from google.protobuf.wrappers_pb2 import BoolValue

from tritium.gateway.snapshot.held import held_name
from tritium.gateway.snapshot.messages import any_of, duration, header_name, header_set, uint32
from tritium.gateway.snapshot.names import Protocol, cluster_name
from tritium.gateway.snapshot.paths import Length, Passing
from tritium.gateway.table import Bounds, Model, Share

REVISION_HEADER: Final = "tritium-revision"
"""On every answer: the number of the revision that gave it, or that should have."""

STREAM_IDLE_MS: Final = 3_600_000
"""A stream on which nothing flows, in either direction, ends after it."""

LONGEST_MS: Final = 365 * 24 * 3_600_000
"""The longest timeout that is handed on."""


def timeout_ms(bounds: Bounds) -> int:
    """How long the model may take for one answer. Zero would mean for ever."""
    return min(max(bounds.timeout_ms, 1), LONGEST_MS)


def action(model: Model, passing: Passing, shares: Sequence[Share]) -> RouteAction:
    """Hand a request on.

    Args:
        model: whose request it is.
        passing: what kind it is.
        shares: to whom, in the order in which they share; each has a weight above zero if there are several.
    """
    found = RouteAction()
    _choose(found, model, passing.protocol, shares)
    _limit(found, passing.length, model.bounds)
    if passing.inference:
        found.request_mirror_policies.extend(_copies(model, passing.protocol, shares))
    return found


def waiting_action(model: Model, passing: Passing, held: str, ms: int) -> RouteAction:
    """Let a request wait for a pod. What the model may take begins when it goes on.

    Args:
        model: whose request it is.
        passing: what kind it is.
        held: what the cluster has in its name.
        ms: how long it waits at most.
    """
    found = RouteAction(cluster=held_name(model.name, held, passing.protocol))
    _limit(found, passing.length, model.bounds)
    if passing.length is Length.ONE_ANSWER:
        longest = min(ms + 2 * timeout_ms(model.bounds), LONGEST_MS)
        found.max_stream_duration.max_stream_duration.CopyFrom(duration(longest))
    return found


def retry_policy() -> RetryPolicy:
    """Once more, and with another pod if there is one, if it is certain that the first has not seen the request.

    That is so as long as there was no connection, or none of the request had been written to it. A 5xx, a timeout or a
    connection that ends later is no reason: the model may have run, and what killed one server would kill the next.
    Envoy keeps what has come of a body until then, as far as its buffer goes. If more comes the answer is 503.
    """
    predicate = RetryPolicy.RetryHostPredicate(
        name="envoy.retry_host_predicates.previous_hosts", typed_config=any_of(PreviousHostsPredicate())
    )
    return RetryPolicy(
        retry_on="connect-failure,refused-stream,reset-before-request",
        num_retries=uint32(1),
        retry_host_predicate=[predicate],
        # With five draws out of two pods every 32nd time it is the other pod alone.
        host_selection_retry_max_attempts=500,
        # Another pod need not be given time to recover, and what arrives meanwhile has to be kept.
        retry_back_off=RetryPolicy.RetryBackOff(base_interval=duration(1)),
    )


def revision_header(revision: int) -> HeaderValueOption:
    """Says on the answer which revision it is from."""
    return header_set(REVISION_HEADER, str(revision))


def _choose(action: RouteAction, model: Model, protocol: Protocol, shares: Sequence[Share]) -> None:
    """One of several by their weights.

    With a sticky header its hash decides instead of chance: it falls into the same place among all of the weights each
    time. The first share takes the places from 0 on, so whoever is there stays while its weight grows.
    """
    if len(shares) == 1:
        action.cluster = cluster_name(model.name, shares[0].revision, protocol)
        return
    clusters = [
        WeightedCluster.ClusterWeight(
            name=cluster_name(model.name, share.revision, protocol),
            weight=uint32(share.weight),
            response_headers_to_add=[revision_header(share.revision)],
        )
        for share in shares
    ]
    action.weighted_clusters.clusters.extend(clusters)
    if model.sticky:
        action.weighted_clusters.use_hash_policy.CopyFrom(BoolValue(value=True))
        header = RouteAction.HashPolicy.Header(header_name=header_name(model.sticky))
        action.hash_policy.append(RouteAction.HashPolicy(header=header))


def _limit(action: RouteAction, length: Length, bounds: Bounds) -> None:
    """One answer: the time from the end of the request on. The listener bounds the time until then.

    A stream: none of both, since a client may keep it open to send more; it ends when nothing has flowed for long.
    """
    if length is Length.ONE_ANSWER:
        action.timeout.CopyFrom(duration(timeout_ms(bounds)))
        return
    action.timeout.CopyFrom(duration(0))
    action.max_stream_duration.max_stream_duration.CopyFrom(duration(0))
    action.idle_timeout.CopyFrom(duration(STREAM_IDLE_MS))


def _copies(model: Model, protocol: Protocol, shares: Sequence[Share]) -> Iterator[RouteAction.RequestMirrorPolicy]:
    """None for a revision that gets these very requests, and none for one that is not there."""
    copies = model.copies
    known = {share.revision for share in model.shares}
    if copies is None or copies.revision not in known or [share.revision for share in shares] == [copies.revision]:
        return
    percent = FractionalPercent(numerator=copies.percent, denominator=FractionalPercent.HUNDRED)
    yield RouteAction.RequestMirrorPolicy(
        cluster=cluster_name(model.name, copies.revision, protocol),
        runtime_fraction=RuntimeFractionalPercent(default_value=percent),
    )
