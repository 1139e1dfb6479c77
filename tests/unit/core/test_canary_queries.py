"""A rollout in steps with queries of its own: what they hold up, what they stop, and what is said about it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.core.seeing import NOW, passed, pods
from tests.unit.core.story import BAD, FEW, GOOD, NONE, TWO, TWO_STEPS, Story, asking, strategy
from tritium.api.conditions import ConditionType
from tritium.api.status import Phase
from tritium.core.queries import with_reading
from tritium.core.reasons import Reason
from tritium.core.seen import QuerySeen, Reading

QUERY = {"name": "drift", "query": "up", "max": 0.5}
UNREACHABLE = QuerySeen(trouble="Prometheus cannot be reached: refused.", since=NOW, silent=True)
MISTAKE = QuerySeen(trouble="it gives several series.", since=NOW, mistake=True)


def queried(steps: list[dict[str, Any]] | None = None, **analysis: Any) -> str:
    return strategy(steps, analysis={"prometheus": [QUERY], **analysis})


def begun(known: QuerySeen | None = None, steps: list[dict[str, Any]] | None = None, **analysis: Any) -> Story:
    story = Story(asking(strategy=queried(steps, **analysis)), window=GOOD, has_prometheus=True)
    story.queries = {"drift": known} if known else {}
    story.run()
    assert (story.part, story.judging) == (1_000, True)
    return story


def answers(story: Story, *values: float) -> None:
    """One each ten seconds."""
    known = story.queries.get("drift", QuerySeen())
    for value in values:
        story.now += timedelta(seconds=10)
        known = QuerySeen(with_reading(known.readings, Reading(story.now, value)))
        story.queries = {"drift": known}
        story.run()


def test_a_query_that_stays_within_its_bound_lets_the_step_end() -> None:
    story = begun()
    answers(story, *[0.2] * 6)
    assert (story.part, story.step) == (1_000, 0), "its minute has lasted, and the answers span 50 seconds"
    answers(story, 0.2)
    assert (story.part, story.step) == (5_000, 1)


def test_a_query_outside_its_bound_for_a_minute_takes_the_traffic_back() -> None:
    story = begun()
    answers(story, *[0.9] * 6)
    assert story.part == 1_000
    answers(story, 0.9)
    assert (story.part, story.status.phase) == (0, Phase.ABORTED)
    (rejected,) = story.status.rejected_revisions or []
    assert (rejected.reason, rejected.message) == (
        Reason.GATE_FAILED,
        'The query "drift" gives 0.9; at most 0.5 is allowed.',
    )


@pytest.mark.parametrize("known", [None, UNREACHABLE, MISTAKE])
@pytest.mark.parametrize("policy", [{}, {"onInsufficientData": "Promote"}, {"onInsufficientData": "Hold"}])
@pytest.mark.parametrize("steps", [TWO_STEPS, [TWO_STEPS[0] | {"minRequests": 0}, TWO_STEPS[1]]])
def test_without_a_result_nothing_goes_on_whatever_else_is_asked_for(
    known: QuerySeen | None, policy: dict[str, str], steps: list[dict[str, Any]]
) -> None:
    """A smoke test and `Promote` are about too few requests. That nobody measured is another thing."""
    story = begun(known, steps, **policy)
    story.asks = asking(strategy=queried(steps, **policy), smoke_tests="t")
    story.sees = replace(story.sees, smoke=passed(*pods(TWO, 10)))
    story.run(minutes=29)
    assert (story.part, story.step, story.paused) == (1_000, 0, None)
    story.run(minutes=1)
    assert (story.part, story.step, story.paused) == (1_000, 0, Reason.INSUFFICIENT_DATA)
    assert 'The query "drift" has no result: ' in story.says()
    story.act("skip-step")
    story.run()
    assert story.step == 1


def test_an_abort_without_a_result_has_to_be_asked_for() -> None:
    story = begun(UNREACHABLE, onInsufficientData="Abort")
    story.run(minutes=30)
    assert (story.part, story.status.phase) == (0, Phase.ABORTED)


@pytest.mark.parametrize("window", [FEW, NONE])
def test_a_good_query_does_not_stand_in_for_requests(window: Any) -> None:
    story = begun()
    story.window = window
    answers(story, *[0.2] * 12)
    assert story.step == 0


def test_nor_does_it_save_a_bad_version() -> None:
    story = begun()
    story.window = BAD
    answers(story, 0.2)
    assert story.status.phase is Phase.ABORTED


def test_a_mistake_in_a_query_is_told_at_once() -> None:
    story = begun(MISTAKE)
    assert story.status.reason == Reason.QUERY_FAILED
    assert 'The query "drift" has no result: it gives several series. Try the query in Prometheus' in story.says()
    failure = story.status.last_failure
    assert failure
    assert (failure.component, failure.reason) == ("prometheus", Reason.QUERY_FAILED)
    assert story.status.phase is Phase.PROGRESSING
    candidate = story.status.candidate
    gates = {each.name: each.message for each in (candidate.gates if candidate else None) or ()}
    assert gates["drift"] == 'The query "drift" has no result: it gives several series.'
    assert gates["errors"] is None


def test_a_prometheus_that_is_away_is_told_of_when_it_lasts_and_no_more_when_it_is_over() -> None:
    story = begun(UNREACHABLE)
    said = story.says()
    assert said == "revision 2 has 10 % of the traffic, step 1 of 2"
    story.run(seconds=119)
    assert story.says() == said
    story.run(seconds=1)
    assert "cannot be reached: refused" in story.says()
    assert "goes on by itself" in story.says()
    assert "abort" not in story.says(), "nothing is wrong with the rollout, nor with its query"
    assert story.status.reason == Reason.QUERY_FAILED
    answers(story, 0.2)
    assert story.says() == said


def test_without_a_prometheus_a_rollout_with_queries_does_not_start() -> None:
    story = Story(asking(strategy=queried()), window=GOOD)
    story.run()
    story.run(hours=9)
    assert (story.part, story.status.phase, story.status.reason) == (0, Phase.BLOCKED, Reason.NO_PROMETHEUS)
    assert "Set the chart's value prometheus.url" in story.says()
    assert "Set the chart's value prometheus.url" in story.says(ConditionType.STALLED)
    story.has_prometheus = True
    story.run()
    assert story.part == 1_000


def test_one_that_has_begun_keeps_its_share_and_goes_no_further() -> None:
    story = begun()
    answers(story, *[0.2] * 5)
    story.has_prometheus, story.queries = False, {}
    story.run(minutes=9)
    assert (story.part, story.step, story.status.reason) == (1_000, 0, Reason.NO_PROMETHEUS)


ALL_AT_ONCE = json.dumps({"strategy": "blueGreen", "analysis": {"prometheus": [QUERY]}})


@pytest.mark.parametrize("settings", [queried(), ALL_AT_ONCE])
def test_a_person_can_promote_all_the_same(settings: str) -> None:
    story = Story(asking(strategy=settings))
    story.run()
    assert (story.stable, story.part, story.status.reason) == (1, 0, Reason.NO_PROMETHEUS)
    story.act("promote")
    story.run()
    assert story.stable == 2


def baking(known: QuerySeen | None = None) -> Story:
    """All of the traffic at once, and the old revision keeps its pods for a while."""
    story = Story(asking(strategy=ALL_AT_ONCE), window=GOOD, has_prometheus=True)
    story.queries = {"drift": known} if known else {}
    story.run()
    assert (story.stable, story.status.phase, story.judging) == (2, Phase.PROMOTING, True)
    return story


def test_within_the_bake_a_query_takes_the_traffic_back() -> None:
    story = baking()
    answers(story, *[0.9] * 7)
    assert (story.stable, story.status.phase) == (1, Phase.ABORTED)
    (rejected,) = story.status.rejected_revisions or []
    assert (rejected.reason, rejected.message) == (
        Reason.BAKE_FAILED,
        'The query "drift" gives 0.9; at most 0.5 is allowed.',
    )


@pytest.mark.parametrize(
    ("known", "says"),
    [
        (None, None),
        (UNREACHABLE, "See that the operator can reach Prometheus: until then this version is judged without it."),
        (MISTAKE, "Correct it for the next rollout: this version serves, and is judged without it."),
    ],
)
def test_within_the_bake_no_result_takes_nothing_back_and_is_told(known: QuerySeen | None, says: str | None) -> None:
    story = baking(known)
    story.run(minutes=5)
    assert (story.stable, story.status.phase) == (2, Phase.PROMOTING)
    failure = story.status.last_failure
    assert (failure.reason if failure else None) == (Reason.QUERY_FAILED if known else None)
    assert says is None or (failure and failure.message.endswith(says))
    story.run(minutes=5)
    assert (story.stable, story.status.phase) == (2, Phase.IDLE)
