"""Whatever an operator writes into a status, the screen shows it, and what to do next."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.cli.samples import NOW, condition, model
from tritium.api.conditions import ConditionType
from tritium.api.status import Phase
from tritium.cli.facts.advice import advice
from tritium.cli.facts.model import ModelFacts, read
from tritium.cli.printing import as_json, plain
from tritium.cli.views.status import status_view
from tritium.cli.views.status_data import status_data
from tritium.cli.views.status_list import status_line, status_list
from tritium.core.reasons import Reason

TIMES = st.integers(0, 10**7).map(lambda seconds: (NOW - timedelta(seconds=seconds)).isoformat())
SHARES = st.none() | st.floats(0, 1)
COUNTS = st.none() | st.integers(0, 10**9)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=120)
REASONS = st.sampled_from([str(each) for each in Reason]) | st.just("SomethingNew")
NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,48}[a-z0-9])?", fullmatch=True)

GATES = st.fixed_dictionaries(
    {"name": WORDS, "verdict": st.sampled_from(["Pass", "Fail", "Inconclusive"])},
    optional={
        "requests": COUNTS,
        "bad": COUNTS,
        "lower": SHARES,
        "upper": SHARES,
        "stableShare": SHARES,
        "limit": SHARES,
        "value": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "since": TIMES,
        "message": WORDS,
    },
)
REVISIONS: dict[str, st.SearchStrategy[Any]] = {
    "digest": st.none() | st.just("sha256:" + "a" * 64),
    "weight": st.none() | st.integers(0, 100),
    "replicas": COUNTS,
    "readyReplicas": COUNTS,
}
STABLE = st.fixed_dictionaries({"revision": st.integers(1, 10**6)}, optional=REVISIONS)
CANDIDATES = st.fixed_dictionaries(
    {"revision": st.integers(1, 10**6)},
    optional={
        **REVISIONS,
        "step": st.none() | st.integers(0, 20),
        "stepStartedAt": TIMES,
        "gates": st.none() | st.lists(GATES, max_size=4),
    },
)
CONDITIONS = st.lists(
    st.builds(
        condition, st.sampled_from(list(ConditionType)), st.sampled_from(["True", "False", "Unknown"]), REASONS, WORDS
    ),
    unique_by=lambda each: each["type"],
)
FAILURES = st.fixed_dictionaries(
    {"component": WORDS, "reason": REASONS, "message": WORDS}, optional={"pod": NAMES, "at": TIMES}
)
STATUS = st.fixed_dictionaries(
    {"phase": st.none() | st.sampled_from(list(Phase)), "reason": st.none() | REASONS, "conditions": CONDITIONS},
    optional={"stable": STABLE, "candidate": CANDIDATES, "lastFailure": FAILURES},
)


@st.composite
def facts(draw: st.DrawFn) -> ModelFacts:
    obj = model(draw(STATUS))
    obj["metadata"]["name"] = draw(NAMES)
    return read(obj)


@given(facts())
def test_any_status_is_shown(found: ModelFacts) -> None:
    screen = plain(status_view(found, NOW, "kubectl tritium"))
    lines = screen.splitlines()
    assert found.name in "".join(lines)
    together = "".join(screen.split())
    for each in advice(found, "kubectl tritium"):
        folded = len(each.command) > 50  # beside what it does
        assert folded or "".join(each.command.split()) in together
    assert status_line(found).count("\n") == 0
    assert plain(status_list([found], NOW))
    assert as_json(status_data(found, "kubectl tritium"))
