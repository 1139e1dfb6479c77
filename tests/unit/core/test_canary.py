"""A rollout in steps: capacity, then weight, then every gateway pod, then the gates; and what stops it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.core.seeing import (
    BROKEN,
    NO_ROOM,
    NOW,
    Gateway,
    decide,
    following,
    lagging,
    passed,
    pod,
    pods,
    revision,
    serving,
    silent,
    status_of,
    weights,
    wish,
)
from tritium.api.conditions import ConditionType
from tritium.api.status import ModelDeploymentStatus, Phase
from tritium.core.reasons import Reason
from tritium.core.sample import Sample
from tritium.core.seen import DeploymentSeen, Seen, WindowSeen
from tritium.core.wish import Action, Wish

if TYPE_CHECKING:
    from tritium.core.plan import Plan

ONE, TWO, THREE = revision(1), revision(2, "b"), revision(3, "c")
MINUTE = timedelta(minutes=1)
TWO_STEPS = [{"weight": 10, "minDuration": "1m"}, {"weight": 50, "minDuration": "1m"}]
GOOD = WindowSeen(Sample(100), Sample(900))
BAD = WindowSeen(Sample(100, failed=20), Sample(900))
FEW = WindowSeen(Sample(10), Sample(90))


def strategy(steps: list[dict[str, Any]] | None = None, **others: Any) -> str:
    return json.dumps({"steps": steps or TWO_STEPS} | others)


def asking(**changes: Any) -> Wish:
    """The second revision, in steps, with ten pods."""
    return replace(wish("b", replicas=10, strategy=strategy()), **changes)


@dataclass
class Story:
    """A rollout as it goes on: what is decided is written, done and heard of, before time passes."""

    asks: Wish = field(default_factory=asking)
    status: ModelDeploymentStatus = field(default_factory=lambda: status_of(wish(replicas=10), serving(ONE, count=10)))
    sees: Seen = field(default_factory=lambda: serving(ONE, TWO, count=10))
    now: Any = NOW
    window: WindowSeen | None = None
    gateway: Gateway = following
    follows: bool = True
    """Whether pods come and go as they are asked for."""
    tokens: int = 0

    def run(self, passes: int = 8, **passed: float) -> Plan:
        """Let time pass, and decide until nothing moves."""
        self.now += timedelta(**passed)
        while True:
            sees = replace(self.sees, window=self.window if self.judging else None)
            plan = decide(self.asks, self.status, sees, self.now, self.gateway)
            moved = self._scale(plan) or plan.status != self.status
            self.status, passes = plan.status, passes - 1
            if not (moved and passes):
                return plan

    def _scale(self, plan: Plan) -> bool:
        before = self.sees
        wanted = tuple(DeploymentSeen(name, number) for name, number in sorted(plan.replicas.items()))
        self.sees = replace(self.sees, deployments=wanted)
        if self.follows:
            by_hash = {each.hash: each for each in self.sees.revisions}
            alive = tuple(each for one in wanted for each in pods(by_hash[one.revision], one.replicas))
            self.sees = replace(self.sees, pods=alive)
        return self.sees != before

    def act(self, verb: str) -> None:
        self.tokens += 1
        self.asks = replace(self.asks, action=Action(verb, str(self.tokens)))

    @property
    def judging(self) -> bool:
        return bool(self.status.candidate and self.status.candidate.judged_since)

    @property
    def part(self) -> int:
        """The candidate's share, out of 10,000."""
        return weights(self.status.traffic).get(2, 0)

    @property
    def stable(self) -> int | None:
        return self.status.stable.revision if self.status.stable else None

    @property
    def step(self) -> int | None:
        return self.status.candidate.step if self.status.candidate else None

    @property
    def paused(self) -> str | None:
        paused = self.status.candidate.paused if self.status.candidate else None
        return paused.reason if paused else None

    def replicas(self, of: Any) -> int:
        return next(each.replicas for each in self.sees.deployments if each.revision == of.hash)

    def says(self, kind: ConditionType = ConditionType.RELEASED) -> str:
        return next(each.message for each in self.status.conditions or () if each.type is kind)


def begun(window: WindowSeen | None = None, **asks: Any) -> Story:
    """In the first step, its weight reached."""
    story = Story(asking(**asks), window=window)
    story.run()
    assert (story.part, story.step, story.judging) == (1_000, 0, True)
    return story


def test_from_the_first_step_to_the_end() -> None:
    story = begun(GOOD)
    assert (story.status.phase, story.stable, story.replicas(TWO)) == (Phase.PROGRESSING, 1, 1)
    assert story.says() == "revision 2 has 10 % of the traffic, step 1 of 2"
    story.run(seconds=59)
    assert story.part == 1_000
    story.run(seconds=1)
    assert (story.part, story.step, story.replicas(TWO), story.replicas(ONE)) == (5_000, 1, 5, 10)
    story.run(minutes=1)
    assert (story.status.phase, story.stable, story.part) == (Phase.PROMOTING, 2, 10_000)
    assert (story.replicas(TWO), story.replicas(ONE)) == (10, 10), "the old one keeps its pods to go back to"


def test_what_the_gates_see_is_in_the_status() -> None:
    story = begun(GOOD)
    candidate = story.status.candidate
    assert candidate is not None
    seen = {each.name: (each.verdict, each.requests) for each in candidate.gates or ()}
    assert seen == {"errors": ("Pass", 100), "refused": ("Pass", 100), "restarts": ("Pass", None)}
    story.window = WindowSeen(Sample(200), Sample(1800))
    story.run(seconds=29)
    assert story.status.candidate == candidate, "numbers alone are written every half minute"
    story.run(seconds=1)
    assert [each.requests for each in (story.status.candidate.gates or ())[:1]] == [200]


def test_capacity_comes_before_weight() -> None:
    story = Story(follows=False)
    story.run()
    assert (story.part, story.replicas(TWO), story.status.phase) == (0, 1, Phase.PREPARING)
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), pod("p", TWO, NO_ROOM)))
    story.run()
    assert (story.part, story.status.phase, story.status.reason) == (0, Phase.BLOCKED, Reason.UNSCHEDULABLE)
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), *pods(TWO, 1)))
    story.run()
    assert story.part == 1_000


def test_the_weight_never_exceeds_what_the_pods_carry() -> None:
    story = begun(GOOD)
    story.run(minutes=1)
    assert story.part == 5_000
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), *pods(TWO, 2)))
    story.run()
    assert story.part == 2_000, "it has lost three of five pods"
    story.sees = replace(story.sees, pods=pods(ONE, 10))
    story.run()
    assert (story.part, story.stable) == (0, 1)
    assert story.replicas(TWO) == 5


@pytest.mark.parametrize("gateway", [silent, lagging(None)])
def test_a_step_does_not_begin_before_every_gateway_pod_runs_its_weight(gateway: Gateway) -> None:
    story = Story(window=GOOD)
    story.run(passes=1)
    while not story.part:
        story.run(passes=1)
    story.gateway = gateway
    story.run(minutes=5)
    assert (story.part, story.judging) == (1_000, False)
    story.gateway = following
    story.run()
    assert story.judging


def test_a_bad_candidate_is_out_at_once() -> None:
    story = begun(GOOD)
    story.window = BAD
    story.run(seconds=5)
    assert (story.part, story.stable, story.status.phase) == (0, 1, Phase.ABORTED)
    rejected = (story.status.rejected_revisions or [])[0]
    assert (rejected.revision, rejected.reason) == (2, Reason.GATE_FAILED)
    assert rejected.message
    assert rejected.message.startswith("20 of 100 requests failed: 20 %")
    back = story.status.last_rollback
    assert back is not None
    assert (back.from_revision, back.to_revision, back.reason) == (2, 1, Reason.GATE_FAILED)
    assert story.replicas(TWO) == 1, "it keeps its pods to be looked at"
    story.run(minutes=11)
    assert story.replicas(TWO) == 0
    story.run(minutes=60)
    assert story.status.phase is Phase.ABORTED, "the same is not tried again"


def test_a_bad_candidate_keeps_its_pods_until_no_gateway_pod_sends_to_it() -> None:
    story = begun(GOOD)
    before = story.status.traffic
    story.gateway, story.window = lagging(before), BAD
    story.run(seconds=5)
    story.run(hours=1)
    assert (story.part, story.replicas(TWO)) == (0, 1)
    story.gateway = following
    story.run()
    assert story.replicas(TWO) == 0


def test_a_failed_gate_may_pause_instead() -> None:
    story = begun(BAD, strategy=strategy(onFailure="Pause"))
    story.run(seconds=5)
    assert (story.paused, story.part, story.status.phase) == (Reason.GATE_FAILED, 1_000, Phase.PAUSED)
    assert "20 of 100 requests failed" in story.says()
    said = story.says()
    story.window = WindowSeen(Sample(400, failed=80), Sample(900))
    story.run()
    assert story.says() == said, "a sentence stays while the numbers go on"
    assert story.says(ConditionType.STALLED) == story.says()
    story.act("abort")
    story.run()
    assert (story.part, story.status.phase) == (0, Phase.ABORTED)


def test_the_gates_go_on_while_the_next_step_waits_for_pods() -> None:
    story = begun(GOOD)
    story.follows = False
    story.run(minutes=1)
    assert (story.step, story.part) == (1, 1_000)
    story.window = BAD
    story.run(seconds=5)
    assert (story.part, story.status.phase) == (0, Phase.ABORTED)


def test_without_enough_requests_nothing_passes_and_nothing_fails() -> None:
    story = begun(FEW)
    story.run(minutes=29)
    assert (story.step, story.paused) == (0, None)
    story.run(minutes=1)
    assert (story.paused, story.part) == (Reason.INSUFFICIENT_DATA, 1_000)
    assert "It takes 50 requests to tell" in story.says()
    assert story.status.reason == Reason.INSUFFICIENT_DATA
    story.act("skip-step")
    story.run()
    assert (story.step, story.part, story.paused) == (1, 5_000, None)


@pytest.mark.parametrize(
    ("policy", "smoke", "comes"),
    [
        ({"onInsufficientData": "Promote"}, "", (5_000, Phase.PROGRESSING)),
        ({"onInsufficientData": "Abort"}, "", (0, Phase.ABORTED)),
        ({"onInsufficientData": "Hold"}, "t", (1_000, Phase.PAUSED)),
        ({}, "t", (5_000, Phase.PROGRESSING)),
        ({}, "", (1_000, Phase.PAUSED)),
    ],
)
def test_what_follows_when_too_little_was_seen(policy: dict[str, str], smoke: str, comes: tuple[int, Phase]) -> None:
    story = Story(asking(strategy=strategy(analysis=policy), smoke_tests=smoke), window=FEW)
    story.sees = replace(story.sees, smoke=passed(*pods(TWO, 10)))
    story.run()
    story.run(minutes=30)
    assert (story.part, story.status.phase) == comes


def test_a_step_may_ask_for_no_requests_at_all() -> None:
    story = begun(None, strategy=strategy([{"weight": 10, "minDuration": "1m", "minRequests": 0}, {"weight": 50}]))
    story.run(minutes=1)
    assert story.step == 1


def test_pods_that_have_not_passed_their_smoke_test_get_nothing() -> None:
    story = Story(asking(smoke_tests="t"))
    plan = story.run()
    assert (story.part, set(plan.ask)) == (0, {pods(TWO)[0].uid})
    story.sees = replace(story.sees, smoke=passed(*pods(TWO, 10)))
    story.run()
    assert story.part == 1_000


def test_a_step_that_waits_for_a_person() -> None:
    story = begun(GOOD, strategy=strategy([TWO_STEPS[0], {"pause": {}}, TWO_STEPS[1]]))
    story.run(minutes=1)
    assert (story.paused, story.part, story.step) == (Reason.PAUSE_STEP, 1_000, 1)
    assert "serving.tritium.dev/action=resume@1" in story.says()
    assert story.says(ConditionType.STALLED) == "nothing waits for a person"
    story.run(hours=9)
    assert story.step == 1
    story.act("resume")
    story.run()
    assert (story.paused, story.part, story.step) == (None, 5_000, 2)
    story.run(hours=9)
    assert story.stable == 2


def test_a_paused_rollout_can_still_fail() -> None:
    story = begun(GOOD)
    story.act("pause")
    story.run(hours=1)
    assert (story.paused, story.part, story.step) == (Reason.PAUSED_BY_HAND, 1_000, 0)
    story.window = BAD
    story.run()
    assert (story.part, story.status.phase) == (0, Phase.ABORTED)


def test_a_resumed_step_begins_anew() -> None:
    story = begun(GOOD)
    story.act("pause")
    story.run(seconds=59)
    story.act("resume")
    story.run()
    assert (story.paused, story.judging) == (None, True)
    story.run(seconds=59)
    assert story.step == 0
    story.run(seconds=1)
    assert story.step == 1


def test_the_spec_pauses_as_long_as_it_says_so() -> None:
    story = begun(GOOD)
    story.asks = replace(story.asks, paused=True)
    story.run(hours=1)
    assert (story.status.phase, story.part, story.status.reason) == (Phase.PAUSED, 1_000, Reason.PAUSED_BY_HAND)
    assert "rollout.paused: set it to false" in story.says()
    story.asks = replace(story.asks, paused=False)
    story.run()
    assert story.step == 1


def test_paused_before_it_began_it_gets_nothing() -> None:
    story = Story(asking(paused=True), window=GOOD)
    story.run(hours=1)
    assert (story.status.phase, story.part, story.replicas(TWO)) == (Phase.PAUSED, 0, 1)


def test_without_auto_promotion_it_waits_for_a_person() -> None:
    story = begun(GOOD, strategy=strategy(autoPromote=False))
    story.run(minutes=1)
    story.run(minutes=1)
    assert (story.paused, story.part, story.stable) == (Reason.AWAITS_PROMOTION, 5_000, 1)
    assert "All steps have passed" in story.says()
    story.act("promote")
    story.run()
    assert (story.stable, story.part, story.replicas(TWO)) == (2, 10_000, 10)
    assert story.status.last_action
    assert story.status.last_action.verb == "promote"


def test_a_promotion_by_hand_needs_all_pods_and_nothing_else() -> None:
    story = begun(FEW)
    story.follows = False
    story.act("promote")
    story.run()
    assert (story.stable, story.part, story.replicas(TWO)) == (1, 1_000, 10)
    assert story.status.last_action is None
    story.follows = True
    story.run()
    assert (story.stable, story.part) == (2, 10_000)


def test_pinning_the_candidate_is_a_promotion() -> None:
    story = begun(FEW)
    story.asks = replace(story.asks, pin=2)
    story.run()
    assert (story.stable, story.part) == (2, 10_000)


def test_an_abort_by_hand() -> None:
    story = begun(GOOD)
    story.act("abort")
    story.run()
    assert (story.part, story.stable, story.status.phase) == (0, 1, Phase.ABORTED)
    assert (story.status.rejected_revisions or [])[0].reason == Reason.ABORTED_BY_HAND
    assert story.status.last_action
    story.run(hours=1)
    assert story.status.phase is Phase.ABORTED


def test_a_candidate_without_steps_can_be_given_up() -> None:
    story = Story(asking(strategy=""), follows=False)
    story.run()
    assert story.status.phase is Phase.PREPARING
    story.act("abort")
    story.run()
    assert (story.status.phase, story.stable) == (Phase.ABORTED, 1)


def test_a_first_revision_cannot() -> None:
    """There is nothing to go back to."""
    story = Story(replace(asking(), written="a"), ModelDeploymentStatus(), serving(ONE, count=10, service=None))
    story.act("abort")
    story.run()
    assert story.stable == 1


@pytest.mark.parametrize("verb", ["abort", "promote", "pause", "resume", "skip-step"])
def test_without_a_rollout_an_action_changes_nothing(verb: str) -> None:
    story = Story(wish(replicas=10))
    story.run()
    before = story.status
    story.act(verb)
    story.run()
    assert story.status.last_action
    assert story.status.last_action.verb == verb
    assert story.status.model_copy(update={"last_action": None}) == before
    assert story.replicas(ONE) == 10


def test_the_same_action_is_carried_out_once() -> None:
    story = begun(GOOD)
    story.act("skip-step")
    story.run()
    assert story.step == 1
    story.run(seconds=59)
    assert story.step == 1


def test_back_to_the_stable_revision_at_once() -> None:
    story = begun(GOOD)
    story.asks = wish(replicas=10)
    story.run()
    assert (story.part, story.stable, story.status.phase) == (0, 1, Phase.IDLE)
    assert not story.status.rejected_revisions
    assert story.replicas(TWO) == 0


def test_a_third_revision_never_comes_on_top_of_one_that_was_not_promoted() -> None:
    story = begun(GOOD)
    story.sees = replace(story.sees, revisions=(ONE, TWO, THREE))
    story.asks = replace(story.asks, written="c")
    story.run()
    assert weights(story.status.traffic) == {3: 1_000, 1: 9_000}
    assert (story.step, story.stable, story.replicas(TWO)) == (0, 1, 0)


def test_pods_of_one_that_was_left_stay_until_no_gateway_pod_sends_to_it() -> None:
    story = begun(GOOD)
    story.sees = replace(story.sees, revisions=(ONE, TWO, THREE))
    story.gateway, story.asks = lagging(story.status.traffic), replace(story.asks, written="c")
    story.run(hours=1)
    assert story.replicas(TWO) == 1
    story.gateway = following
    story.run()
    assert story.replicas(TWO) == 0


def test_a_strategy_that_is_changed_on_the_way_counts_from_the_next_rollout_on() -> None:
    story = begun(FEW)
    story.asks = replace(story.asks, strategy=strategy([{"weight": 90, "minDuration": "0s", "minRequests": 0}]))
    story.run(minutes=5)
    assert (story.part, story.step) == (1_000, 0)
    story.asks = replace(story.asks, strategy="")
    story.run(minutes=5)
    assert (story.part, story.stable) == (1_000, 1), "nor does taking the steps away let it through"


def test_nothing_goes_on_by_itself_while_the_stable_revision_is_short_of_pods() -> None:
    story = begun(GOOD)
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 9), *pods(TWO, 1)))
    story.run(hours=1)
    assert (story.step, story.part) == (0, 1_000)
    story.window = BAD
    story.run()
    assert story.status.phase is Phase.ABORTED


def test_a_candidate_with_requests_keeps_its_pods_though_a_stable_pod_finds_no_room() -> None:
    story = begun(GOOD)
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 9), pod("p", ONE, NO_ROOM), *pods(TWO, 1)))
    story.run()
    assert story.replicas(TWO) == 1


def test_one_that_served_before_comes_back_without_steps() -> None:
    story = begun(GOOD)
    story.run(minutes=1)
    story.run(minutes=1)
    assert story.stable == 2
    story.asks = replace(story.asks, written="a")
    story.run()
    assert (story.stable, weights(story.status.traffic)[1]) == (1, 10_000)


def test_the_first_revision_has_no_steps() -> None:
    story = Story(replace(asking(), written="a"), ModelDeploymentStatus(), serving(ONE, count=10, service=None))
    story.run()
    assert (story.stable, weights(story.status.traffic)) == (1, {1: 10_000})


def test_without_replicas_there_are_no_steps() -> None:
    story = Story(asking(replicas=0))
    story.run()
    assert story.stable == 2


def test_a_model_that_breaks_on_the_way_is_turned_down() -> None:
    story = begun(GOOD)
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), pod("p", TWO, BROKEN)))
    story.run()
    assert (story.part, story.status.phase) == (0, Phase.ABORTED)


def test_a_restart_is_too_many() -> None:
    story = begun(GOOD)
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), replace(pod("p", TWO), restarts=1)))
    story.run()
    assert (story.status.rejected_revisions or [])[0].reason == Reason.GATE_FAILED


def test_it_wakes_when_a_step_may_end() -> None:
    story = begun(FEW)
    plan = story.run()
    assert plan.wake_at == NOW + MINUTE
    plan = story.run(minutes=1)
    assert plan.wake_at == NOW + 30 * MINUTE


def test_a_lost_window_judges_nothing() -> None:
    """As after a restart: what this process has not seen is neither good nor bad."""
    story = begun(GOOD)
    story.window = None
    story.run(minutes=5)
    assert (story.step, story.part) == (0, 1_000)
