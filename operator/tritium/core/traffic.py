"""What the gateway is told: which revision gets the requests, and which others it must know.

Endpoints first, then the weight, then every gateway pod says that it runs it; only then may pods go that served until
now.
"""

from collections.abc import Mapping
from typing import Final

from tritium.api.gateway import MAX_WEIGHT
from tritium.api.traffic_status import MirrorTraffic, RevisionTraffic, RouteMatch, TrafficStatus
from tritium.core.arms import Headers, beside, matches, weights
from tritium.core.compatibility import admitted
from tritium.core.exposure import exposed, share, weight
from tritium.core.gateway import available, runs, sent_to
from tritium.core.lookup import pods_of
from tritium.core.mirror import copies, mirrored
from tritium.core.plan import Course, ServiceWish
from tritium.core.preview import previewed
from tritium.core.request_log import logged
from tritium.core.retreat import keeps, retreating
from tritium.core.revision import revision_name
from tritium.core.scaling.sleep import hold
from tritium.core.seen import RevisionSeen, Seen
from tritium.core.target import by_number
from tritium.core.wish import Wish

MOST_REVISIONS: Final = 32
"""As many as the API takes."""


def traffic(wish: Wish, course: Course, seen: Seen) -> TrafficStatus | None:
    """What to tell the gateway: the same as before, or something else with a higher version."""
    before = course.ledger.traffic
    port = seen.port or (before.port if before else None)
    revisions = _placed(wish, course, _revisions(wish, course, seen))
    if port is None or not revisions:
        return before
    version, to = _next_version(before, seen), leading(wish, course, seen)
    asked = TrafficStatus(
        version=before.version if before else 0,
        port=port,
        model=wish.model,
        revisions=revisions,
        preview=_preview(wish, course, revisions, seen),
        sticky_header=_sticky(wish, course),
        mirror=_copies(wish, course, revisions, seen),
        hold=hold(wish, before, version, reached=bool(to and available(to, seen))),
        log=logged(wish.log, wish.name),
        limits=wish.routing.limits,
        host=wish.routing.host,
        path=wish.routing.path,
    )
    return asked if asked == before else asked.model_copy(update={"version": version})


def leading(wish: Wish, course: Course, seen: Seen) -> RevisionSeen | None:
    """The revision that gets the requests.

    A revision that is stable by decision may lose its pods before it has the traffic. Then the one that has it goes
    on, for as long as it has more to give.
    """
    stable, current = course.stable, _current(course, seen)
    if stable is None or current is None:
        return stable
    if wish.replaces and exposed(course.ledger, stable) and available(stable, seen):
        return stable  # the other one has the pods that it needs
    return stable if available(stable, seen) >= min(wish.replicas, available(current, seen)) else current


def settled(wish: Wish, course: Course, seen: Seen) -> bool:
    """Whether the traffic is where it should be, on pods enough: then pods may go that served before."""
    to = leading(wish, course, seen)
    if to is None or to is not course.stable or (seen.service and seen.service.revision) or retreating(course):
        return False
    ready = sum(pod.ready for pod in pods_of(seen, to))
    return runs(course.ledger.traffic, seen) and available(to, seen) >= min(wish.replicas, ready)


def leads_to(wish: Wish, course: Course, revision: RevisionSeen, seen: Seen) -> bool:
    """Whether requests go to a revision by decision, by the Service, and by what any gateway pod was heard to do."""
    told, there = course.ledger.traffic, seen.service
    if told is None or there is None or there.port != told.port or leading(wish, course, seen) != revision:
        return False
    return sent_to(seen) <= {revision.number, *course.tried}


def service(wish: Wish, course: Course, seen: Seen) -> ServiceWish | None:
    """Where the Service should lead: to the gateway as soon as that serves this model, and not before."""
    told, stable = course.ledger.traffic, course.ledger.stable
    if stable is None or told is None or told.port is None:
        return None
    leads = seen.service is not None and seen.service.port == told.port
    as_good = leads or (runs(told, seen) and _replaces_selector(wish, course, seen))
    return ServiceWish(told.port, stable) if as_good else None


def _replaces_selector(wish: Wish, course: Course, seen: Seen) -> bool:
    """Whether the gateway has as many pods to send to as a Service that selects pods itself."""
    selected = seen.service.revision if seen.service else None
    if selected is None:
        return True
    to, ready = leading(wish, course, seen), sum(pod.ready and pod.revision == selected for pod in seen.pods)
    return to is not None and available(to, seen) >= min(wish.replicas, ready)


def _revisions(wish: Wish, course: Course, seen: Seen) -> list[RevisionTraffic]:
    """All that have a part, so that their endpoints are known before they have a weight.

    A candidate comes first, and so do arms, in the order of the spec: who has a place in a sticky split keeps it. So
    does who serves on the way back; and the last one stands in for arms.
    """
    to, told = leading(wish, course, seen), course.ledger.traffic
    sides = (each for _, each in beside(course))
    shadow = mirrored(wish, course, seen)
    parts_of, headers = _weights(wish, course, to, seen), matches(wish, course, seen)
    others = (by_number(seen.revisions, number) for number in parts_of if to and number != to.number)
    parts = {each.number: each for each in (*sides, course.candidate, *others, course.stable, to, shadow) if each}
    shares = {number: _share(wish, each, parts_of.get(number, 0), headers) for number, each in parts.items()}
    if course.ledger.stable is not None and to is None:
        # The record of what serves is gone: what the gateway was told of it is all that is known.
        shares |= {each.revision: each for each in (told.revisions or () if told else ()) if each.weight}
    for each in sorted(seen.revisions, key=lambda each: -each.number):
        if each.number in course.held:
            shares.setdefault(each.number, _share(wish, each, 0, headers))
    return list(shares.values())[:MOST_REVISIONS]


def _placed(wish: Wish, course: Course, told: list[RevisionTraffic]) -> list[RevisionTraffic]:
    """With what arms lack: in a sticky split their places stay, so that no user of another arm is moved."""
    wanted = {each.number: share(arm.wish.percent) for arm, each in beside(course)} if _sticky(wish, course) else {}
    lacks = {each.revision: max(0, wanted.get(each.revision, 0) - each.weight) or None for each in told}
    return [each.model_copy(update={"lacks": lacks[each.revision]}) for each in told]


def _weights(wish: Wish, course: Course, to: RevisionSeen | None, seen: Seen) -> dict[int, int]:
    """By number: what the candidate, or the arms, may have of the traffic, and the rest for the one that leads.

    Who had more keeps what the one that leads cannot carry yet.
    """
    if to is None:
        return {}
    parts = weights(wish, course, seen)
    tried = course.candidate if course.candidate is not to else None
    if tried:
        may = admitted(wish, course.ledger, tried, seen)
        parts[tried.number] = weight(wish, course.ledger, tried, seen) if may else 0
    parts.pop(to.number, None)
    for number, part in keeps(wish, course, to, seen).items() if wish.replicas else ():
        left = MAX_WEIGHT - sum(parts.values())
        parts[number] = max(parts.get(number, 0), min(part, left + parts.get(number, 0)))
    return parts | {to.number: MAX_WEIGHT - sum(parts.values())}


def _copies(wish: Wish, course: Course, told: list[RevisionTraffic], seen: Seen) -> MirrorTraffic | None:
    shadow = mirrored(wish, course, seen)
    weight = next((each.weight for each in told if shadow and each.revision == shadow.number), 0)
    return copies(wish, course, weight, seen)


def _preview(wish: Wish, course: Course, told: list[RevisionTraffic], seen: Seen) -> int | None:
    to, parts = leading(wish, course, seen), {each.revision: each.weight for each in told}
    if to and not parts.get(to.number):
        to = by_number(seen.revisions, max(parts, key=lambda number: parts[number]))  # it has no pod yet
    number = previewed(wish, course, to, seen)
    return number if number in parts else None


def _sticky(wish: Wish, course: Course) -> str | None:
    header = wish.experiment.sticky_header if wish.experiment and course.arms else None
    return header or wish.routing.sticky_header


def _share(wish: Wish, revision: RevisionSeen, weight: int, headers: Mapping[int, Headers]) -> RevisionTraffic:
    led = [RouteMatch(header=name, value=value) for name, value in headers.get(revision.number, ())]
    service = revision_name(wish.name, revision.hash)
    return RevisionTraffic(revision=revision.number, service=service, weight=weight, matches=led or None)


def _current(course: Course, seen: Seen) -> RevisionSeen | None:
    """The revision that has the traffic, by what the gateway was told last.

    A candidate is tried, however much it has: nobody falls back to what was never stable. Neither to an arm.
    """
    ledger = course.ledger
    told = ledger.traffic.revisions or () if ledger.traffic else ()
    tried = ledger.exposed.keys() - ledger.promoted.keys() - {ledger.stable}
    tried |= {ledger.progress.revision} - {ledger.stable} if ledger.progress else set()
    tried |= course.tried
    served = (each for each in told if each.weight and each.revision not in tried)
    most = max(served, key=lambda each: each.weight, default=None)
    if most:
        return by_number(seen.revisions, most.revision)
    legacy = seen.service.revision if seen.service else None
    return next((each for each in seen.revisions if each.hash == legacy), None)


def _next_version(before: TrafficStatus | None, seen: Seen) -> int:
    """Higher than any that a gateway pod runs: a status that was lost must not begin again below it."""
    running = [each.answer.version or 0 for each in seen.gateways if each.answer]
    return max([before.version if before else 0, *running]) + 1
