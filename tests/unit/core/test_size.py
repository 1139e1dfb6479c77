"""Replicas that follow the work, as a pass decides them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.core.seeing import (
    NO_GPU,
    NO_ROOM,
    NOW,
    STARTING,
    A,
    Gateway,
    after,
    decide,
    following,
    pod,
    pods,
    revision,
    serving,
    silent,
    status_of,
    wish,
)
from tritium.api.conditions import ConditionType
from tritium.api.status import ModelDeploymentStatus, Phase
from tritium.core.plan import Plan
from tritium.core.reasons import Reason
from tritium.core.scaling.capacity import Capacity
from tritium.core.scaling.controller import Memory, Need, Why
from tritium.core.scaling.schedule import Entry
from tritium.core.scaling.wish import ScalingWish
from tritium.core.scaling.work import Work
from tritium.core.seen import PodSeen, Seen
from tritium.core.wish import SpecInvalid, Wish
from tritium.core.wish import wish as read_wish

ONE, TWO = revision(1), revision(2, "b")
LONG_AGO = -10_000.0
"""On the controller's clock, whose now is 0."""


def asked(written: str = "a", **others: Any) -> Wish:
    return wish(written, scaling=replace(ScalingWish(1, 8), **others))


def needs(pods: float, *, before: int = 0, why: Why = Why.DEMAND, **others: Any) -> Work:
    """The work, of which the last ten minutes are known, in which so many pods were needed at most."""
    memory = Memory(began=LONG_AGO, needs=((-10.0, before),) if before else ())
    return Work(memory, 0.0, Need(pods, why, pods * 20), **others)


def served(count: int = 2, work: Work | None = None, *more: PodSeen, **changes: Any) -> Seen:
    return serving(ONE, count=count, work=work, **({"pods": (*pods(ONE, count), *more)} if more else {}), **changes)


def scaled(count: int, wanted: Wish | None = None) -> ModelDeploymentStatus:
    """The status of one that has so many pods, for an hour."""
    return status_of(wanted or asked(), served(count), after(hours=-1))


def size(plan: Plan) -> tuple[int, str | None, int]:
    """What is asked for, what limits that, and the pods of the stable revision."""
    assert plan.status.scaling
    return plan.status.scaling.desired, plan.status.scaling.limited_by, plan.replicas[A]


def active(plan: Plan) -> tuple[str, str]:
    found = {each.type: each for each in plan.status.conditions or ()}[ConditionType.SCALING_ACTIVE]
    return found.status, found.reason


def test_more_are_asked_for_at_once() -> None:
    plan = decide(asked(), scaled(2), served(2, needs(4.7)), NOW)
    assert size(plan) == (5, None, 5)
    assert plan.status.scaling
    assert plan.status.scaling.changed_at == NOW
    assert plan.status.scaling.message == "94 requests a second need 4.7 pods; 5 are asked for"
    assert active(plan) == ("True", Reason.SCALING)
    assert [(each.reason, each.message) for each in plan.notices] == [
        (Reason.SCALED, "2 -> 5 pods: 94 requests a second need 4.7 pods; 5 are asked for")
    ]


def test_what_is_decided_is_written_before_it_is_done() -> None:
    before = scaled(2)
    plan = decide(asked(), before, served(2, needs(4.7)), NOW)
    assert plan.course.ledger.size
    assert plan.course.ledger.size.desired == 5


def test_never_more_than_max_and_it_says_so() -> None:
    plan = decide(asked(most=3), scaled(2), served(2, needs(4.7)), NOW)
    assert size(plan) == (3, "max", 3)
    assert active(plan) == ("True", Reason.AT_MAX)


def test_fewer_by_and_by() -> None:
    assert size(decide(asked(), scaled(8), served(8, needs(1.0)), NOW)) == (6, "step", 6)


def test_not_sooner_than_the_greatest_need_of_a_while_is_over() -> None:
    assert size(decide(asked(), scaled(4), served(4, needs(1.0, before=4)), NOW)) == (4, "window", 4)


def test_a_process_that_begins_does_not_know_what_was_needed() -> None:
    work = replace(needs(1.0), memory=Memory(began=-10.0))
    assert size(decide(asked(), scaled(4), served(4, work), NOW)) == (4, "window", 4)


@pytest.mark.parametrize(
    ("seen", "says", "limited"),
    [
        (served(4, needs(1.0), pod("new", ONE, STARTING)), following, "starting"),
        (served(4, needs(1.0)), silent, "rollout"),
        (served(4, needs(1.0, partial=True)), following, "partial"),
        (served(4, needs(1.0, gpu=0.93)), following, "gpu"),
    ],
    ids=["a pod starts", "the gateway does not answer", "a gateway pod does not tell", "the GPUs are busy"],
)
def test_nothing_goes_while_something_moves(seen: Seen, says: Gateway, limited: str) -> None:
    assert size(decide(asked(), scaled(4), seen, NOW, says)) == (4, limited, 4)


def test_nothing_goes_in_a_rollout() -> None:
    begun = decide(asked("b"), scaled(4), serving(ONE, TWO, count=4), after(minutes=-5)).status
    assert begun.candidate
    led = begun.model_copy(
        update={"phase": Phase.PAUSED, "candidate": begun.candidate.model_copy(update={"weight": 10})}
    )
    assert size(decide(asked("b"), led, serving(ONE, TWO, count=4, work=needs(1.0)), NOW)) == (4, "rollout", 4)


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.BLOCKED, Phase.PAUSED])
def test_a_candidate_that_nobody_is_sent_to_keeps_no_pods(phase: Phase) -> None:
    """Such as one whose image is mistyped on a Friday."""
    begun = decide(asked("b"), scaled(4), serving(ONE, TWO, count=4), after(minutes=-5)).status
    still = begun.model_copy(update={"phase": phase})
    assert size(decide(asked("b"), still, serving(ONE, TWO, count=4, work=needs(1.0)), NOW))[0] == 3


def test_more_are_asked_for_in_a_rollout() -> None:
    begun = decide(asked("b"), scaled(2), serving(ONE, TWO, count=2), NOW).status
    assert size(decide(asked("b"), begun, serving(ONE, TWO, count=2, work=needs(4.7)), NOW))[0] == 5


def test_without_room_no_more_are_asked_for_again_and_again() -> None:
    sees = served(2, needs(6.0), pod("waits", ONE, NO_ROOM))
    plan = decide(asked(), scaled(3), sees, NOW)
    assert size(plan) == (3, "room", 3)
    assert active(plan) == ("False", Reason.NO_ROOM)


def test_a_pod_that_finds_no_room_does_not_keep_others_from_going() -> None:
    sees = served(3, needs(1.0), pod("waits", ONE, NO_ROOM))
    assert size(decide(asked(), scaled(4), sees, NOW))[0] == 3


def lately(count: int, wanted: Wish | None = None) -> ModelDeploymentStatus:
    """The status of one that has asked for so many a minute ago."""
    before = scaled(count, wanted)
    assert before.scaling
    return before.model_copy(update={"scaling": before.scaling.model_copy(update={"changed_at": after(minutes=-1)})})


def test_who_comes_first_gets_the_next_gpu() -> None:
    for has, waits, wanted, gets in ((2, 0, 4.0, 2), (3, 1, 3.0, 2), (3, 1, 1.0, 2), (1, 0, 1.0, 1)):
        more = (pod("waits", ONE, NO_GPU),) if waits else ()
        plan = decide(asked(), lately(has), served(has - waits, needs(wanted, first="ml/day"), *more), NOW)
        assert size(plan)[0] == gets, (has, waits, wanted)


def test_who_waits_no_more_loses_nothing_that_runs() -> None:
    """The pod that waited is there for a moment longer, while the same is decided again."""
    sees = served(3, needs(4.0, first="ml/day"), pod("waits", ONE, NO_GPU))
    plan = decide(asked(), lately(4), sees, NOW)
    for _ in range(3):
        plan = decide(asked(), plan.status, sees, NOW)
        assert size(plan) == (3, "priority", 3)


def test_and_it_says_who() -> None:
    plan = decide(asked(), lately(2), served(2, needs(4.7, first="ml/day")), NOW)
    assert size(plan) == (2, "priority", 2)
    assert plan.status.scaling
    assert plan.status.scaling.message == (
        "94 requests a second need 4.7 pods; 2 are asked for: ml/day comes first, and waits for what they need"
    )
    assert active(plan) == ("False", Reason.NO_ROOM)


def test_what_is_of_no_use_to_who_comes_first_is_tried_now_and_then() -> None:
    tried = decide(asked(), scaled(2), served(2, needs(4.7, first="ml/day")), NOW)
    assert size(tried) == (3, "priority", 3)
    waits = decide(
        asked(), tried.status, served(2, needs(4.7, first="ml/day"), pod("w", ONE, NO_GPU)), after(minutes=1)
    )
    assert size(waits) == (2, "priority", 2)


def test_the_bounds_of_the_spec_hold_whoever_comes_first() -> None:
    assert size(decide(asked(least=3), lately(3), served(2, needs(4.7, first="ml/day")), NOW))[0] == 3


def test_without_data_nothing_changes() -> None:
    before = scaled(4)
    assert size(decide(asked(), before, served(4), NOW)) == (4, None, 4)
    gone = Work(Memory(began=LONG_AGO), 0.0, silent="nobody tells what arrives")
    plan = decide(asked(), before, served(4, gone), NOW)
    assert size(plan) == (4, None, 4)
    assert active(plan) == ("False", Reason.NO_DATA)


def test_but_what_the_spec_says_holds_without_data() -> None:
    assert size(decide(asked(least=3), scaled(2), served(2), NOW))[0] == 3
    assert size(decide(asked(most=2), scaled(4), served(4), NOW))[0] == 2


WORKDAY = (Entry("0 7 * * 1-5", "Europe/Berlin", 4), Entry("0 20 * * *", "Europe/Berlin", 1))
MONDAY = datetime(2026, 7, 6, tzinfo=UTC)


@pytest.mark.parametrize(("hour", "pods", "limited", "next_hour"), [(5, 4, "schedule", 18), (4, 2, None, 5)])
def test_a_schedule_is_a_lower_bound_by_the_clock(hour: int, pods: int, limited: str | None, next_hour: int) -> None:
    plan = decide(asked(schedules=WORKDAY), scaled(2), served(2, needs(2.0)), MONDAY.replace(hour=hour))
    assert size(plan) == (pods, limited, pods)
    assert plan.wake_at == MONDAY.replace(hour=next_hour), "nothing else would tell that its time has come"


def test_when_its_time_is_over_there_are_fewer_by_and_by() -> None:
    evening = MONDAY.replace(hour=18, minute=5)
    assert size(decide(asked(schedules=WORKDAY), scaled(4), served(4, needs(1.0)), evening))[0] == 3


def test_it_begins_with_the_pods_that_there_are() -> None:
    fixed = status_of(wish(replicas=4), served(4))
    assert size(decide(asked(), fixed, served(4), NOW))[0] == 4


def test_also_if_the_status_is_lost() -> None:
    for work in (None, needs(1.0)):  # nobody knows yet what serves
        assert size(decide(asked(), ModelDeploymentStatus(), served(4, work), NOW))[0] == 4


def test_a_process_that_begins_writes_nothing() -> None:
    told = decide(asked(), scaled(2), served(2, needs(4.7)), NOW).status
    running = decide(asked(), told, served(5, needs(4.7)), after(seconds=60)).status
    assert decide(asked(), running, served(5), after(seconds=90)).status == running
    begun = Work(Memory(began=0.0), 1.0)
    assert decide(asked(), running, served(5, begun), after(seconds=90)).status == running


def test_the_last_of_fewer_is_no_limit() -> None:
    plan = decide(asked(), scaled(2), served(2, needs(0.2)), NOW)
    assert size(plan) == (1, None, 1)
    assert plan.status.scaling
    assert plan.status.scaling.message == "4 requests a second need 0.2 pods; 1 is asked for"


def numbers(plan: Plan) -> tuple[float | None, datetime | None]:
    assert plan.status.scaling
    return plan.status.scaling.need, plan.status.scaling.at


def test_numbers_are_written_when_they_are_news_and_not_more_than_twice_a_minute() -> None:
    before = decide(asked(), scaled(2), served(2, needs(1.8)), NOW).status
    for seconds, need, written in ((10, 1.2, 1.8), (40, 1.75, 1.8), (40, 1.2, 1.2)):
        plan = decide(asked(), before, served(2, needs(need)), after(seconds=seconds))
        assert numbers(plan)[0] == written, (seconds, need)


def test_recommend_shows_and_does_nothing() -> None:
    wanted = replace(asked(acts=False), replicas=2)
    plan = decide(wanted, scaled(2, wanted), served(2, needs(4.7)), NOW)
    assert size(plan) == (2, None, 2)
    assert plan.status.scaling
    assert plan.status.scaling.recommended == 5
    assert plan.status.scaling.message == "94 requests a second need 4.7 pods; 5 would be asked for"
    assert active(plan) == ("False", Reason.RECOMMENDING)


def test_fixed_replicas_have_nothing_of_it() -> None:
    plan = decide(wish(replicas=2), scaled(4), served(4, needs(4.7)), NOW)
    assert plan.status.scaling is None
    assert plan.replicas[A] == 2
    assert active(plan) == ("False", Reason.FIXED_REPLICAS)


def test_what_a_pod_can_do_is_kept_with_its_revision() -> None:
    work = replace(needs(2.0), memory=Memory(began=LONG_AGO, capacity=Capacity(26.66, windows=3)))
    found = decide(asked(), scaled(2), served(2, work), NOW).status.scaling
    assert found
    assert found.capacity
    assert (found.capacity.revision, found.capacity.rps, found.capacity.windows) == (1, 26.7, 3)


def test_recommend_comes_to_its_end() -> None:
    wanted = replace(asked(acts=False), replicas=8)
    status, found = scaled(8, wanted), []
    for minute in range(12):
        plan = decide(wanted, status, served(8, needs(1.0)), after(minutes=minute))
        status = plan.status
        assert status.scaling
        assert (status.scaling.desired, plan.replicas[A]) == (8, 8)
        found.append(status.scaling.recommended)
    assert found == [6, 5, 4, 3, 2, 1, 1, 1, 1, 1, 1, 1]


def test_a_capacity_that_no_signal_asks_for_is_refused() -> None:
    spec = {
        "model": {"source": {"uri": "s3://a/b"}},
        "scaling": {"metric": "concurrency", "target": 4, "capacityRps": 9},
    }
    with pytest.raises(SpecInvalid, match=r"^spec\.scaling\.capacityRps: has no meaning with metric concurrency"):
        read_wish({"metadata": {"namespace": "ml", "name": "fraud", "generation": 3}, "spec": spec})


def test_a_pod_that_became_ready_again_did_not_start_for_days() -> None:
    flipped = tuple(replace(each, created=after(days=-10), moved=NOW) for each in pods(ONE, 2))
    found = decide(asked(), scaled(2), serving(ONE, count=2, pods=flipped), after(minutes=1)).status.scaling
    assert found
    assert found.cold_start_seconds is None


def test_what_waits_for_a_node_does_not_start() -> None:
    waited = tuple(
        replace(each, created=after(minutes=-50), placed=after(minutes=-1), moved=NOW) for each in pods(ONE, 2)
    )
    found = decide(asked(), scaled(2), serving(ONE, count=2, pods=waited), after(minutes=1)).status.scaling
    assert found
    assert found.cold_start_seconds == 60


TOOK = (50, 60, 300)


def test_how_long_a_pod_takes_is_seen_from_those_that_are_ready() -> None:
    took = tuple(replace(each, moved=after(seconds=seconds)) for each, seconds in zip(pods(ONE, 3), TOOK, strict=True))
    found = decide(asked(), scaled(3), serving(ONE, count=3, pods=took), NOW).status.scaling
    assert found
    assert found.cold_start_seconds == 60
