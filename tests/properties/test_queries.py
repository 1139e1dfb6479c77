"""Queries on any answers: a verdict is never from less than a minute, and what is forgotten changes none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tritium.api.rollout import PrometheusGate
from tritium.core.gate import Verdict
from tritium.core.queries import AGREE_FOR, AGREE_LEAST, query_gate, with_reading
from tritium.core.seen import QuerySeen, Reading

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
GATES = st.builds(PrometheusGate, name=st.just("a"), query=st.just("up"), max=st.floats(-1, 1)) | st.builds(
    PrometheusGate, name=st.just("a"), query=st.just("up"), min=st.floats(-1, 1)
)
VALUES = st.floats(-2, 2) | st.floats(allow_nan=False, allow_infinity=False)
STEPS = st.lists(st.tuples(st.integers(0, 45), VALUES), min_size=1, max_size=40)


def readings(steps: list[tuple[int, float]]) -> list[Reading]:
    """Seconds since the one before, and what was answered."""
    found, at = [], NOON
    for pause, value in steps:
        at += timedelta(seconds=pause)
        found.append(Reading(at, value))
    return found


def within(gate: PrometheusGate, value: float) -> bool:
    return value <= gate.max if gate.max is not None else value >= (gate.min or 0.0)


@given(GATES, STEPS)
def test_a_verdict_is_what_every_answer_of_a_minute_says(gate: PrometheusGate, steps: list[tuple[int, float]]) -> None:
    """By the definition, over all that was ever answered; the gate has what `with_reading` keeps."""
    kept: tuple[Reading, ...] = ()
    every = readings(steps)
    for each in every:
        kept = with_reading(kept, each)
    side = within(gate, every[-1].value)
    row: list[Reading] = []
    for each in reversed(every):
        if within(gate, each.value) is not side:
            break
        row.append(each)
    sure = len(row) >= AGREE_LEAST and row[0].at - row[-1].at >= AGREE_FOR
    expected = (Verdict.PASS if side else Verdict.FAIL) if sure else Verdict.INCONCLUSIVE
    assert query_gate(gate, QuerySeen(kept)).verdict is expected


@given(GATES, STEPS)
def test_what_is_kept_is_bounded_by_how_often_it_is_asked(gate: PrometheusGate, steps: list[tuple[int, float]]) -> None:
    kept: tuple[Reading, ...] = ()
    for each in readings(steps):
        kept = with_reading(kept, each)
        assert len(kept) <= AGREE_LEAST or kept[-1].at - kept[1].at < AGREE_FOR
    assert query_gate(gate, QuerySeen(kept)).limit == (gate.max if gate.max is not None else gate.min)
