"""Events: what a person should know happened, told once, when it happens."""

from collections.abc import Iterator
from typing import Literal

from tritium.api.conditions import Condition, ConditionType
from tritium.api.status import STABLE_ARM, Failure, ModelDeploymentStatus
from tritium.core.plan import Notice, Target
from tritium.core.pod_trouble import POD
from tritium.core.reasons import Reason
from tritium.core.strategy import NO_STEPS, with_capacity
from tritium.core.telling import NEEDS_A_PERSON
from tritium.core.wish import Wish


def notices(
    before: ModelDeploymentStatus, after: ModelDeploymentStatus, target: Target, wish: Wish
) -> tuple[Notice, ...]:
    """The differences between two statuses that are news."""
    return (
        *_created(before, after),
        *_moved(before, after),
        *_promoted(before, after, wish),
        *_recreating(before, after),
        *_scaled(before, after),
        *_stepped(before, after),
        *_paused(before, after),
        *_rejected(before, after),
        *_left(before, after),
        *_failed(before, after),
        *_experiment(before, after),
        *_pin(before, after, target),
    )


def _created(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Notice]:
    known = {each.revision for each in before.revisions or ()}
    for each in after.revisions or ():
        if each.revision not in known:
            yield Notice("Normal", Reason.REVISION_CREATED, f"revision {each.revision} is {each.name}")


def _moved(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Notice]:
    """That the source is another than it was, without anybody's having edited the spec."""
    old, new = before.source, after.source
    if not (old and new) or old.written != new.written or old.fingerprint == new.fingerprint:
        return
    held = (
        each for each in after.revisions or () if (each.written, each.fingerprint) == (new.written, new.fingerprint)
    )
    for each in held:
        yield Notice("Normal", Reason.SOURCE_MOVED, f"the source now holds what revision {each.revision} was made from")


def _promoted(before: ModelDeploymentStatus, after: ModelDeploymentStatus, wish: Wish) -> Iterator[Notice]:
    old, new = (status.stable.revision if status.stable else None for status in (before, after))
    if new is None or new == old:
        return
    told = {each.revision: each.weight for each in (after.traffic.revisions or () if after.traffic else ())}
    if old is not None and told.get(old):
        message = f"revision {new} is stable again, and revision {old} serves what it has no pods for yet"
        yield Notice("Normal", Reason.PROMOTED, message)
        return
    rest = f"; revision {old} {_pods_of_the_one_before(wish)}" if old is not None else ""
    yield Notice("Normal", Reason.PROMOTED, f"revision {new} serves{rest}")


def _scaled(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Notice]:
    old, new = before.scaling, after.scaling
    if old and new and old.desired != new.desired:
        yield Notice("Normal", Reason.SCALED, f"{old.desired} -> {new.desired} pods: {new.message or 'other bounds'}")


def _recreating(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Notice]:
    """That from now on nobody is served, which was asked for."""
    was, now = (_finding(status, ConditionType.READY) for status in (before, after))
    if now and now.reason == Reason.RECREATING and (was is None or was.reason != Reason.RECREATING):
        yield Notice("Normal", Reason.RECREATING, now.message)


def _pods_of_the_one_before(wish: Wish) -> str:
    """What becomes of the pods of the revision that was stable before."""
    if wish.recreates:
        return "has given its pods up"
    return "gives its last pod up" if wish.replaces else f"keeps its pods for {wish.bake_time.total_seconds():g} s"


def pending(before: ModelDeploymentStatus, after: ModelDeploymentStatus, asked: Wish) -> Iterator[Notice]:
    """That a change of `spec.rollout` waits for the next rollout: told with the generation that has it."""
    old, new = before.candidate, after.candidate
    if before.observed_generation == after.observed_generation or not (old and new and old.revision == new.revision):
        return
    now = with_capacity(asked.strategy, asked.capacity)
    if new.settings and new.settings == old.settings and new.settings not in {NO_STEPS, now}:
        message = (
            f"spec.rollout was changed: it counts from the next rollout on; revision {new.revision} goes on as it began"
        )
        yield Notice("Normal", Reason.STRATEGY_CHANGE_PENDING, message)


def _stepped(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Notice]:
    old, new = before.candidate, after.candidate
    had = old.weight if old and new and old.revision == new.revision else 0
    if after.stable and new and new.revision == after.stable.revision:
        return  # it has all of it, and that was told as its promotion
    if new and new.weight and new.weight != had:
        step = f", step {new.step + 1}" if new.step is not None else ""
        yield Notice("Normal", Reason.ROLLOUT_STEP, f"revision {new.revision} has {new.weight} % of the traffic{step}")


def _paused(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Notice]:
    old, new = (status.candidate.paused if status.candidate else None for status in (before, after))
    if new and new != old:
        kind: Literal["Normal", "Warning"] = "Warning" if new.reason in NEEDS_A_PERSON else "Normal"
        yield Notice(kind, new.reason, _released(after))


def _rejected(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Notice]:
    known = {each.revision for each in before.rejected_revisions or ()}
    for each in after.rejected_revisions or ():
        if each.revision not in known:
            reason = Reason.ROLLED_BACK if each.reason == Reason.ROLLED_BACK else Reason.ABORTED
            yield Notice(
                "Warning", reason, f"revision {each.revision} is not tried again: {each.reason}: {each.message}"
            )


def _left(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Notice]:
    """That requests went back from a candidate which nobody has turned down."""
    back = after.last_rollback
    if back is None or back == before.last_rollback:
        return
    rejected = {each.revision for each in after.rejected_revisions or ()}
    if back.from_revision not in rejected and before.stable and before.stable.revision == back.to_revision:
        went = f"requests go back from revision {back.from_revision} to revision {back.to_revision}: {back.message}"
        yield Notice("Normal", Reason.ROLLED_BACK, went)


def _experiment(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Notice]:
    was, runs = (bool(status.arms) and not status.experiment_ended for status in (before, after))
    if runs and not was:
        arms = ", ".join(each.name for each in after.arms or () if each.name != STABLE_ARM)
        yield Notice("Normal", Reason.EXPERIMENT_RUNNING, f"an experiment runs with the arms {arms}; rollouts wait")
    if was and not runs:
        ended = after.experiment_ended
        why = f"{ended.reason}; it runs again when spec.experiment is changed" if ended else "it was removed"
        stable = after.stable.revision if after.stable else None
        yield Notice("Normal", Reason.EXPERIMENT_ENDED, f"all requests go to revision {stable}: {why}")


def _failed(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Notice]:
    failure = after.last_failure
    if failure and failure != before.last_failure:
        yield Notice("Warning", failure.reason, f"{_where(failure)}: {failure.message}")


def _where(failure: Failure) -> str:
    if failure.pod is None:
        return failure.component
    return f"pod {failure.pod}" if failure.component == POD else f"{failure.component} in pod {failure.pod}"


def _pin(before: ModelDeploymentStatus, after: ModelDeploymentStatus, target: Target) -> Iterator[Notice]:
    if target.pin_missing and _released(before) != _released(after):
        yield Notice("Warning", Reason.PIN_NOT_FOUND, _released(after))


def _released(status: ModelDeploymentStatus) -> str:
    found = _finding(status, ConditionType.RELEASED)
    return found.message if found else ""


def _finding(status: ModelDeploymentStatus, kind: ConditionType) -> Condition | None:
    return next((each for each in status.conditions or () if each.type is kind), None)
