"""Which candidates are held because their tensors are others, who is asked for them, and how often."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.core.seeing import (
    ALL,
    BAKE,
    NOW,
    SIGNATURE,
    STARTING,
    after,
    decide,
    deployments,
    described,
    pod,
    pods,
    revision,
    serving,
    status_of,
    weights,
    wish,
)
from tests.unit.core.story import BAD, GOOD, Story, asking, strategy
from tritium.api.conditions import ConditionType
from tritium.core.decide import ASK_AGAIN
from tritium.core.reasons import Reason
from tritium.core.seen import Seen, SignatureSeen
from tritium.core.signature import Signature, Tensor

if TYPE_CHECKING:
    from tritium.api.status import ModelDeploymentStatus
    from tritium.core.plan import Plan

ONE, TWO = revision(1), revision(2, "b")
SERVES = status_of(wish(), serving(ONE, TWO))
BOTH = serving(ONE, TWO, deployments=deployments(a=1, b=1), pods=(*pods(ONE), pod("p", TWO)))
(OLD,) = pods(ONE)
OTHER = replace(SIGNATURE, inputs=(Tensor("X", "FP32", (-1, 3)),))
KNOWN = described(SIGNATURE, OLD) | described(OTHER, pod("p", TWO))
DIFFERS = (
    "Clients of revision 1, which serves, cannot go on with revision 2: input X is FP32 [-1, 3], and was FP32 [-1, 2]."
)
SAYS = f"{DIFFERS} Correct the model; or, if its clients know, set rollout.compatibility: Warn to let it through."
NOBODY = {"nobody": SignatureSeen()}
"""Of pods that are not there; without it all are known and alike."""


def held(sees: Seen = BOTH, status: ModelDeploymentStatus = SERVES, signatures: Any = KNOWN, **asks: Any) -> Plan:
    asked = wish("b", **asks)
    return decide(asked, status, replace(sees, signatures=signatures), NOW)


def messages(plan: Plan) -> dict[str, str]:
    return {each.type: each.message for each in plan.status.conditions or ()}


def test_it_is_held_and_what_differs_is_said_everywhere_and_told_once() -> None:
    plan = held()
    assert (plan.status.phase, plan.status.reason) == ("Blocked", Reason.SIGNATURE_CHANGED)
    assert weights(plan.status.traffic) == {2: 0, 1: ALL}
    assert plan.status.stable
    assert plan.status.stable.revision == 1
    assert SAYS in messages(plan)[ConditionType.RELEASED]
    stalled = next(each for each in plan.status.conditions or () if each.type is ConditionType.STALLED)
    assert (stalled.status, stalled.reason) == ("True", Reason.SIGNATURE_CHANGED)
    assert [(each.type, each.reason) for each in plan.notices] == [("Warning", Reason.SIGNATURE_CHANGED)]
    assert plan.describe == frozenset()
    heard = held(status=plan.status)
    again = decide(wish("b"), heard.status, replace(BOTH, signatures=KNOWN), after(minutes=5))
    assert (heard.notices, again.notices, again.status) == ((), (), heard.status)


def test_it_goes_on_when_somebody_allows_it_and_that_is_told_once() -> None:
    plan = held(status=held().status, enforces=False)
    assert weights(plan.status.traffic) == {2: ALL, 1: 0}
    told = [each for each in plan.notices if each.reason == Reason.SIGNATURE_CHANGED]
    assert [each.message for each in told] == [f"rollout.compatibility: Warn lets it through. {DIFFERS}"]
    again = held(status=plan.status, enforces=False)
    assert [each for each in again.notices if each.reason == Reason.SIGNATURE_CHANGED] == []


def test_the_same_tensors_are_nothing_to_tell() -> None:
    plan = held(signatures=described(SIGNATURE, *BOTH.pods), enforces=False)
    assert weights(plan.status.traffic) == {2: ALL, 1: 0}
    assert [each.reason for each in plan.notices] == [Reason.PROMOTED]


@pytest.mark.parametrize("enforces", [True, False])
def test_one_pod_of_each_is_asked_and_nobody_goes_on_before_it_answers(*, enforces: bool) -> None:
    three = replace(
        BOTH,
        deployments=deployments(a=3, b=3),
        pods=(*pods(ONE, 3), *(pod(name, TWO) for name in "pqr"), pod("s", TWO, STARTING)),
    )
    serves = status_of(wish(replicas=3), replace(three, deployments=deployments(a=3, b=0), pods=pods(ONE, 3)))
    plan = held(three, serves, NOBODY, replicas=3, enforces=enforces)
    assert plan.describe == {pods(ONE)[0].uid, "uid-p"}
    assert plan.wake_at == NOW + ASK_AGAIN
    assert (plan.status.phase, weights(plan.status.traffic)) == ("Preparing", {2: 0, 1: ALL})
    known = held(three, serves, described(SIGNATURE, pods(ONE)[0]), replicas=3, enforces=enforces)
    assert known.describe == {"uid-p"}
    done = held(three, serves, described(SIGNATURE, pods(ONE)[0], pod("r", TWO)), replicas=3, enforces=enforces)
    assert (done.describe, weights(done.status.traffic)) == (frozenset(), {2: ALL, 1: 0})


def test_where_a_pod_does_not_say_another_is_asked_and_at_last_the_reason_is_shown() -> None:
    silent = {"uid-p": SignatureSeen(message="Triton answers: no such model.")} | described(SIGNATURE, OLD)
    two = replace(BOTH, pods=(*BOTH.pods, pod("q", TWO)))
    waits = held(two, signatures=silent)
    assert waits.status.phase == "Preparing"
    assert waits.describe == {"uid-q"}
    plan = held(signatures=silent)
    assert (plan.status.phase, plan.status.reason) == ("Blocked", "SignatureUnknown")
    assert plan.describe == {"uid-p"}
    assert "Revision 2 does not say which tensors its model has: Triton answers: no such model. " in str(plan.status)
    assert weights(held(signatures=silent, enforces=False).status.traffic) == {2: ALL, 1: 0}


def test_a_pod_that_is_only_starting_is_not_asked() -> None:
    starting = replace(BOTH, pods=(*pods(ONE), pod("p", TWO, STARTING)))
    assert held(starting, signatures=NOBODY).describe == frozenset()


def test_nobody_is_asked_without_a_candidate() -> None:
    plan = decide(wish(), SERVES, replace(serving(ONE, TWO), signatures=NOBODY), NOW)
    assert plan.describe == frozenset()


def test_it_is_compared_with_what_serves_and_not_with_the_one_before_it() -> None:
    three, pair = revision(3, "c"), (pod("p", TWO), pod("q", revision(3, "c")))
    sees = replace(BOTH, revisions=(ONE, TWO, three), deployments=deployments(a=1, b=1, c=1), pods=(OLD, *pair))
    before = held().status
    asked = decide(wish("c"), before, replace(sees, signatures=described(OTHER, pair[0])), NOW)
    assert asked.describe == {OLD.uid, "uid-q"}
    plan = decide(wish("c"), before, replace(sees, signatures=KNOWN | described(OTHER, pair[1])), NOW)
    assert (plan.status.phase, plan.status.reason) == ("Blocked", Reason.SIGNATURE_CHANGED)
    assert "Clients of revision 1, which serves, cannot go on with revision 3" in messages(plan)[ConditionType.RELEASED]


def test_who_was_stable_before_comes_back_without_a_question() -> None:
    second = held(signatures=described(SIGNATURE, *BOTH.pods)).status
    plan = decide(wish(), second, replace(BOTH, signatures=KNOWN), NOW)
    assert weights(plan.status.traffic) == {2: 0, 1: ALL}
    assert plan.describe == frozenset()


def test_where_nothing_serves_there_is_nobody_to_protect() -> None:
    down = replace(BOTH, pods=(replace(OLD, ready=False), pod("p", TWO)))
    plan = held(down, signatures=NOBODY)
    assert (weights(plan.status.traffic), plan.describe) == ({2: ALL, 1: 0}, frozenset())


def test_what_is_held_stays_held_while_what_serves_loses_its_pods_for_a_moment() -> None:
    before = held().status
    down = replace(BOTH, pods=(replace(OLD, ready=False), pod("p", TWO)))
    plan = held(down, before, described(OTHER, pod("p", TWO)))
    assert (plan.status.phase, plan.status.reason) == ("Blocked", Reason.SIGNATURE_CHANGED)
    assert weights(plan.status.traffic) == {2: 0, 1: ALL}


def test_another_operator_asks_again_and_writes_nothing() -> None:
    before = held(status=held().status).status
    plan = held(status=before, signatures=NOBODY)
    assert plan.describe == {OLD.uid, "uid-p"}
    assert (plan.status, plan.notices) == (before, ())


def test_promote_and_pin_do_not_let_it_through() -> None:
    for asks in ({"pin": 2}, {"strategy": strategy(), "pin": 2}):
        assert weights(held(**asks).status.traffic) == {2: 0, 1: ALL}
    story = Story(follows=True)
    story.sees = replace(story.sees, signatures=NOBODY)
    story.run()
    story.act("promote")
    story.run()
    assert (story.stable, story.part) == (1, 0)


@pytest.mark.parametrize("asks", [{}, {"strategy": '{"strategy":"blueGreen"}'}], ids=["in steps", "at once"])
def test_a_promotion_of_what_is_held_does_not_come_later(asks: dict[str, str]) -> None:
    """Whoever lets it through in the end wants its steps and gates."""
    story = Story(asking(**asks))
    signatures = described(SIGNATURE, *pods(ONE, 10)) | described(OTHER, *pods(TWO, 10))
    story.sees = replace(story.sees, signatures=signatures)
    story.run()
    asked_of = story.replicas(TWO)
    story.act("promote")
    story.run()
    assert (story.status.phase, story.status.reason) == ("Blocked", Reason.SIGNATURE_CHANGED)
    assert (story.by_hand, story.replicas(TWO)) == (None, asked_of)
    assert story.status.last_action
    assert story.status.last_action.verb == "promote"


def test_let_through_after_a_promotion_in_vain_it_goes_its_steps_and_is_judged() -> None:
    story = Story(window=GOOD)
    signatures = described(SIGNATURE, *pods(ONE, 10)) | described(OTHER, *pods(TWO, 10))
    story.act("promote")  # before anybody knows which tensors it has
    story.sees = replace(story.sees, signatures=signatures)
    story.run()
    assert (story.part, story.by_hand) == (0, None)
    story.asks = replace(story.asks, enforces=False)
    story.run()
    assert (story.stable, story.step, story.part) == (1, 0, 1_000)
    story.window = BAD
    story.run(seconds=5)
    assert (story.stable, story.part, story.status.phase) == (1, 0, "Aborted")


def test_in_steps_what_has_requests_is_not_compared_again() -> None:
    story = Story()
    story.run()
    assert story.part == 1_000
    signatures = described(SIGNATURE, *pods(ONE, 10)) | described(OTHER, *pods(TWO, 10))
    story.sees = replace(story.sees, signatures=signatures)
    story.run()
    assert (story.part, story.status.phase) == (1_000, "Progressing")


def test_a_long_list_is_cut() -> None:
    many = Signature(tuple(Tensor(f"X{number}", "FP32", (1,)) for number in range(9)))
    plan = held(signatures=described(SIGNATURE, OLD) | described(many, pod("p", TWO)))
    message = messages(plan)[ConditionType.RELEASED]
    assert "input X is gone; input X0 (FP32 [1]) is new; input X1 (FP32 [1]) is new; and 8 more. Correct" in message


def test_the_pods_of_what_is_held_stay_and_it_can_be_left() -> None:
    plan = held()
    assert plan.replicas[TWO.hash] == 1
    back = decide(wish(), plan.status, replace(BOTH, signatures=KNOWN), NOW + BAKE)
    assert (back.status.phase, back.replicas[TWO.hash]) == ("Idle", 0)


def test_what_serves_does_not_make_way_for_what_is_held() -> None:
    before = held().status
    plan = held(status=before, strategy='{"strategy":"recreate"}')
    assert (plan.status.phase, plan.replicas[ONE.hash]) == ("Blocked", 1)


def test_it_is_held_no_more_when_its_tensors_are_found_to_be_the_same() -> None:
    before = held().status
    assert [bool(each.mismatch) for each in before.revisions or ()] == [False, True]
    plan = held(status=before, signatures=described(SIGNATURE, *BOTH.pods))
    assert weights(plan.status.traffic) == {2: ALL, 1: 0}
    assert [each.mismatch for each in plan.status.revisions or ()] == [None, None]


def test_who_forbids_again_what_was_let_through_takes_its_requests_away() -> None:
    story = Story()
    signatures = described(SIGNATURE, *pods(ONE, 10)) | described(OTHER, *pods(TWO, 10))
    story.sees = replace(story.sees, signatures=signatures)
    story.asks = replace(story.asks, enforces=False)
    story.run()
    assert story.part == 1_000
    story.asks = replace(story.asks, enforces=True)
    story.run()
    assert (story.part, story.status.reason) == (0, Reason.SIGNATURE_CHANGED)


def test_but_not_to_where_no_pod_is() -> None:
    """It keeps what it had, as what is turned down does: who was led to it loses nothing by that."""
    story = Story()
    signatures = described(SIGNATURE, *pods(ONE, 10)) | described(OTHER, *pods(TWO, 10))
    story.sees = replace(story.sees, signatures=signatures)
    story.asks = replace(story.asks, enforces=False)
    story.run()
    story.follows = False
    story.sees = replace(story.sees, pods=pods(TWO, 1))
    story.asks = replace(story.asks, enforces=True)
    story.run()
    assert (story.part, story.status.reason) == (1_000, Reason.SIGNATURE_CHANGED)
    story.sees = replace(story.sees, pods=(*pods(ONE, 1), *pods(TWO, 1)))
    story.run()
    assert story.part == 0
