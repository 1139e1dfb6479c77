"""What a query's answers are worth: a verdict takes answers that agree for a minute, and no number is none."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.unit.core.seeing import NOW
from tritium.api.rollout import PLACEHOLDERS, PrometheusGate, Rollout
from tritium.api.status import CandidateStatus, ModelDeploymentStatus
from tritium.api.traffic_status import TrafficStatus
from tritium.core.gate import Verdict, gate_status
from tritium.core.queries import query_gate, questions, with_reading
from tritium.core.seen import QuerySeen, Reading
from tritium.core.strategy import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
AT_MOST = PrometheusGate(name="drift", query="up", max=0.5)
AT_LEAST = PrometheusGate(name="drift", query="up", min=0.5)
MISTAKE = QuerySeen(trouble="it gives several series.", since=NOW, mistake=True)


def seen(*answers: tuple[float, float]) -> QuerySeen:
    """Readings, each with its second."""
    readings: tuple[Reading, ...] = ()
    for second, value in answers:
        readings = with_reading(readings, Reading(NOW + timedelta(seconds=second), value))
    return QuerySeen(readings)


def every(seconds: int, *values: float) -> QuerySeen:
    return seen(*((seconds * number, value) for number, value in enumerate(values)))


@pytest.mark.parametrize(
    ("gate", "value", "comes"),
    [
        (AT_MOST, 0.5, PASS),
        (AT_MOST, 0.51, FAIL),
        (AT_LEAST, 0.5, PASS),
        (AT_LEAST, 0.49, FAIL),
        (AT_MOST.model_copy(update={"max": 0.0}), 0.1, FAIL),
        (AT_LEAST.model_copy(update={"min": -1.0}), -2.0, FAIL),
    ],
)
def test_the_bound_decides(gate: PrometheusGate, value: float, comes: Verdict) -> None:
    found = query_gate(gate, every(10, *[value] * 7))
    assert (found.verdict, found.value, found.query) == (comes, value, True)


@pytest.mark.parametrize("value", [0.1, 0.9])
def test_a_verdict_takes_three_answers_over_a_minute(value: float) -> None:
    sure = PASS if value < 0.5 else FAIL
    assert query_gate(AT_MOST, every(10, *[value] * 6)).verdict is INCONCLUSIVE, "50 s"
    assert query_gate(AT_MOST, every(10, *[value] * 7)).verdict is sure
    assert query_gate(AT_MOST, every(60, value, value)).verdict is INCONCLUSIVE, "two answers"
    assert query_gate(AT_MOST, every(30, value, value, value)).verdict is sure
    assert query_gate(AT_MOST, every(10, *[value] * 500)).verdict is sure


@pytest.mark.parametrize("value", [0.1, 0.9])
def test_one_answer_on_the_other_side_begins_anew(value: float) -> None:
    sure, other = (PASS, 0.9) if value < 0.5 else (FAIL, 0.1)
    assert query_gate(AT_MOST, every(10, *[value] * 9, other)).verdict is INCONCLUSIVE
    assert query_gate(AT_MOST, every(10, *[value] * 9, other, *[value] * 6)).verdict is INCONCLUSIVE
    assert query_gate(AT_MOST, every(10, *[value] * 9, other, *[value] * 7)).verdict is sure


@pytest.mark.parametrize("nothing", [None, QuerySeen(), MISTAKE])
@pytest.mark.parametrize("gate", [AT_MOST, AT_LEAST])
def test_no_number_is_neither_a_pass_nor_a_failure(gate: PrometheusGate, nothing: QuerySeen | None) -> None:
    found = query_gate(gate, nothing)
    assert (found.verdict, found.value, found.holds) == (INCONCLUSIVE, None, True)


def test_what_is_kept_does_not_grow() -> None:
    assert len(every(10, *[1.0] * 1000).readings) == 7
    assert len(every(3600, *[1.0] * 1000).readings) == 3


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (every(10, *[0.25] * 7), 'The query "drift" gives 0.25; at most 0.5 is allowed.'),
        (
            every(10, 0.75),
            'The query "drift" gives 0.75; at most 0.5 is allowed. A verdict takes answers that agree for a minute.',
        ),
        (None, 'The query "drift" has no result: Prometheus has not answered yet.'),
        (MISTAKE, 'The query "drift" has no result: it gives several series.'),
    ],
)
def test_what_people_read(known: QuerySeen | None, message: str) -> None:
    assert query_gate(AT_MOST, known).message == message


def test_the_status_says_why_there_is_no_result_and_otherwise_the_result() -> None:
    (without,) = gate_status([query_gate(AT_MOST, MISTAKE)], None, NOW)
    (with_one,) = gate_status([query_gate(AT_MOST, every(10, 0.75))], None, NOW)
    assert (without.message, without.value) == (query_gate(AT_MOST, MISTAKE).message, None)
    assert (with_one.message, with_one.value, with_one.limit) == (None, 0.75, 0.5)


def judged(query: str, **others: object) -> ModelDeploymentStatus:
    rollout = {"steps": [{"weight": 5}], "analysis": {"prometheus": [{"name": "a", "query": query, "max": 1}]}}
    known = [{"revision": number, "name": f"fraud-0000000{number}", "written": ""} for number in (1, 2)]
    status = ModelDeploymentStatus.model_validate({"revisions": known})
    candidate = CandidateStatus(revision=2, judged_since=NOW, settings=_settings(rollout))
    found = {"candidate": candidate, "traffic": TrafficStatus(version=1, model="m")}
    return status.model_copy(update=found | others)


def _settings(rollout: Mapping[str, object]) -> str:
    return settings(Rollout.model_validate(rollout))


def test_every_placeholder_is_filled_in() -> None:
    query = " ".join(f"{{{{{each}}}}}" for each in PLACEHOLDERS)
    asked = questions(("ml", "fraud"), judged(query), 1)
    assert asked == {"a": "ml fraud m 2 fraud-00000002 1 fraud-00000001"}


@pytest.mark.parametrize("candidate", [None, CandidateStatus(revision=2)], ids=["none", "no gate counts"])
def test_nobody_is_asked_where_nothing_is_judged(candidate: CandidateStatus | None) -> None:
    assert questions(("ml", "fraud"), judged("up", candidate=candidate), 1) == {}
    assert questions(("ml", "fraud"), judged("up"), None) == {}


def test_the_largest_queries_still_fit_into_the_status() -> None:
    """The API server would refuse every status otherwise."""
    bound = CandidateStatus.model_json_schema()["properties"]["settings"]["anyOf"][0]["maxLength"]
    for letter in ('"', "\\", "\n", "ü", "𝄞"):
        queries = [{"name": f"a{number}", "query": letter * 2048, "max": 1} for number in range(8)]
        steps = [{"weight": weight + 1, "minDuration": "999999h" * 4} for weight in range(20)]
        assert len(_settings({"steps": steps, "analysis": {"prometheus": queries}})) < bound
