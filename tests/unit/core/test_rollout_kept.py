"""What a step of a rollout writes down: rejections, retries, the way back, who keeps pods; what smoke tests hold."""

from dataclasses import replace

import pytest

from tests.unit.core.advancing import BAD_MODEL, GOOD, LEFT, MOVED, OLD, ONE, SERVES, TWO, advance, making
from tests.unit.core.seeing import (
    BROKEN,
    NOW,
    RETRIED,
    RETRY,
    after,
    deployments,
    passed,
    pod,
    revision,
    service,
    serving,
    wish,
)
from tritium.api.status import Phase
from tritium.core.ledger import Ledger
from tritium.core.plan import Target
from tritium.core.reasons import Reason
from tritium.core.seen import Answer, PodSeen, RevisionSeen, Seen, SmokeSeen
from tritium.core.target import target


def test_a_rejection_says_what_the_pod_said() -> None:
    course = advance(wish("b"), SERVES, Target(TWO), making(pod("p", TWO, BROKEN)), NOW)
    (rejection,) = course.ledger.rejected
    assert rejection == BAD_MODEL.model_copy(update={"message": BROKEN.message})
    assert course.held == {2: after(minutes=10)}


def retried(*candidates: PodSeen) -> Ledger:
    """The ledger after the pass in which the listing for a retry has answered."""
    ledger = replace(SERVES, rejected=(BAD_MODEL,))
    return advance(wish("b", action=RETRY), ledger, Target(TWO, retried=True), making(*candidates), NOW).ledger


def test_a_retry_lifts_the_rejection_and_is_done() -> None:
    assert retried() == replace(SERVES, action=RETRIED)


def test_pods_older_than_the_retry_do_not_speak_against_their_revision() -> None:
    assert retried(OLD) == replace(SERVES, action=RETRIED)
    assert retried(pod("same second", TWO, BROKEN, created=NOW)) == replace(SERVES, action=RETRIED)
    course = advance(wish("b", action=RETRY), retried(OLD), Target(TWO), making(OLD), NOW)
    assert (course.ledger.rejected, course.candidate) == ((), TWO)


def test_pods_younger_than_the_retry_do() -> None:
    young = pod("young", TWO, BROKEN, created=after(seconds=1))
    course = advance(wish("b", action=RETRY), retried(OLD), Target(TWO), making(OLD, young), after(seconds=2))
    assert [each.revision for each in course.ledger.rejected] == [2]


def test_a_retry_that_finds_the_source_as_it_once_was_leaves_what_came_in_between() -> None:
    changed = revision(2, "a", source=2)
    ledger = Ledger(2, promoted={1: NOW, 2: NOW}, demoted={1: NOW})
    sees = serving(changed, ONE)
    asks = wish(action=RETRY)
    first = advance(asks, ledger, Target(ONE, retried=True), sees, NOW)
    assert (first.candidate, [each.reason for each in first.ledger.rejected]) == (ONE, [Reason.ROLLED_BACK])
    again = target(asks, first.ledger, sees, NOW)
    assert again == Target(ONE)


def test_going_back_is_recorded_and_going_on_is_not() -> None:
    back = advance(wish(), MOVED, Target(ONE), making(GOOD, service=service(TWO)), after(hours=1)).ledger.rollback
    assert back
    assert (back.from_revision, back.to_revision, back.reason, back.at) == (2, 1, "SpecChanged", after(hours=1))
    assert advance(wish("b"), SERVES, Target(TWO), making(GOOD), NOW).ledger.rollback is None


def test_a_demoted_revision_is_held_for_the_bake_time_and_the_stable_one_is_not() -> None:
    course = advance(wish("b"), SERVES, Target(TWO), making(GOOD), after(hours=1))
    assert course.held == {1: after(hours=1, minutes=10)}
    assert course.ledger.demoted == {1: after(hours=1)}


def test_a_revision_that_was_left_while_it_served_is_held_from_its_demotion_on() -> None:
    ledger = Ledger(1, promoted={1: NOW, 2: NOW}, demoted={2: after(minutes=5)}, rejected=(LEFT,))
    assert advance(wish("b", pin=1), ledger, Target(ONE), making(GOOD), after(minutes=6)).held == {2: after(minutes=15)}


def test_the_ledger_forgets_a_pruned_revision() -> None:
    gone: RevisionSeen = revision(7, "z")
    ledger = replace(SERVES, promoted={1: NOW, gone.number: NOW}, demoted={gone.number: NOW})
    assert advance(wish(), ledger, Target(ONE), serving(ONE), NOW).ledger == SERVES


def test_a_pod_that_cannot_be_asked_is_said_to_be_so_and_rejects_nothing() -> None:
    unasked = {GOOD.uid: SmokeSeen(Answer.UNREACHABLE, "10.0.0.7:8001 does not answer.")}
    course = advance(wish("b", smoke_tests="t1"), SERVES, Target(TWO), making(GOOD, smoke=unasked), NOW)
    assert (course.phase, course.ledger) == (Phase.BLOCKED, SERVES)
    assert course.trouble is not None
    assert course.trouble.reason == Reason.SMOKE_TEST_UNREACHABLE
    assert "10.0.0.7:8001" in course.trouble.message
    assert "NetworkPolicies" in course.trouble.message


@pytest.mark.parametrize(("tests", "comes"), [("t1", (Phase.BLOCKED, 1)), ("", (Phase.PROMOTING, 2))])
def test_without_pods_a_revision_takes_over_only_if_it_has_no_smoke_test_to_pass(
    tests: str, comes: tuple[Phase, int]
) -> None:
    sees = Seen((ONE, TWO), deployments(a=0, b=0), service=service(ONE))
    course = advance(wish("b", replicas=0, smoke_tests=tests), SERVES, Target(TWO), sees, NOW)
    assert (course.phase, course.ledger.stable) == comes


def test_a_pod_that_is_about_to_go_passes_no_smoke_test() -> None:
    """What it answered is lost with the process, and the end must not depend on that."""
    asks, sees = wish("b", replicas=0, smoke_tests="t1"), making(GOOD, replicas=0, smoke=passed(GOOD))
    course = advance(asks, SERVES, Target(TWO), sees, NOW)
    assert (course.phase, course.ledger.stable) == (Phase.BLOCKED, 1)
