"""Which revisions are not tried again: those whose model is at fault, and those that a person left."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from tritium.core.actions import RETRY
from tritium.core.diagnosis import worst
from tritium.core.ledger import Ledger
from tritium.core.lookup import deployment_of, pods_of
from tritium.core.plan import Target
from tritium.core.reasons import Reason
from tritium.core.recreate import cannot_start
from tritium.core.remedies import REMEDIES
from tritium.core.seen import Answer, PodSeen, RevisionSeen, Seen, Trouble
from tritium.core.target import of_spec
from tritium.core.wish import Wish


def turn_down(  # noqa: PLR0913
    wish: Wish, ledger: Ledger, target: Target, seen: Seen, now: datetime, *, waits: bool = False
) -> Ledger:
    """The ledger with what this pass found out about the revision that is asked for.

    Args:
        wish: what is asked for.
        ledger: what was decided before.
        target: which revision the spec asks for.
        seen: what is there.
        now: the time.
        waits: that revision waits, since an experiment runs.
    """
    wanted = target.revision
    if wish.pin is not None:
        return _pinned_away(wish, ledger, target, seen, now)
    ledger = _another_chance(wish, ledger, seen)
    if wanted is None:
        return ledger
    if wanted.number == ledger.stable:
        # Back on it without a pin: whoever asked for it wants it.
        return ledger.accept(wanted.number)
    if ledger.stable is None or waits:
        # The first revision has nothing to fall back to: its pods go on trying, and a new spec replaces it. While an
        # experiment runs nothing is rolled out: the revision may be an arm that has requests.
        return ledger
    pods = _judged(ledger, pods_of(seen, wanted))
    failure = _own_failure(wish, pods, seen) or cannot_start(wish, ledger, wanted, pods, seen)
    if failure is None:
        return ledger
    tests = wish.smoke_tests if failure.reason == Reason.SMOKE_TEST_FAILED else ""
    return ledger.reject(wanted.number, failure.reason, failure.message, now, smoke_tests=tests)


def _another_chance(wish: Wish, ledger: Ledger, seen: Seen) -> Ledger:
    """Who corrects a smoke test, or comes back to a revision after having asked for another, wants it tried."""
    other = {each.number for each in seen.revisions if each.written != wish.written}
    for each in ledger.rejected:
        was_left = each.reason == Reason.ROLLED_BACK and each.revision in other
        if was_left or (each.smoke_tests and each.smoke_tests != wish.smoke_tests):
            ledger = ledger.accept(each.revision)
    return ledger


def _pinned_away(wish: Wish, ledger: Ledger, target: Target, seen: Seen, now: datetime) -> Ledger:
    """Whoever pins away from the spec's revision does not want it back when the pin goes."""
    left = of_spec(wish, ledger, seen.revisions)
    if target.revision is None or ledger.stable is None:
        return ledger
    ledger = ledger.accept(target.revision.number)
    if left is None or left.number == target.revision.number:
        return ledger
    deployment = deployment_of(seen, left)
    begun = ledger.progress is not None and ledger.progress.revision == left.number  # it may have no pods yet
    under_way = begun or left.number == ledger.stable or (deployment is not None and deployment.replicas > 0)
    message = f"pinRevision: {target.revision.number} was set instead"
    return ledger.reject(left.number, Reason.ROLLED_BACK, message, now) if under_way else ledger


def outlived(wish: Wish, ledger: Ledger, revision: RevisionSeen, seen: Seen) -> frozenset[str]:
    """Uids of pods from before a retry that would only say again why their revision was turned down."""
    pods = pods_of(seen, revision)
    young = _judged(ledger, pods)
    return frozenset(pod.uid for pod in pods if pod not in young and _own_failure(wish, (pod,), seen))


def _judged(ledger: Ledger, pods: Iterable[PodSeen]) -> tuple[PodSeen, ...]:
    """Pods that may speak against their revision: after a retry only those that are younger than it."""
    since = ledger.action.at if ledger.action and ledger.action.verb == RETRY else None
    return tuple(pod for pod in pods if since is None or pod.created > since)


def _own_failure(wish: Wish, pods: Sequence[PodSeen], seen: Seen) -> Trouble | None:
    rejecting = worst([pod.trouble for pod in pods if pod.trouble and pod.trouble.rejects])
    return rejecting or (failed_smoke_test(pods, seen) if wish.smoke_tests else None)


def unasked_smoke_test(pods: Iterable[PodSeen], seen: Seen) -> Trouble | None:
    """The first pod, by name, that is ready and cannot be asked: nothing is known of the model then."""
    unasked = (pod for pod in pods if pod.uid in seen.smoke and seen.smoke[pod.uid].answer is Answer.UNREACHABLE)
    pod = min((each for each in unasked if each.ready), key=lambda each: each.name, default=None)
    if pod is None:
        return None
    reason = Reason.SMOKE_TEST_UNREACHABLE
    message = f"A pod is ready and cannot be asked: {seen.smoke[pod.uid].message}".rstrip(".: ")
    return Trouble("smokeTest", reason, f"{message}. {REMEDIES[reason]}", pod.name)


def failed_smoke_test(pods: Iterable[PodSeen], seen: Seen) -> Trouble | None:
    """The first pod, by name, that answered its smoke test wrongly."""
    failed = (pod for pod in pods if pod.uid in seen.smoke and seen.smoke[pod.uid].answer is Answer.FAILED)
    pod = min(failed, key=lambda each: each.name, default=None)
    if pod is None:
        return None
    return Trouble("smokeTest", Reason.SMOKE_TEST_FAILED, seen.smoke[pod.uid].message, pod.name, rejects=True)


def of_smoke_test(wish: Wish, ledger: Ledger, revision: RevisionSeen, seen: Seen) -> Trouble | None:
    """What the smoke test has against a revision beside the rollout; what was stable before has long passed it."""
    if not wish.smoke_tests or revision.number in ledger.promoted:
        return None
    pods = pods_of(seen, revision)
    return failed_smoke_test(pods, seen) or unasked_smoke_test(pods, seen)
