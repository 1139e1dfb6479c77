"""A rollout in steps: more and more of the traffic goes to the candidate, as long as the gates let it.

Capacity first, then weight, then every gateway pod says that it runs it; only then a step's clock runs and its gates
count. Everything is decided from what the status keeps (`Progress`) and what is seen. The table is in
`docs/architecture.md`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from tritium.api.rollout import Analysis
from tritium.api.status import LastRollback
from tritium.core.actions import ABORT, PAUSE, PROMOTE, RESUME, SKIP_STEP, asks, done
from tritium.core.compatibility import admitted, promotion
from tritium.core.deadline import clocked, due_at
from tritium.core.exposure import by_hand, exposed, goes_now, most, needed, proven, reached, returns
from tritium.core.gate import Gate, Verdict
from tritium.core.gates import MIN_REQUESTS, judge
from tritium.core.gateway import available, reachable, runs
from tritium.core.ledger import Ledger, Progress
from tritium.core.lookup import deployment_of, pods_of
from tritium.core.reasons import Reason
from tritium.core.sample import Sample
from tritium.core.seen import RevisionSeen, Seen
from tritium.core.strategy import NO_STEPS, StepOf, Strategy, strategy, with_capacity
from tritium.core.target import by_number
from tritium.core.wish import Wish


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a pass makes of a rollout in steps.

    Attributes:
        gates: what they see.
        promoted: the candidate is to become stable now.
    """

    ledger: Ledger
    gates: tuple[Gate, ...] = ()
    promoted: bool = False


def in_steps(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> bool:
    """Whether this candidate gets its traffic in steps.

    One that was stable before comes back without; with `capacity: replace` still pod by pod. So does any, where there
    is no stable revision to compare it with.
    """
    has_begun = ledger.progress is not None and ledger.progress.revision == candidate.number
    if by_number(seen.revisions, ledger.stable) is None:
        return False
    if candidate.number in ledger.promoted:
        return wish.replaces
    if wish.replicas == 0 and not has_begun:  # one that has begun waits for pods
        return False
    return wish.replaces or bool(strategy(under_way(wish, ledger, candidate).settings).steps)


def proceed(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen, now: datetime) -> Outcome:
    """One pass of a candidate that gets its traffic in steps."""
    asked = asks(wish, ledger, PROMOTE)
    ledger = replace(ledger, progress=under_way(wish, ledger, candidate))
    ledger = promotion(wish, done(wish, ledger, now) if asked else ledger, candidate, seen, asked=asked)
    if asks(wish, ledger, ABORT) and wish.pin == candidate.number:
        ledger = done(wish, ledger, now)  # the next pass would take it up again: the spec asks for it
    ledger = clocked(wish, ledger, candidate, seen, now)
    return _Turn(wish, ledger, candidate, seen, now).outcome()


def wakes(wish: Wish, ledger: Ledger, candidate: RevisionSeen | None, seen: Seen, now: datetime) -> datetime | None:
    """When a step may end, or the deadline be over, although nothing happens."""
    progress = ledger.progress
    if progress is None or candidate is None or progress.paused or wish.paused:
        return None
    if progress.started is None:
        return due_at(progress, candidate, seen)
    plan = strategy(progress.settings)
    if progress.step >= len(plan.steps):
        return None
    shortest = plan.steps[progress.step].min_duration
    ends = (progress.started + shortest, progress.started + max(shortest, plan.max_wait))
    return min((each for each in ends if each > now), default=None)


def is_quiet(ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> bool:
    """Whether a candidate is judged and has too few requests for it: then its smoke test is what is known of it."""
    progress, window = ledger.progress, seen.window
    if progress is None or progress.revision != candidate.number or not progress.judged_since or progress.paused:
        return False
    least = strategy(progress.settings).analysis.min_requests or MIN_REQUESTS
    return window is None or window.candidate.requests < least


def under_way(wish: Wish, ledger: Ledger, candidate: RevisionSeen) -> Progress:
    """What goes on, or the beginning of it."""
    progress = ledger.progress
    if progress and progress.revision == candidate.number:
        return replace(progress, settings=with_capacity(progress.settings, wish.capacity))
    settings = with_capacity(wish.strategy, wish.capacity)
    return Progress(candidate.number, NO_STEPS if candidate.number in ledger.promoted else settings)


@dataclass(frozen=True)
class _Turn:
    """One pass; `ledger.progress` is the candidate's."""

    wish: Wish
    ledger: Ledger
    candidate: RevisionSeen
    seen: Seen
    now: datetime

    def outcome(self) -> Outcome:
        if (acted := self._act()) is not None:
            return Outcome(acted, self.gates)
        failed = next((each for each in self.gates if each.verdict is Verdict.FAIL), None)
        if failed and not by_hand(self.wish, self.ledger):
            return Outcome(self._failed(failed), self.gates)
        if by_hand(self.wish, self.ledger) or self._is_over:
            return self._end()
        if self._is_held:
            return Outcome(self.ledger, self.gates)
        if self.progress.started is None:
            return Outcome(self._enter(), self.gates)
        return Outcome(self._judge(), self.gates)

    @property
    def progress(self) -> Progress:
        assert self.ledger.progress is not None  # noqa: S101 - `proceed` has put it there
        return self.ledger.progress

    @cached_property
    def plan(self) -> Strategy:
        return strategy(self.progress.settings)

    @cached_property
    def gates(self) -> tuple[Gate, ...]:
        """They go on while a rollout is paused, and while the next step waits for pods: it can still fail."""
        if self.progress.judged_since is None:
            return ()
        if returns(self.ledger):
            return ()
        analysis = self.plan.analysis
        if not self._is_over and self._step.min_requests:
            analysis = analysis.model_copy(update={"min_requests": self._step.min_requests})
        return judged(analysis, self.progress, self.candidate, self.seen)

    @property
    def _restarts(self) -> int:
        return restarts(self.candidate, self.seen)

    @property
    def _step(self) -> StepOf:
        return self.plan.steps[self.progress.step]

    @property
    def _is_over(self) -> bool:
        """Whether the last step is behind it."""
        return self.progress.step >= len(self.plan.steps)

    @property
    def _is_reached(self) -> bool:
        """Whether the candidate has the share that it is to have now; a pause is to have that of the step before it."""
        return exposed(self.ledger, self.candidate) >= reached(self.wish, self.plan.weight(self.progress.step))

    @property
    def _is_held(self) -> bool:
        """Whether nothing goes on by itself: somebody has paused it, or what serves has lost pods."""
        elsewhere = self.wish.pin not in {None, self.candidate.number}  # a pin that is not kept
        short = not returns(self.ledger) and stable_is_short(self.wish, self.ledger, self.seen)
        return bool(self.progress.paused or self.wish.paused or elsewhere or short or not self.wish.replicas)

    @property
    def _is_admitted(self) -> bool:
        return admitted(self.wish, self.ledger, self.candidate, self.seen)

    def _act(self) -> Ledger | None:
        """What a person asked for, done; None if nobody did. That it is to be promoted is noted before (`proceed`)."""
        wish, ledger = self.wish, self.ledger
        if asks(wish, ledger, ABORT):
            return self._reject(done(wish, ledger, self.now), Reason.ABORTED_BY_HAND, "a person aborted the rollout")
        if asks(wish, ledger, PAUSE):
            return replace(done(wish, ledger, self.now), progress=self.progress.paused_by_hand(self.now))
        if asks(wish, ledger, SKIP_STEP):
            return replace(done(wish, ledger, self.now), progress=self._skipped())
        if asks(wish, ledger, RESUME):
            return replace(done(wish, ledger, self.now), progress=self._resumed())
        return None

    def _skipped(self) -> Progress:
        """The next step; where none is left, what was counted stays, unless a gate or the deadline has paused it."""
        paused = self.progress.paused
        if self._is_over and (paused is None or paused.reason == Reason.AWAITS_PROMOTION):
            return self.progress
        return self._anew(self.progress.step + 1)

    def _resumed(self) -> Progress:
        """A pause is over, and a step that was paused begins anew: the last one, where all are over."""
        if not self.progress.paused:
            return self.progress
        if self._is_over:
            weights = (place for place, each in enumerate(self.plan.steps) if each.weight is not None)
            return self._anew(max(weights, default=0))
        waits = self._step.weight is None and self.progress.started is not None
        return self._anew(self.progress.step + waits)

    def _anew(self, step: int) -> Progress:
        """What has requests is judged all the time."""
        since = self.now if exposed(self.ledger, self.candidate) else None
        return self.progress.anew(min(step, len(self.plan.steps)), since, self._restarts)

    def _failed(self, gate: Gate) -> Ledger:
        """Back, unless a person is to say so, or nobody is there to go back to: then it waits for that."""
        stable, message = by_number(self.seen.revisions, self.ledger.stable), gate.message
        is_served = stable is not None and reachable(stable, self.seen) > 0
        if is_served and not self.plan.pauses_on_failure:
            return self._reject(self.ledger, Reason.GATE_FAILED, message)
        if not is_served:
            message = f"{message.rstrip('.')}; and no pod of revision {self.ledger.stable} is ready to go back to."
        return replace(self.ledger, progress=self.progress.pause(Reason.GATE_FAILED, self.now, message))

    def _enter(self) -> Ledger:
        """A step begins when its weight is reached, and every gateway pod says so."""
        step = self._step
        if not self._is_reached:
            return self.ledger
        if step.weight is None:
            waits = self.progress.begin(self.now, self._restarts).pause(Reason.PAUSE_STEP, self.now)
            return replace(self.ledger, progress=waits)
        if not runs(self.ledger.traffic, self.seen):
            return self.ledger
        return replace(self.ledger, progress=self.progress.begin(self.now, self._restarts))

    def _judge(self) -> Ledger:
        """On to the next step, if this one has lasted long enough and every gate has passed."""
        if self._lasted < self._step.min_duration or not self._has_weight:
            return self.ledger
        undecided = [each for each in self.gates if each.verdict is not Verdict.PASS]
        suspicious = next((each for each in undecided if each.holds), None)
        if not undecided or (self._step.min_requests == 0 and suspicious is None):
            return self._next()
        if self._lasted < max(self._step.min_duration, self.plan.max_wait):
            return self.ledger
        return self._undecided(suspicious or undecided[0], likely_bad=suspicious is not None)

    @property
    def _has_weight(self) -> bool:
        """Whether the candidate has the step's share, and the pods for it."""
        if self._step.weight is None:
            return True
        pods = min(most(self.wish), needed(self._step.weight, self.wish.replicas))
        has = exposed(self.ledger, self.candidate)
        return available(self.candidate, self.seen) >= pods and has >= reached(self.wish, self._step.weight)

    @property
    def _lasted(self) -> timedelta:
        """How long the step has been looked at, by this process: another one has begun to count anew."""
        window = self.seen.window
        since = (window.since if window else self.now) or self.progress.started or self.now
        return self.now - max(since, self.progress.started or since)

    def _undecided(self, gate: Gate, *, likely_bad: bool) -> Ledger:
        """Too little was seen to be sure, for as long as the rollout may wait."""
        policy = self.plan.insufficient or ("Promote" if self.wish.smoke_tests else "Hold")
        if policy == "Abort":
            return self._reject(self.ledger, Reason.INSUFFICIENT_DATA, gate.message)
        if policy == "Promote" and not likely_bad:
            return self._next()
        waits = self.progress.pause(Reason.INSUFFICIENT_DATA, self.now, gate.message)
        return replace(self.ledger, progress=waits)

    def _next(self) -> Ledger:
        return replace(self.ledger, progress=self.progress.next())

    def _end(self) -> Outcome:
        """The candidate becomes stable as soon as it has all pods."""
        hand, progress = goes_now(self.wish, self.ledger), self.progress
        if not (hand or self.plan.auto_promote):
            return Outcome(replace(self.ledger, progress=self._awaiting()), self.gates)
        whole = 0 < most(self.wish) <= available(self.candidate, self.seen)
        if self.wish.replaces:  # all but the last pod's part, so that this is no leap
            whole = whole and exposed(self.ledger, self.candidate) >= reached(self.wish, 100)
        fit = proven(self.wish, self.ledger, self.candidate, self.seen) and self._is_admitted
        if not (whole and fit) or (self._is_held and not hand):
            return Outcome(self.ledger, self.gates)
        return Outcome(replace(self.ledger, progress=None if hand else progress), self.gates, promoted=True)

    def _awaiting(self) -> Progress:
        """It waits for a person where the steps have led it, and is judged there.

        If the last one was skipped before it began, its weight is to be reached first: what waits gets no more.
        """
        progress = self.progress
        if progress.paused or not (self.wish.replicas and self._is_reached):
            return progress
        if progress.judged_since is None:  # what it is judged by counts from when every gateway pod sends it its part
            if not runs(self.ledger.traffic, self.seen):
                return progress
            progress = progress.begin(self.now, self._restarts)
        return replace(progress, begun=progress.step).pause(Reason.AWAITS_PROMOTION, self.now)

    def _reject(self, ledger: Ledger, reason: str, message: str) -> Ledger:
        ledger = replace(ledger.reject(self.candidate.number, reason, message, self.now), progress=None)
        if not exposed(self.ledger, self.candidate) or ledger.stable is None:
            return ledger
        back = LastRollback(
            from_revision=self.candidate.number,
            to_revision=ledger.stable,
            reason=reason,
            message=message,
            at=self.now,
        )
        return replace(ledger, rollback=back)


def judged(analysis: Analysis, progress: Progress, revision: RevisionSeen, seen: Seen) -> tuple[Gate, ...]:
    """What the gates see of a revision since they count."""
    ours, theirs = (seen.window.candidate, seen.window.stable) if seen.window else (Sample(), Sample())
    return judge(analysis, ours, theirs, max(0, restarts(revision, seen) - progress.restarts), seen.queries)


def restarts(revision: RevisionSeen, seen: Seen) -> int:
    """How often the containers of a revision's pods were started again."""
    return sum(pod.restarts for pod in pods_of(seen, revision))


def stable_is_short(wish: Wish, ledger: Ledger, seen: Seen) -> bool:
    """Whether the stable revision has fewer pods than it should that every gateway pod knows."""
    stable = by_number(seen.revisions, ledger.stable)
    if stable is None:
        return True
    deployment = deployment_of(seen, stable) if wish.replaces else None  # it may have given some up
    return available(stable, seen) < min(wish.replicas, deployment.replicas if deployment else wish.replicas)
