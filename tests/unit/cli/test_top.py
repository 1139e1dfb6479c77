"""Of two looks at what the operator counts, and of statuses: the lines of `tritium top`."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from tests.unit.cli.counted import text, told
from tests.unit.cli.golden import SCALED
from tests.unit.cli.samples import CANARY, COMPARED, IDLE, NEW, NOW, OVER, changed, condition
from tests.unit.cli.test_any_status import facts
from tritium.cli.facts.exposition import Model, exposition
from tritium.cli.facts.model import read
from tritium.cli.facts.row import Figure, Row
from tritium.cli.facts.top import Sort, Top, rows
from tritium.cli.facts.usage import Usage, usage
from tritium.cli.metrics import LONGEST, SHORTEST, SPAN, Metrics
from tritium.cli.printing import as_json, plain
from tritium.cli.views.top import top_view
from tritium.cli.views.top_data import top_data

if TYPE_CHECKING:
    from tritium.cli.facts.model import ModelFacts

FRAUD = Model("ml", "fraud")


def named(name: str, obj: dict[str, Any] = IDLE) -> ModelFacts:
    return read(obj | {"metadata": obj["metadata"] | {"name": name}})


def test_what_is_done_now_is_the_difference_of_two_looks() -> None:
    found = usage(told(1000), told(1010), 10)[FRAUD]
    assert found.rate == pytest.approx(100)
    assert found.errors == pytest.approx(0.02), "what the gates take for a failure: a 404 is the client's"
    assert found.median_ms is not None
    assert found.median_ms < 5
    assert found.p95_ms is not None
    assert 5 < found.p95_ms < 250
    assert (found.active, found.pending, found.gpu, found.gpus) == (9, 4, 0.62, 4)


def test_no_request_is_a_rate_of_none_and_no_share_of_errors() -> None:
    assert usage(told(1000), told(1010), 10)[Model("ml", "quiet")] == Usage(rate=0, active=None, gpus=0)


def test_the_first_look_knows_only_what_is_no_difference() -> None:
    found = usage(None, told(1000), 1)[FRAUD]
    assert (found.rate, found.errors, found.p95_ms, found.gpus) == (None, None, None, None)
    assert (found.active, found.pending) == (9, 4)


def test_another_operator_that_leads_counts_from_nothing() -> None:
    found = usage(told(1000), told(5), 10)[FRAUD]
    assert found.rate == pytest.approx(50), "500 of the ten seconds are known"
    assert found.gpus is None


def test_a_model_that_has_come_since_the_look_before_is_not_known_yet() -> None:
    assert usage(exposition(text(0, leads=False)), told(1000), 10)[FRAUD].rate is None


def test_the_processes_that_stand_by_tell_of_no_model() -> None:
    standing_by = told(1000, leads=False)
    assert (standing_by.leads, dict(standing_by.models)) == (False, {})


class Pods:
    """In the place of a client: pods that are asked in turn."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    async def read_service(self, namespace: str, service: str, port: int, path: str) -> str:
        assert (namespace, service, port, path) == ("tritium-system", "tritium-metrics", 8080, "/metrics")
        return self.answers.pop(0)


async def test_who_does_not_lead_is_not_believed_and_the_looks_reach_back_some_seconds() -> None:
    """In the first minute 10 requests a second come, then 100."""
    other = text(0, leads=False)
    later = [text(10.0 * 60 + 100.0 * each, rate=1.0) for each in range(2, 42, 2)]
    pods = Pods(other, text(0), other, other, *(text(each, rate=10.0) for each in range(2, 62, 2)), *later)
    metrics = Metrics(pods, "tritium-system", "tritium-metrics")  # type: ignore[arg-type]  # all that it asks for
    rates: dict[int, float | None] = {}
    for now in range(0, 102, 2):
        seen = await metrics.look(lambda: float(now))  # noqa: B023 - called at once
        rates[now] = seen.used[FRAUD].rate
        assert (seen.missing, seen.counting) == ("", now < SHORTEST)
    assert [each for each, rate in rates.items() if rate is None] == [0, 2, 4], "a count may come every five seconds"
    assert rates[6] == pytest.approx(10)
    assert rates[int(SPAN)] == pytest.approx(10), "what a single answer is made of"
    assert rates[74] == pytest.approx((16 * 10 + 14 * 100) / LONGEST)
    assert rates[int(60 + LONGEST + 2)] == pytest.approx(100)
    assert pods.answers == []


async def test_where_nobody_leads_and_what_is_no_metrics_is_said() -> None:
    pods = Pods(*[text(0, leads=False)] * 10)
    said = await Metrics(pods, "tritium-system", "tritium-metrics").look(lambda: 0.0)  # type: ignore[arg-type]
    assert said.missing == "none of the operators behind tritium-system/tritium-metrics leads"
    pods = Pods("tritium_leader is me\n")
    said = await Metrics(pods, "tritium-system", "tritium-metrics").look(lambda: 0.0)  # type: ignore[arg-type]
    assert said.missing.startswith("what Service tritium-system/tritium-metrics says is no metrics")


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (CANARY, [("stable", 2, 75, 3, 3), ("candidate", 3, 25, 1, 1)]),
        (COMPARED, [("stable", 2, 100, 3, 3), ("deep", 3, 10, 0, 1)]),
        (OVER, [("stable", 2, 100, 3, 3)]),
        (NEW, []),
    ],
)
def test_whose_pods_they_are(obj: dict[str, Any], expected: list[tuple[str, int, int, int, int]]) -> None:
    assert [tuple(each) for each in Row(read(obj)).parts] == expected


def test_what_a_status_says_is_rough_and_what_is_counted_is_not() -> None:
    scaled = changed(SCALED, spec={"server": {"gpu": {"count": 2}}, "scaling": {"max": 5}})
    assert Row(read(scaled)).rate == Figure(110, rough=True)
    assert Row(read(scaled)).gpus == Figure(6, rough=True)
    assert Row(read(scaled)).bounds == (1, 5)
    counted = Row(read(scaled), Usage(rate=97.0, gpus=5.5))
    assert (counted.rate, counted.gpus) == (Figure(97), Figure(5.5))


@pytest.mark.parametrize(
    ("scaling", "more", "why"),
    [
        ({"limitedBy": "max"}, {}, "demand 110 needs 7.3, max"),
        ({"limitedBy": None}, {}, "demand 110 needs 7.3"),
        ({"limitedBy": None, "recommended": 8}, {}, "demand 110 needs 7.3; would be 8"),
        ({}, {"scaling": {"mode": "External"}}, "External"),
        ({"signal": None, "need": None}, {}, ""),
    ],
)
def test_why_there_are_so_many(scaling: dict[str, Any], more: dict[str, Any], why: str) -> None:
    obj = copy.deepcopy(SCALED)
    obj["status"]["scaling"] |= scaling
    assert Row(read(changed(obj, spec=more))).why == why


@pytest.mark.parametrize(("status", "reason"), [("False", "NoData"), ("True", "Asleep")])
def test_where_nothing_comes_or_nobody_tells_the_last_number_is_not_shown(status: str, reason: str) -> None:
    found = changed(SCALED, {"conditions": [condition("ScalingActive", status, reason, "it is so")]})
    assert (Row(read(found)).rate, Row(read(found)).why) == (None, reason)


def test_lines_are_sorted_and_what_is_not_known_comes_last() -> None:
    models = [named("a"), named("b"), named("c"), named("d")]
    used = {
        Model("ml", "a"): Usage(rate=1.0, p95_ms=9.0),
        Model("ml", "c"): Usage(rate=5.0),
        Model("ml", "d"): Usage(rate=5.0),
    }

    def order(by: Sort) -> str:
        return "".join(row.facts.name for row in rows(models, used, by))

    assert order(Sort.NAME) == "abcd"
    assert order(Sort.REQUESTS) == "cdab"
    assert order(Sort.P95) == "abcd"
    assert order(Sort.PODS) == "abcd"


@pytest.mark.parametrize("by", Sort)
def test_each_column_sorts(by: Sort) -> None:
    known = {Model("ml", "b"): Usage(rate=1, errors=1, median_ms=1, p95_ms=1, active=1, pending=1, gpu=1, gpus=1)}
    more = changed(IDLE, {"stable": IDLE["status"]["stable"] | {"replicas": 9}})
    found = rows([named("a"), named("b", more)], known, by)
    assert [row.facts.name for row in found] == (["a", "b"] if by is Sort.NAME else ["b", "a"])


def test_a_gateway_pod_that_does_not_count_is_told_of() -> None:
    assert told(1000).silent == {"dev"}
    top = Top(NOW, rows([read(CANARY)], {}, Sort.NAME), silent=frozenset({"dev"}))
    assert "a gateway pod in dev does not tell what it counts" in plain(top_view(top), 200)
    assert top_data(top)["silentGateways"] == ["dev"]


def test_for_programs() -> None:
    used = usage(told(1000), told(1010), 10)
    (line,) = top_data(Top(NOW, rows([read(CANARY)], used, Sort.NAME)))["models"]
    assert (line["requestsPerSecond"], line["inFlight"], line["gpus"]) == (100, 9, 4)
    assert "byStatus" not in line
    data = top_data(Top(NOW, rows([read(SCALED)], {}, Sort.NAME), missing="no right"))
    assert data["missing"] == "no right"
    assert data["models"][0]["byStatus"] == ["requestsPerSecond"]
    assert "errors" not in data["models"][0]


@given(facts())
def test_any_status_has_a_line(found: ModelFacts) -> None:
    top = Top(NOW, rows([found], {}, Sort.REQUESTS))
    assert found.name in plain(top_view(top), 10_000)
    assert as_json(top_data(top))
