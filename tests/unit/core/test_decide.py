"""What the parts come to: digests, smoke tests, pods to be replaced, refusals, and when to look again."""

from dataclasses import replace
from typing import Any

from tests.unit.core.seeing import (
    ALL,
    BROKEN,
    DENIED,
    NO_ROOM,
    NOW,
    PORT,
    RETRY,
    STARTING,
    A,
    B,
    after,
    decide,
    deployments,
    failed,
    job,
    lagging,
    passed,
    pod,
    pods,
    revision,
    service,
    serving,
    status_of,
    unaware_of,
    weights,
    wish,
)
from tritium.api.fetch import FetchReason, FetchResult
from tritium.api.names import ACTION
from tritium.api.status import LastAction, ModelDeploymentStatus, Phase, RevisionStatus
from tritium.core.decide import ASK_AGAIN
from tritium.core.ledger import read
from tritium.core.plan import Plan, Resolution, ServiceWish
from tritium.core.reasons import Reason
from tritium.core.seen import PodSeen, Refusal, Seen, Trouble
from tritium.core.wish import wish as read_wish

ONE, TWO, THREE = revision(1), revision(2, "b"), revision(3, "c")
SERVES = status_of(wish(), serving(ONE, TWO))
NOTHING = ModelDeploymentStatus()


def upgrading(*candidates: PodSeen, **changes: Any) -> Seen:
    return serving(ONE, TWO, deployments=deployments(a=1, b=1), pods=(*pods(ONE), *candidates), **changes)


BOTH = upgrading(pod("p", TWO))


def test_a_second_decision_from_its_own_status_is_the_same() -> None:
    once = decide(wish("b"), SERVES, upgrading(pod("p", TWO)), NOW)
    again = decide(wish("b"), once.status, upgrading(pod("p", TWO), service=service(TWO)), NOW)
    assert decide(wish("b"), again.status, upgrading(pod("p", TWO), service=service(TWO)), after(seconds=9)) == replace(
        again, notices=()
    )


def test_when_a_revision_is_promoted_the_gateway_is_told_so_and_nothing_goes_yet() -> None:
    plan = decide(wish("b"), SERVES, upgrading(pod("p", TWO)), NOW)
    assert weights(plan.status.traffic) == {2: ALL, 1: 0}
    assert plan.service == ServiceWish(PORT, 2)
    assert plan.replicas == {A: 1, B: 1}
    assert plan.kept == {A, B}


def test_what_the_gateway_is_told_is_among_the_decisions_that_are_written_first() -> None:
    plan = decide(wish("b"), SERVES, upgrading(pod("p", TWO, STARTING)), NOW)
    assert plan.course.ledger.traffic == plan.status.traffic != SERVES.traffic
    assert read(plan.status) == plan.course.ledger


def test_the_old_revision_gives_its_pods_up_after_the_bake_time_and_is_kept() -> None:
    moved = decide(wish("b"), SERVES, upgrading(pod("p", TWO)), NOW).status
    sees = upgrading(pod("p", TWO), service=service(TWO))
    baking = decide(wish("b"), moved, sees, after(minutes=9))
    assert (baking.replicas, baking.wake_at, baking.status.phase) == ({A: 1, B: 1}, after(minutes=10), Phase.PROMOTING)
    over = decide(wish("b"), baking.status, sees, after(minutes=10))
    assert (over.replicas, over.wake_at, over.status.phase) == ({A: 1, B: 1}, None, Phase.IDLE)
    assert weights(over.status.traffic) == {2: ALL}
    told = decide(wish("b"), over.status, sees, after(minutes=10))
    assert told.replicas == {A: 0, B: 1}
    assert told.kept == {A, B}


def test_what_serves_is_not_touched_without_its_record_or_a_status() -> None:
    for before in (SERVES, NOTHING):
        plan = decide(wish(), before, serving(ONE, revisions=()), NOW)
        assert plan.status.traffic == before.traffic
        assert plan.replicas == {}
        assert plan.kept == {A}


def test_a_stable_revision_whose_record_was_deleted_by_hand_comes_back_under_a_new_number() -> None:
    again, sees = revision(2), serving(ONE, revisions=())
    resolving = decide(wish(), SERVES, sees, NOW)
    assert resolving.target.resolution == Resolution("a", 1)
    listed = decide(wish(), resolving.status, replace(sees, resolutions=(job(found=1),)), NOW)
    assert listed.target.create
    assert (listed.target.create.hash, listed.target.create.number) == (A, 2)
    recorded = decide(wish(), listed.status, replace(sees, revisions=(again,)), NOW, unaware_of(again))
    assert (recorded.course.stable, recorded.course.candidate, recorded.replicas) == (again, None, {A: 1})
    assert weights(recorded.status.traffic) == {2: ALL}
    left = decide(wish("b"), recorded.status, replace(sees, revisions=(again, THREE)), NOW, lagging(SERVES.traffic))
    assert left.replicas == {A: 1}


def test_where_the_record_of_what_serves_is_gone_another_revision_can_still_take_over() -> None:
    gone = replace(BOTH, revisions=(TWO,))
    waiting = decide(wish("b"), SERVES, gone, NOW, unaware_of(TWO))
    assert (waiting.course.ledger.stable, weights(waiting.status.traffic)) == (1, {2: 0, 1: ALL})
    assert waiting.kept == {A, B}
    moved = decide(wish("b"), waiting.status, gone, NOW)
    assert (moved.course.ledger.stable, weights(moved.status.traffic), moved.kept) == (2, {2: ALL}, frozenset({A, B}))
    assert decide(wish("b"), moved.status, gone, NOW).kept == {B}


# Digests.


def with_digest(name: str, digest: str, minutes: int = 0) -> PodSeen:
    return pod(name, ONE, created=after(minutes=minutes), fetched=FetchResult(digest=digest))


def digests(before: ModelDeploymentStatus, sees: Seen) -> dict[str, str]:
    return dict(decide(wish(), before, sees, NOW).digests)


def test_the_digest_that_was_found_first_wins() -> None:
    later, first = with_digest("a", "sha256:later", 1), with_digest("b", "sha256:first")
    assert digests(SERVES, serving(ONE, pods=(later, first))) == {A: "sha256:first"}


def test_the_config_map_wins_over_pods_and_the_status_over_both() -> None:
    sees = serving(ONE, pods=(with_digest("a", "sha256:pod"),), digests={A: "sha256:map"})
    assert digests(SERVES, sees) == {A: "sha256:map"}
    row = RevisionStatus(revision=1, name=f"fraud-{A}", written="a", digest="sha256:status")
    assert digests(SERVES.model_copy(update={"revisions": [row]}), sees) == {A: "sha256:status"}


def test_a_digest_belongs_to_a_revision_and_not_to_its_number() -> None:
    row = RevisionStatus(revision=1, name="fraud-00000000", written="z", digest="sha256:other")
    assert digests(SERVES.model_copy(update={"revisions": [row]}), serving(ONE)) == {}


def test_digests_of_revisions_that_are_not_kept_are_none() -> None:
    assert digests(SERVES, serving(ONE, digests={"00000000": "sha256:d"})) == {}


# Smoke tests.

ASKS = wish("b", smoke_tests="t1")


def asked(plan: Plan) -> set[str]:
    return set(plan.ask)


def test_ready_pods_of_a_candidate_are_asked_until_they_pass() -> None:
    p, q = pod("p", TWO), pod("q", TWO)
    plan = decide(ASKS, SERVES, upgrading(p, q, pod("r", TWO, NO_ROOM), smoke=passed(p)), NOW)
    assert (asked(plan), plan.wake_at) == ({"uid-q"}, NOW + ASK_AGAIN)


def test_nobody_is_asked_without_a_test_or_of_what_serves_or_has_served() -> None:
    assert asked(decide(wish("b"), SERVES, upgrading(pod("p", TWO)), NOW)) == set()
    assert asked(decide(replace(ASKS, written="a"), SERVES, upgrading(pod("p", TWO)), NOW)) == set()
    moved = decide(wish("b"), SERVES, upgrading(pod("p", TWO)), NOW).status
    assert asked(decide(replace(ASKS, written="a", replicas=2), moved, upgrading(pod("p", TWO)), NOW)) == set()


# Retries.


def turned_down() -> ModelDeploymentStatus:
    return decide(wish("b"), SERVES, upgrading(pod("p", TWO, BROKEN)), NOW).status


RETRIES = wish("b", action=RETRY)


def test_a_retry_tries_again_and_replaces_the_pods_that_spoke_against() -> None:
    listing = decide(RETRIES, turned_down(), upgrading(pod("p", TWO, BROKEN)), after(minutes=1))
    assert (listing.course.candidate, listing.target.resolution) == (None, Resolution("b#7", 1))
    sees = upgrading(pod("p", TWO, BROKEN), pod("q", TWO, STARTING), resolutions=(job("b#7", found=1),))
    tried = decide(RETRIES, listing.status, sees, after(minutes=1))
    assert tried.course.candidate == TWO
    assert tried.replace == {"uid-p"}
    assert tried.status.phase is Phase.PREPARING
    assert tried.status.last_action == LastAction(verb="retry", token=RETRY.token, at=after(minutes=1))
    assert tried.replicas == {A: 1, B: 1}


def test_a_retry_replaces_pods_that_failed_their_smoke_test() -> None:
    asks, bad = replace(RETRIES, smoke_tests="t1"), pod("p", TWO)
    sees = upgrading(bad, resolutions=(job("b#7", found=1),), smoke=failed(bad))
    assert decide(asks, turned_down(), sees, after(minutes=1)).replace == {"uid-p"}


def test_a_crash_before_the_retry_was_written_down_does_it_again_and_after_that_does_not() -> None:
    sees = upgrading(pod("p", TWO, BROKEN), resolutions=(job("b#7", found=1),))
    before = turned_down()
    assert decide(RETRIES, before, sees, after(minutes=1)) == (done := decide(RETRIES, before, sees, after(minutes=1)))
    assert decide(RETRIES, done.status, sees, after(minutes=2)).course.ledger == done.course.ledger


def test_a_retry_with_a_changed_source_makes_a_revision_and_leaves_the_rejection() -> None:
    changed = revision(3, "b", source=2)
    sees = upgrading(resolutions=(job("b#7", found=2),))
    listed = decide(RETRIES, turned_down(), sees, after(minutes=1))
    assert listed.target.create
    assert (listed.target.create.hash, listed.target.create.number) == (changed.hash, 3)
    made = decide(RETRIES, listed.status, replace(sees, revisions=(ONE, TWO, changed)), after(minutes=1))
    assert made.course.candidate == changed
    assert [each.revision for each in made.course.ledger.rejected] == [2]
    after_that = decide(RETRIES, made.status, serving(ONE, TWO, changed), after(minutes=1))
    assert (after_that.course.candidate, after_that.target.resolution) == (changed, None)


def test_a_token_of_any_length_can_be_carried_out() -> None:
    obj = {
        "metadata": {
            "namespace": "ml",
            "name": "fraud",
            "generation": 1,
            "annotations": {ACTION: f"retry@{'x' * 1000}"},
        },
        "spec": {"model": {"source": {"uri": "s3://models/fraud/7"}}},
    }
    asks = read_wish(obj)
    assert asks.action
    kept = revision(1, asks.written)
    sees = serving(kept, resolutions=(job(f"{asks.written}#{asks.action.token}", found=1),))
    last = decide(asks, SERVES, sees, NOW).status.last_action
    assert last
    assert last.token == "x" * 128


# Refusals, and listings that fail.


def test_without_a_job_there_is_no_revision() -> None:
    refusal = Refusal("Job", "fraud-src-1", Reason.QUOTA, "Job fraud-src-1: exceeded quota")
    plan = decide(wish("c"), SERVES, serving(ONE, refusals=(refusal,)), NOW)
    assert (plan.target.trouble, plan.status.phase) == (
        Trouble("Job", Reason.QUOTA, "Job fraud-src-1: exceeded quota"),
        Phase.BLOCKED,
    )


def test_a_job_that_is_refused_takes_nothing_from_a_kept_revision() -> None:
    refusal = Refusal("Job", "fraud-src-1", Reason.QUOTA, "Job fraud-src-1: exceeded quota")
    plan = decide(wish("b"), SERVES, upgrading(refusals=(refusal,)), NOW)
    assert (plan.target.trouble, plan.course.trouble, plan.status.phase) == (None, None, Phase.PREPARING)


def test_while_the_next_attempt_runs_the_last_failure_still_stands() -> None:
    first = decide(wish("c"), SERVES, serving(ONE, resolutions=(job("c", trouble=DENIED),)), NOW)
    assert first.wake_at == after(seconds=10)
    second = decide(wish("c"), first.status, serving(ONE, resolutions=(job("c", 2),)), after(seconds=10))
    assert second.target.trouble == DENIED
    assert second.status.conditions == first.status.conditions
    assert second.status.phase is Phase.BLOCKED


def test_another_specs_first_attempt_inherits_no_failure() -> None:
    first = decide(wish("c"), SERVES, serving(ONE, resolutions=(job("c", trouble=DENIED),)), NOW)
    assert decide(wish("d"), first.status, serving(ONE, resolutions=(job("d"),)), NOW).target.trouble is None


def test_a_later_attempt_inherits_no_failure_of_a_pod() -> None:
    before = decide(wish(), SERVES, serving(ONE, pods=(pod("p", ONE, NO_ROOM),)), NOW).status
    assert decide(wish("c"), before, serving(ONE, resolutions=(job("c", 2),)), NOW).target.trouble is None


def test_a_listing_that_answered_inherits_no_failure() -> None:
    first = decide(wish("c"), SERVES, serving(ONE, resolutions=(job("c", trouble=DENIED),)), NOW)
    assert first.status.last_failure
    assert first.status.last_failure.reason == FetchReason.ACCESS_DENIED
    answered = decide(wish("c"), first.status, serving(ONE, resolutions=(job("c", 2, found=1),)), NOW)
    assert answered.target.create
    assert answered.target.trouble is None


def test_the_pods_of_a_crowded_held_revision_do_not_come_back() -> None:
    moved = decide(wish("b"), SERVES, upgrading(pod("p", TWO)), NOW).status
    crowded = serving(
        TWO, ONE, THREE, deployments=deployments(a=1, b=1, c=1), pods=(*pods(TWO), pod("p", THREE, NO_ROOM))
    )
    gave = decide(wish("c"), decide(wish("c"), moved, crowded, NOW).status, crowded, after(minutes=1))
    assert gave.replicas == {A: 0, B: 1, THREE.hash: 1}
    roomy = replace(crowded, deployments=deployments(a=0, b=1, c=1), pods=(*pods(TWO), *pods(THREE)))
    assert decide(wish("c"), gave.status, roomy, after(minutes=2)).replicas == {A: 0, B: 1, THREE.hash: 1}
