"""What the pods of the gateway are seen to do for one ModelDeployment."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from tritium.api.traffic_status import RevisionObserved, TrafficObserved, TrafficStatus
from tritium.core.diagnosis import worst
from tritium.core.lookup import pods_of
from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES
from tritium.core.seen import GatewayAnswer, GatewaySeen, RevisionSeen, Seen, Trouble
from tritium.core.wish import Wish

GATEWAY: Final = "gateway"
"""What a trouble is about that is the gateway's."""


def available(revision: RevisionSeen, seen: Seen) -> int:
    """Pods that requests can be sent to now: ready, and known to each gateway pod."""
    ready = sum(pod.ready for pod in pods_of(seen, revision))
    known = [_endpoints(each.answer, revision) for each in counted(seen)]
    return min([ready, *known]) if known else 0


def reachable(revision: RevisionSeen, seen: Seen) -> int:
    """The same as far as it is known: a gateway pod that does not answer keeps nobody from going back."""
    ready = sum(pod.ready for pod in pods_of(seen, revision))
    return min([ready, *(_endpoints(each.answer, revision) for each in counted(seen) if each.answer)])


def known_to_gateway(wish: Wish, revision: RevisionSeen, seen: Seen) -> bool:
    """Whether requests can be sent to as many pods as are asked for, by each gateway pod, of which there is one."""
    return any(each.ready for each in seen.gateways) and available(revision, seen) >= wish.replicas


def runs(wanted: TrafficStatus | None, seen: Seen) -> bool:
    """Whether every gateway pod that takes requests says that it runs this, and follows the API server."""
    pods = list(counted(seen))
    if wanted is None or not any(each.ready for each in pods):
        return False
    hold = wanted.hold.since if wanted.hold and wanted.hold.asleep else None
    answers = [each.answer for each in pods]
    if any(each is None or (hold is not None and each.holds != hold) for each in answers):
        return False
    return all(each and each.synced and each.version == wanted.version for each in answers)


def is_held(wanted: TrafficStatus | None, seen: Seen) -> bool:
    """Whether a request for a model that sleeps would wait: a gateway pod that takes requests holds them."""
    hold = wanted.hold if wanted else None
    answers = (each.answer for each in seen.gateways if each.ready)
    return bool(hold and hold.asleep and any(each and each.holds == hold.since for each in answers))


def can_hold(seen: Seen) -> bool:
    """Whether every gateway pod can let requests wait; one of an older version would refuse them, and wake nobody."""
    pods = list(counted(seen))
    return bool(pods) and all(each.answer and each.answer.holds is not None for each in pods)


def gateway_trouble(seen: Seen) -> Trouble:
    """Why no request can be sent, or not yet."""
    if seen.gateway_trouble:
        return seen.gateway_trouble
    if any(each.ready for each in seen.gateways):
        unsound = (each for each in seen.gateways if each.ready and not _is_sound(each))
        silent = min(unsound, key=lambda each: (each.trouble is not None, each.name), default=None)
        if silent is None:
            return Trouble(GATEWAY, Reason.STARTING, "The gateway is learning of the pods.")
        if silent.trouble:  # such as that it was not asked yet
            return replace(silent.trouble, component=GATEWAY)
        message = "A gateway pod is ready, and does not say that it follows the API server"
        return Trouble(
            GATEWAY, Reason.GATEWAY_NOT_READY, f"{message}. {REMEDIES[Reason.GATEWAY_NOT_READY]}", silent.name
        )
    found = worst(replace(each.trouble, component=GATEWAY) for each in seen.gateways if each.trouble)
    return found or Trouble(GATEWAY, Reason.STARTING, "The gateway is being made.")


def reached(seen: Seen, first: int | None = None) -> int | None:
    """Number of the revision that most requests reach now, by what the gateway pods say that are ready.

    Args:
        seen: what is there.
        first: a revision to be named if any requests reach it.
    """
    if seen.service is None:
        return None
    if seen.service.revision:  # from before there was a gateway
        served = {pod.revision for pod in seen.pods if pod.ready}
        legacy = next((each for each in seen.revisions if each.hash == seen.service.revision), None)
        return legacy.number if legacy and legacy.hash in served else None
    shares = [
        (weight, number)
        for each in seen.gateways
        if each.ready and each.answer
        for number, weight in each.answer.weights.items()
        if weight and each.answer.endpoints.get(number)
    ]
    if any(number == first for _, number in shares):
        return first
    return max(shares)[1] if shares else None


def not_asked_yet(seen: Seen) -> bool:
    """Whether a gateway pod takes requests of which nothing is known, since it is ready only now."""
    return any(each.ready and not each.asked for each in seen.gateways)


def sent_to(seen: Seen) -> frozenset[int]:
    """Numbers of the revisions that any gateway pod says it sends requests to."""
    answers = [each.answer for each in counted(seen) if each.answer]
    return frozenset(number for each in answers for number, weight in each.weights.items() if weight)


def told_of(seen: Seen) -> frozenset[int]:
    """Numbers of the revisions that any gateway pod runs, with a weight or without."""
    return frozenset(number for each in counted(seen) if each.answer for number in each.answer.weights)


def refused_by_envoy(seen: Seen) -> str | None:
    """What Envoy said of a configuration that it refused, in the same words whichever pod is asked."""
    words = (each.answer.rejected for each in seen.gateways if each.answer)
    return min((each for each in words if each), default=None)


def observed(seen: Seen, before: TrafficObserved | None, now: datetime) -> TrafficObserved | None:
    """What every gateway pod that is ready says that it runs; the oldest version where they differ.

    While one of them says nothing it may run anything: what was last known of all of them stays, with the number of
    those that answer.
    """
    ready = [each.answer for each in seen.gateways if each.ready]
    answers = [each for each in ready if each and each.version is not None]
    if not answers:
        return None
    if len(answers) < len(ready):
        return before.model_copy(update={"gateways": len(answers)}) if before else None
    oldest = min(answers, key=lambda each: each.version or 0)
    same = [each for each in answers if each.version == oldest.version]
    return TrafficObserved(
        version=oldest.version or 0,
        gateways=len(ready),
        envoy=min(each.envoy for each in answers) or None,
        revisions=[
            RevisionObserved(
                revision=number, weight=weight, endpoints=min(each.endpoints.get(number, 0) for each in same)
            )
            for number, weight in oldest.weights.items()
        ],
        since=before.since if before and before.version == oldest.version else now,
    )


def counted(seen: Seen) -> Iterator[GatewaySeen]:
    """Gateway pods that take requests, or may still have some."""
    return (each for each in seen.gateways if each.ready or (each.terminating and each.answer))


def _is_sound(gateway: GatewaySeen) -> bool:
    return gateway.answer is not None and gateway.answer.synced


def _endpoints(answer: GatewayAnswer | None, revision: RevisionSeen) -> int:
    return answer.endpoints.get(revision.number, 0) if answer else 0
