"""The conditions: what is true, in one word for programs and a sentence for people.

A sentence says which object, what happened and what to do. It has no counters and no times, so that it changes only
with what it says.
"""

from tritium.api import names
from tritium.api.conditions import ConditionType, Finding, Status
from tritium.api.fetch import FetchReason
from tritium.core.arms import first_trouble
from tritium.core.experiment import is_over
from tritium.core.following import told
from tritium.core.gateway import gateway_trouble, is_held, not_asked_yet, reached, refused_by_envoy, runs
from tritium.core.leaving import stuck
from tritium.core.lookup import comes_first, pods_of, trouble_of
from tritium.core.mirror import trouble as mirror_trouble
from tritium.core.mirror import without_effect
from tritium.core.plan import Course, Target, View
from tritium.core.reasons import Reason
from tritium.core.recreate import is_down
from tritium.core.remedies import REMEDIES
from tritium.core.request_log import log_finding
from tritium.core.retreat import retreating
from tritium.core.seen import Refusal, RevisionSeen, Seen, Trouble
from tritium.core.telling import NEEDS_A_PERSON, advice, led_to, waits_for, where
from tritium.core.traffic import leads_to
from tritium.core.wish import Wish
from tritium.core.wording import sentence, span, steady

_WITHOUT_REGARD_TO_LOADING = frozenset(
    {
        Reason.GATE_FAILED,
        Reason.BAKE_FAILED,
        Reason.INSUFFICIENT_DATA,
        Reason.SMOKE_TEST_FAILED,
        Reason.ABORTED_BY_HAND,
        Reason.ROLLED_BACK,
    }
)
"""Why a revision was turned down that says nothing against its being loaded."""
_FIXED = Finding(ConditionType.SCALING_ACTIVE, "False", Reason.FIXED_REPLICAS, "spec.replicas decides")
RETRY_BY_HAND = f"edit the spec, or annotate the object with {names.ACTION}=retry@1 (another word after @ each time)"


def findings(view: View) -> tuple[Finding, ...]:
    """One finding for each condition that the object is to have."""
    wish, target, course, seen = view.wish, view.target, view.course, view.seen
    released = _released(view)
    stalled = _stalled(view, released)
    return (
        _ready(view),
        released,
        _reconciling(wish, course, seen, released, stalled),
        stalled,
        _source_ready(wish, target, course, seen),
        _model_loaded(wish, target, course, seen),
        _traffic(course, seen),
        view.sizing.finding if view.sizing else _FIXED,
        *([found] if (found := log_finding(wish.log, wish.log_wrong, seen)) else []),
    )


def refused(seen: Seen, *kinds: str) -> Refusal | None:
    """The first object that could not be had, of these kinds or of any."""
    return next((each for each in seen.refusals if not kinds or each.kind in kinds), None)


def _ready(view: View) -> Finding:
    wish, target, course, seen = view.wish, view.target, view.course, view.seen
    if course.ledger.stable is None:
        return _not_yet(wish, target, course, seen)
    serving = reached(seen, course.ledger.stable if course.tried else None)
    if serving is None and view.served and not_asked_yet(seen) and _has_ready_pods(course, seen):
        # As nodes are drained: the pod that answered has gone, and the one in its place is ready since this moment.
        serving = course.ledger.stable
    if serving is not None:
        return Finding(ConditionType.READY, "True", Reason.SERVING, f"revision {serving} serves")
    if wish.replicas == 0 and not wish.asleep:
        return Finding(ConditionType.READY, "False", Reason.NO_REPLICAS, "spec.replicas is 0")
    refusal = refused(seen, "Service")
    if refusal:
        return Finding(ConditionType.READY, "False", refusal.reason, refusal.message)
    if wish.asleep and is_held(course.ledger.traffic, seen):
        return Finding(ConditionType.READY, "True", Reason.ASLEEP, _asleep(course))
    trouble = _recreating(wish, course, seen) or _not_serving(wish, course, seen)
    return Finding(ConditionType.READY, "False", trouble.reason, trouble.message)


def _asleep(course: Course) -> str:
    held = course.ledger.traffic.hold.ms if course.ledger.traffic and course.ledger.traffic.hold else 0
    waits = f"and waits for that up to {span(held / 1000)}" if held else "and is refused until it is awake"
    return f"{_stable(course)} sleeps: the next request wakes it, {waits}"


def _recreating(wish: Wish, course: Course, seen: Seen) -> Trouble | None:
    """Nobody is served, and that was asked for."""
    candidate = course.candidate
    if candidate is None or not is_down(wish, course.ledger, seen):
        return None
    said = f": {course.trouble.message}" if course.trouble else ""
    then = "is being made ready"
    if course.stable and any(pod.revision == course.stable.hash for pod in seen.pods):  # they end
        then = "gets its own when the last of them has ended"
    message = (
        f"rollout.strategy is recreate: {_stable(course)} has given up its pods, and revision {candidate.number} {then}"
    )
    return Trouble("rollout", Reason.RECREATING, f"{message}{said}")


def _not_serving(wish: Wish, course: Course, seen: Seen) -> Trouble:
    """Why no request reaches the stable revision."""
    if trouble := _short(wish, course, seen):
        return trouble
    if wish.asleep or _has_ready_pods(course, seen):
        return gateway_trouble(seen)
    return Trouble("pod", Reason.STARTING, f"no pod of {_stable(course)} is ready")


def _short(wish: Wish, course: Course, seen: Seen) -> Trouble | None:
    """What keeps the stable revision from having its pods."""
    if course.stable is None:
        return None
    waits = wish.replaces or wish.recreates
    return trouble_of(seen, course.stable) or (stuck(seen, course.stable) if waits else None)


def _has_ready_pods(course: Course, seen: Seen) -> bool:
    return course.stable is not None and any(pod.ready for pod in pods_of(seen, course.stable))


def _not_yet(wish: Wish, target: Target, course: Course, seen: Seen) -> Finding:
    trouble = target.trouble or course.trouble
    if trouble:
        return Finding(ConditionType.READY, "False", trouble.reason, trouble.message)
    if course.candidate is None:
        reason, message = _no_revision(wish, target, seen)
    else:
        reason, message = Reason.STARTING, f"revision {course.candidate.number} is being made ready"
    return Finding(ConditionType.READY, "False", reason, message)


def _no_revision(wish: Wish, target: Target, seen: Seen) -> tuple[Reason, str]:
    """Why it is not known yet what to serve, while nothing is wrong with the source."""
    if target.pin_missing:
        return Reason.PIN_NOT_FOUND, _pin_not_found(wish, seen)
    return Reason.RESOLVING, "the source is being listed"


def _released(view: View) -> Finding:
    wish, target, course, seen = view.wish, view.target, view.course, view.seen
    kind = ConditionType.RELEASED
    if target.pin_missing:
        return Finding(kind, "False", Reason.PIN_NOT_FOUND, _pin_not_found(wish, seen))
    wanted = target.revision
    if wanted is None:
        return _unresolved(target)
    if wanted.number == course.ledger.stable and not leads_to(wish, course, wanted, seen):
        trouble = refused(seen, "Service") or trouble_of(seen, wanted)
        said = f": {trouble.message}" if trouble else ""
        return Finding(kind, "False", Reason.ROLLING_OUT, f"clients are being led to revision {wanted.number}{said}")
    if wanted.number == course.ledger.stable:
        reason, who = (Reason.PINNED, "pinRevision") if wish.pin else (Reason.RELEASED, "the spec")
        words, paused = f"revision {wanted.number} is the one that {who} asks for", advice(view)
        return Finding(kind, "True", reason, f"{sentence(words)} {paused}" if paused else words)
    rejection = course.ledger.rejection(wanted.number)
    if rejection and course.candidate is None:
        why = sentence(f"revision {wanted.number} was turned down: {rejection.reason}: {rejection.message}")
        return Finding(kind, "False", Reason.ABORTED, f"{why} {_goes_on(wish, course, seen)}; {RETRY_BY_HAND}")
    said = f": {course.trouble.message}" if course.trouble else ""
    words = f"{where(view, wanted)}{said}"
    paused, reason = advice(view), Reason.EXPERIMENT_RUNNING if course.arms else Reason.ROLLING_OUT
    return Finding(kind, "False", reason, f"{sentence(words)} {paused}" if paused else words)


def _goes_on(wish: Wish, course: Course, seen: Seen) -> str:
    """Who has the requests of a revision that was turned down."""
    serving, stable = min(retreating(course), default=None), course.ledger.stable
    if serving is None and (course.stable is None or not wish.replicas or _has_ready_pods(course, seen)):
        return f"Revision {stable} goes on"
    trouble = trouble_of(seen, course.stable) if course.stable else None
    said = f" ({trouble.message.rstrip('.')})" if trouble else ""
    if serving is None and wish.recreates and _others_end(course, seen):
        return f"Revision {stable} gets its pods again when the others have ended"
    if serving is None:
        return f"The pods of revision {stable} are being made again{said}"
    words = f"Revision {stable} has not pods enough yet{said}: until it has, revision {serving} serves the rest"
    return f"{words}, and holds room for as many pods as that needs" if comes_first(seen, course.stable) else words


def _others_end(course: Course, seen: Seen) -> bool:
    return course.stable is not None and any(pod.revision != course.stable.hash for pod in seen.pods)


def _pin_not_found(wish: Wish, seen: Seen) -> str:
    numbers = ", ".join(str(number) for number in sorted(each.number for each in seen.revisions)) or "none"
    return f"spec.pinRevision: {wish.pin} is not kept (kept: {numbers}); nothing was changed. Name a kept one"


def _unresolved(target: Target) -> Finding:
    kind = ConditionType.RELEASED
    if target.trouble:
        return Finding(kind, "False", Reason.RESOLVE_FAILED, f"{target.trouble.reason}: {target.trouble.message}")
    return Finding(kind, "Unknown", Reason.RESOLVING, "the source is being listed")


def _stalled(view: View, released: Finding) -> Finding:
    seen, kind = view.seen, ConditionType.STALLED
    waiting = waits_for(view)
    if waiting in NEEDS_A_PERSON:
        return Finding(kind, "True", waiting, released.message)
    trouble = view.course.trouble
    if trouble and trouble.reason in {Reason.SIGNATURE_CHANGED, Reason.NO_PROMETHEUS}:
        return Finding(kind, "True", trouble.reason, released.message)
    if released.reason in {Reason.PIN_NOT_FOUND, Reason.ABORTED}:
        return Finding(kind, "True", released.reason, released.message)
    of_preview = seen.preview_refusal if released.status == "True" else None  # no rollout waits for a preview
    refusals = (*seen.refusals, *([of_preview] if of_preview else ()))
    needs_a_person = (each for each in refusals if each.reason in {Reason.NAME_TAKEN, Reason.OBJECT_REFUSED})
    refusal = next(needs_a_person, None)
    if refusal:
        return Finding(kind, "True", refusal.reason, refusal.message)
    return Finding(kind, "False", Reason.NOT_STALLED, "nothing waits for a person")


def _reconciling(wish: Wish, course: Course, seen: Seen, released: Finding, stalled: Finding) -> Finding:
    kind = ConditionType.RECONCILING
    if stalled.status == "True":
        return Finding(kind, "False", stalled.reason, "waits for a person; see the condition Stalled")
    if released.status != "True":
        return Finding(kind, "True", released.reason, released.message)
    ready = sum(pod.ready for pod in pods_of(seen, course.stable)) if course.stable else 0
    if ready < wish.replicas:
        waits = _short(wish, course, seen) or Trouble(
            "pod", Reason.STARTING, f"not all pods of {_stable(course)} are ready"
        )
        return Finding(kind, "True", waits.reason, waits.message)
    if not runs(course.ledger.traffic, seen):
        waits = gateway_trouble(seen)
        return Finding(kind, "True", waits.reason, waits.message)
    if trouble := _of_experiment(wish, course, seen):
        return Finding(kind, "True", trouble.reason, trouble.message)
    idle = without_effect(wish, course)
    return Finding(kind, "False", Reason.SETTLED, f"nothing is under way; {idle}" if idle else "nothing is under way")


def _of_experiment(wish: Wish, course: Course, seen: Seen) -> Trouble | None:
    """What keeps an experiment, or copies, from being as they are asked for."""
    if wish.experiment and not (course.arms or is_over(wish, course.ledger)):
        gains = "its pods" if retreating(course) else "baked"
        waits = f"the experiment waits until {_stable(course)} has {gains}"
        if wish.recreates:
            waits = "with rollout.strategy recreate only one revision runs, and no arm"
        return Trouble("experiment", Reason.ROLLING_OUT, waits)
    return first_trouble(wish, course, seen) or mirror_trouble(wish, course, seen)


def _source_ready(wish: Wish, target: Target, course: Course, seen: Seen) -> Finding:
    kind = ConditionType.SOURCE_READY
    revision = target.revision or (course.stable if target.pin_missing else None)
    if revision is None:
        if target.trouble and target.trouble.component == "Service":
            # Without a name nothing is listed: that is nothing against the source.
            return Finding(kind, "Unknown", Reason.RESOLVING, "the source is not listed yet")
        if target.trouble:
            return Finding(kind, "False", target.trouble.reason, target.trouble.message)
        return Finding(kind, "Unknown", *_no_revision(wish, target, seen))
    failed = _fetch_trouble(revision, course, seen) or _no_changes_are_seen(wish, target, course, seen)
    if failed:
        return Finding(kind, "False", failed.reason, failed.message)
    if any(pod.fetched and pod.fetched.digest for pod in pods_of(seen, revision)) or revision.hash in seen.digests:
        return Finding(kind, "True", Reason.VERIFIED, f"the files of revision {revision.number} were verified")
    return Finding(kind, "True", Reason.RESOLVED, f"the files of revision {revision.number} were found")


def _fetch_trouble(revision: RevisionSeen, course: Course, seen: Seen) -> Trouble | None:
    rejection = course.ledger.rejection(revision.number)
    if rejection and rejection.reason in set(FetchReason):
        return Trouble("fetch", rejection.reason, rejection.message or "")
    troubles = (pod.trouble for pod in pods_of(seen, revision))
    return next((each for each in troubles if each and each.reason in set(FetchReason)), None)


def _no_changes_are_seen(wish: Wish, target: Target, course: Course, seen: Seen) -> Trouble | None:
    """Why changes at the source, which are to be looked for, would not be noticed. What there is goes on."""
    if not wish.follows:
        return None
    news = told(wish, course.ledger, seen)
    if news and news.failure:
        words = f"{sentence(news.failure.message)} What was fetched goes on; a change would not be noticed"
        return Trouble("follow", news.failure.reason, words)
    return target.trouble or seen.unfollowed


def _model_loaded(wish: Wish, target: Target, course: Course, seen: Seen) -> Finding:
    kind = ConditionType.MODEL_LOADED
    revision = target.revision or course.stable
    if revision is None:
        return Finding(kind, "Unknown", *_no_revision(wish, target, seen))
    if any(pod.ready for pod in pods_of(seen, revision)):
        return Finding(
            kind, "True", Reason.LOADED, f"Triton serves the model {wish.model} of revision {revision.number}"
        )
    rejection = course.ledger.rejection(revision.number)
    trouble = trouble_of(seen, revision)
    if rejection and rejection.reason not in _WITHOUT_REGARD_TO_LOADING:
        return Finding(kind, "False", rejection.reason, rejection.message or "")
    if trouble and trouble.reason != Reason.STARTING:
        return Finding(kind, "False", trouble.reason, trouble.message)
    if wish.replicas == 0:
        asleep = Reason.ASLEEP, f"revision {revision.number} is loaded when it wakes"
        return Finding(kind, "Unknown", *(asleep if wish.asleep else (Reason.NO_REPLICAS, "spec.replicas is 0")))
    message = trouble.message if trouble else f"the pods of revision {revision.number} are being made"
    unmade = None if trouble else _without_pods(course, revision)
    return Finding(kind, "Unknown", *(unmade or (Reason.STARTING, message)))


def _without_pods(course: Course, revision: RevisionSeen) -> tuple[Reason, str] | None:
    """Why no pods are being made for the revision that is asked for."""
    sides = (arm.revision for arm in course.arms)
    if revision.number in {each.number for each in (course.stable, course.candidate, *sides) if each}:
        return None
    if rejection := course.ledger.rejection(revision.number):
        return (
            Reason.ABORTED,
            f"revision {revision.number} was turned down ({rejection.reason}), and has no pods any more",
        )
    if course.arms:
        return Reason.EXPERIMENT_RUNNING, f"revision {revision.number} gets no pods before the experiment is over"
    return None


def _traffic(course: Course, seen: Seen) -> Finding:
    kind = ConditionType.TRAFFIC_CONFIGURED
    refusal = refused(seen, "Service")
    if refusal:
        return Finding(kind, "False", refusal.reason, refusal.message)
    rejected = refused_by_envoy(seen)
    if rejected:
        reason = Reason.GATEWAY_REJECTED
        words = sentence(f"Envoy refuses the configuration, and the one before goes on: {steady(rejected)}")
        return Finding(kind, "False", reason, f"{words} {REMEDIES[reason]}")
    if course.ledger.stable is None and seen.gateway_trouble:
        return Finding(kind, "False", seen.gateway_trouble.reason, seen.gateway_trouble.message)
    if course.ledger.stable is None:
        return Finding(kind, "Unknown", Reason.STARTING, "no revision serves yet")
    if runs(course.ledger.traffic, seen):
        told = f"every gateway pod sends requests to {led_to(course)}"
        return _without_preview(seen) or Finding(kind, "True", Reason.CONFIGURED, told)
    trouble = gateway_trouble(seen)
    status: Status = "Unknown" if trouble.reason == Reason.STARTING else "False"
    return Finding(kind, status, trouble.reason, trouble.message)


def _without_preview(seen: Seen) -> Finding | None:
    """The preview's Service could not be had."""
    refusal = seen.preview_refusal
    if refusal is None:
        return None
    words = f"{sentence(refusal.message)} Only the preview has no address: requests and rollouts go on"
    return Finding(ConditionType.TRAFFIC_CONFIGURED, "False", refusal.reason, words)


def _stable(course: Course) -> str:
    return f"revision {course.ledger.stable}"
