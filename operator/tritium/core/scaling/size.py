"""How many replicas are asked for: what the controller finds, as far as the rollout and the room allow it. Pure.

More are asked for at once. Fewer are only where nothing else moves: every gateway pod runs what it was told, no step is
under way, and no pod starts.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from tritium.api.conditions import ConditionType, Finding
from tritium.api.status import ModelDeploymentStatus, Phase, ScalingStatus
from tritium.core.gateway import can_hold, runs
from tritium.core.ledger import Ledger
from tritium.core.lookup import pods_of, want_of_room
from tritium.core.reasons import Reason
from tritium.core.scaling.account import Case, account, finding
from tritium.core.scaling.controller import Advice, advise
from tritium.core.scaling.knobs import Knobs
from tritium.core.scaling.priority import waits
from tritium.core.scaling.sleep import is_called, may_rest
from tritium.core.scaling.wish import ScalingWish
from tritium.core.seen import PodSeen, RevisionSeen, Seen
from tritium.core.wish import Wish

BUSY: Final = 0.9
"""Share of the time that a GPU does something, above which none is given up. Less says little of what it could do."""

_AT_REST: Final = frozenset({Phase.IDLE, Phase.ABORTED, Phase.PREPARING, Phase.BLOCKED, Phase.PAUSED})
"""Phases in which no rollout changes what any revision gets, unless its candidate has got something already."""

TRIES_EVERY: Final = timedelta(minutes=10)
"""So often one more is asked for, though somebody comes first: what that one waits for may be of no use to him."""

_COLD: Final = 60.0
"""Seconds that a pod is taken to need until it is ready, until one was seen."""


@dataclass(frozen=True, slots=True)
class Sizing:
    """The replicas, and why.

    Attributes:
        status: as it is written.
        finding: of the condition ScalingActive.
    """

    status: ScalingStatus
    finding: Finding


def sized(  # noqa: PLR0913 - what a pass has
    wish: Wish, status: ModelDeploymentStatus, before: Ledger, seen: Seen, now: datetime, *, wakes: bool
) -> tuple[Wish, Sizing | None]:
    """The wish with the replicas that scaling asks for; without scaling it is as it was.

    `wakes` says that pods are needed although nobody asks the model anything.
    """
    if wish.scaling is None:
        return wish, None
    asked = wish.scaling.at(now)
    stable = next((each for each in seen.revisions if each.number == before.stable), None)
    known = status.scaling
    has = _has(wish, asked, known, seen)
    knobs = knobs_of(asked, known.cold_start_seconds if known else None, awake=True)
    advice = _advice(known, seen, has, knobs, now)
    led = bool(status.candidate and status.candidate.weight)
    moves = led or status.phase not in _AT_REST or not runs(before.traffic, seen)
    since = now - known.changed_at if known else timedelta()
    allowed = _allowed(advice, has, stable, seen, since, moves=moves) if asked.acts else advice
    if asked.acts and not (asked.least or wakes) and _sleeps(asked, known, before, stable, seen, moves=moves):
        allowed = replace(allowed, pods=0, limited="idle")
    elif allowed.limited == "min" or (not asked.least and allowed.pods == 1 and allowed.limited == "step"):
        allowed = replace(allowed, limited=_whose_least(asked))
    desired = max(0 if allowed.limited == "idle" else 1, asked.least, min(asked.most, allowed.pods))
    desired = desired if asked.acts else wish.replicas
    case = Case(asked, known, stable, seen, desired, allowed, now)
    said = next((each for each in status.conditions or () if each.type == ConditionType.SCALING_ACTIVE), None)
    return replace(wish, replicas=desired), Sizing(account(case), finding(case, said))


def knobs_of(asked: ScalingWish, cold: int | None, *, awake: bool) -> Knobs:
    """The controller's terms: it never finds that a model should sleep, which is no matter of how much it has to do."""
    least = max(asked.least, int(awake))
    return Knobs(least, asked.most, asked.metric, asked.target, asked.capacity, cold=cold or _COLD)


def _sleeps(  # noqa: PLR0913
    asked: ScalingWish,
    known: ScalingStatus | None,
    before: Ledger,
    stable: RevisionSeen | None,
    seen: Seen,
    *,
    moves: bool,
) -> bool:
    """Whether there are to be no pods: it goes on sleeping until it is called, and falls asleep at rest."""
    if known is not None and known.desired == 0:
        return not is_called(before.traffic, seen.work)
    rests = stable is not None and may_rest(asked, seen.work) and not _keeps(0, stable, seen, moves=moves)
    return rests and can_hold(seen)


def _whose_least(asked: ScalingWish) -> str:
    """Who says that there are to be no fewer."""
    if not asked.least:
        return "awake"
    return "schedule" if asked.schedules else "min"


def _has(wish: Wish, asked: ScalingWish, known: ScalingStatus | None, seen: Seen) -> int:
    """Replicas that were asked for until now; at the beginning, or with the status lost, as many as there are.

    Where nothing is done, it is what would be asked for by now.
    """
    if not asked.acts:
        return known.recommended if known and known.recommended is not None else wish.replicas
    if known is not None:
        return known.desired
    return max((each.replicas for each in seen.deployments), default=0) or asked.least


def _advice(known: ScalingStatus | None, seen: Seen, has: int, knobs: Knobs, now: datetime) -> Advice:
    work = seen.work
    if work is None:
        return Advice(has)
    lowered = work.at - (now - known.changed_at).total_seconds() if known else float("-inf")
    return advise(replace(work.memory, lowered=lowered), work.need, has, knobs, work.at)[1]


def _allowed(  # noqa: PLR0913
    advice: Advice, has: int, stable: RevisionSeen | None, seen: Seen, since: timedelta, *, moves: bool
) -> Advice:
    why, pods = "", pods_of(seen, stable) if stable else ()
    least = min(has, sum(not waits(pod) for pod in pods)) if any(map(waits, pods)) else has
    if seen.work and seen.work.first and advice.pods > least:
        tries = least == has and since >= TRIES_EVERY
        return replace(advice, pods=has + 1 if tries else least, limited="priority")
    if advice.pods > has and want_of_room(seen, stable):
        why = "room"
    elif advice.pods < has:
        why = _keeps(advice.pods, stable, seen, moves=moves) if stable else "starting"
    return replace(advice, pods=has, limited=why) if why else advice


def _keeps(wanted: int, stable: RevisionSeen, seen: Seen, *, moves: bool) -> str:
    """What keeps pods from going, in one word; empty where nothing does."""
    work, pods = seen.work, pods_of(seen, stable)
    if work and work.partial:
        return "partial"
    if moves:
        return "rollout"
    if work and (work.gpu or 0.0) > BUSY:
        return "gpu"
    return "starting" if any(map(_starts, pods)) or sum(pod.ready for pod in pods) < wanted else ""


def _starts(pod: PodSeen) -> bool:
    return not pod.ready and (pod.trouble is None or pod.trouble.reason == Reason.STARTING)
