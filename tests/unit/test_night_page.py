"""The page for the night has a place for everything that can wake somebody, and names nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import promql_parser as promql
import pytest
import typer
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tritium.api.conditions import ConditionType
from tritium.api.fetch import FetchReason
from tritium.api.status import Phase
from tritium.cli.main import app
from tritium.condition_metrics import ConditionMetrics
from tritium.core.counts import BUCKET, GRPC, HTTP, NO_ENDPOINT, OVERFLOW, SUM, Part, Series
from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES
from tritium.core.sample import sample
from tritium.gateway_metrics import GatewayMetrics
from tritium.kube.kinds import MODEL_DEPLOYMENTS
from tritium.kube.store import Store
from tritium.loop.rollouts import Rollouts
from tritium.rollout_metrics import RolloutMetrics
from tritium.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "night.md").read_text()
RULES = DOCS.parent / "charts" / "tritium" / "rules.yaml"

WELL: Final = frozenset(
    {
        Reason.ROLLOUT_STEP,
        Reason.STRATEGY_CHANGE_PENDING,
        Reason.ACTION_WITHOUT_EFFECT,
        Reason.EXPERIMENT_ENDED,
        Reason.ENDS_AT,
        Reason.MIRRORING,
        Reason.ASLEEP,
        Reason.RESOLVED,
        Reason.VERIFIED,
        Reason.RELEASED,
        Reason.PINNED,
        Reason.PROMOTED,
        Reason.REVISION_CREATED,
        Reason.SOURCE_MOVED,
        Reason.SERVING,
        Reason.LOADED,
        Reason.CONFIGURED,
        Reason.FIXED_REPLICAS,
        Reason.LOGGING,
        Reason.SCALING,
        Reason.SCALED,
        Reason.RECOMMENDING,
        Reason.SETTLED,
        Reason.NOT_STALLED,
    }
)
"""All is well: nobody is woken by these."""


def rows(section: str) -> Iterator[tuple[set[str], list[str]]]:
    """What each row of a section's table is about, and its other cells."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    for line in text.splitlines():
        if line.startswith("| `"):
            first, *others = (cell.strip() for cell in line.strip("|").split(" | "))
            yield set(re.findall(r"`(\w+)`", first)), others


def about(*sections: str) -> set[str]:
    return {each for section in sections for found, _ in rows(section) for each in found}


def test_each_phase_has_its_place() -> None:
    assert about("By phase") == set(Phase)


def test_each_condition_has_its_place() -> None:
    assert about("By condition") == set(ConditionType)


def test_each_reason_that_can_wake_somebody_has_its_place() -> None:
    found = about(
        "Nothing serves",
        "Requests are not logged",
        "The replicas do not follow",
        "A rollout waits for somebody",
        "A version was turned down",
    )
    reasons = {*Reason, *FetchReason}
    assert sorted(reasons - WELL - found) == [], "docs/night.md must say what to do, or WELL that nothing is to be done"
    assert sorted(found - reasons) == [], "there is no such reason"
    assert sorted(found & WELL) == []


def test_what_has_a_remedy_is_not_well() -> None:
    assert sorted(WELL & REMEDIES.keys()) == []


@pytest.mark.parametrize(
    "section",
    ["By phase", "By condition", "Nothing serves", "A rollout waits for somebody", "A version was turned down"],
)
def test_each_row_says_what_to_do(section: str) -> None:
    assert [found for found, others in rows(section) if len(others) < 2 or not all(others)] == []


def test_each_command_is_one() -> None:
    known = typer.main.get_command(app).commands.keys()  # type: ignore[attr-defined]  # it is a group
    verbs = set(re.findall(r"kubectl tritium ([a-z-]+)", PAGE))
    assert verbs
    assert sorted(verbs - known) == []


def test_it_is_found_from_where_people_begin() -> None:
    assert "(docs/night.md)" in (DOCS.parent / "README.md").read_text()
    assert "(night.md)" in (DOCS / "rollouts.md").read_text()


# ---- alerts: they are read by a parser of PromQL, and every series that they name is one that the operator tells ----


def rules() -> list[dict[str, Any]]:
    """All of the chart's, recording ones too."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    """Those that tell somebody."""
    return [rule for rule in rules() if "alert" in rule]


def written_out(expression: str) -> str:
    """With the expression of each recording rule in the place of its name."""
    for rule in rules():
        if "record" in rule:
            expression = expression.replace(rule["record"], f"({rule['expr']})")
    return expression


CONDITIONS: Final = [
    {"type": kind, "status": status, "reason": reason}
    for kind, status, reason in (
        (ConditionType.SOURCE_READY, "False", FetchReason.SOURCE_UNREACHABLE),
        (ConditionType.TRAFFIC_CONFIGURED, "False", Reason.GATEWAY_REJECTED),
        (ConditionType.SCALING_ACTIVE, "True", Reason.AT_MAX),
        (ConditionType.SCALING_ACTIVE, "False", Reason.NO_ROOM),
        (ConditionType.SCALING_ACTIVE, "False", Reason.NO_DATA),
        (ConditionType.REQUESTS_LOGGED, "False", FetchReason.ACCESS_DENIED),
    )
]
"""What alerts are about."""

OF_TRITON: Final = {
    "nv_gpu_utilization": [{"namespace": "ml", "name": "fraud", "gpu_uuid": "GPU-1"}],
    "nv_inference_compute_infer_duration_us": [{"namespace": "ml", "name": "fraud", "model": "fraud", "version": "1"}],
}
"""As a model pod with a GPU is scraped."""


class Told:
    """In the place of the gateways: one pod that is silent, and one request that found no pod."""

    def __init__(self) -> None:
        self.counting = self

    def sums(self) -> Any:
        answers = {Part(HTTP, "200"): 9, Part(HTTP, "500"): 1, Part(GRPC, "14"): 1, Part(BUCKET, 5.0): 11}
        return {Series("ml", "fraud", 1): {NO_ENDPOINT: 1, OVERFLOW: 1, SUM: 1} | answers}

    def active(self) -> Any:
        return {}

    def states(self) -> Any:
        return {"ml": {"silent": 1}}

    def arms(self) -> Any:
        return ()


def series() -> dict[str, list[dict[str, str]]]:
    """What the operator tells, with one model: by metric, the labels of each series."""
    store, telemetry = Store(), Telemetry()
    metadata = {"namespace": "ml", "name": "fraud", "uid": "1", "resourceVersion": "1"}
    rollouts = RolloutMetrics(Rollouts(store))
    store.remember(MODEL_DEPLOYMENTS, {"metadata": metadata, "status": {"phase": "Idle", "conditions": CONDITIONS}})
    registry: CollectorRegistry = telemetry.registry
    registry.register(rollouts)
    registry.register(ConditionMetrics(store))
    registry.register(GatewayMetrics(Told()))  # type: ignore[arg-type]
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for each in family.samples:
            found.setdefault(each.name, []).append(each.labels)
    return found


def selectors(node: Any) -> Iterator[promql.VectorSelector]:
    """All that an expression selects."""
    if isinstance(node, promql.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "vector_selector", "vs", "args"):
        below = getattr(node, name, None)
        for each in below if isinstance(below, list) else [below] if below is not None else []:
            yield from selectors(each)


def matches(wanted: Any, labels: dict[str, str]) -> bool:
    for each in wanted:
        value, is_in = labels.get(each.name), None
        match each.op:
            case promql.MatchOp.Equal:
                is_in = value == each.value
            case promql.MatchOp.NotEqual:
                is_in = value is not None and value != each.value
            case promql.MatchOp.Re:
                is_in = value is not None and re.fullmatch(each.value, value) is not None
        if not is_in:
            return False
    return True


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_is_about_what_is_told(rule: dict[str, Any]) -> None:
    known = series() | OF_TRITON
    written = written_out(rule["expr"])
    found = list(selectors(promql.parse(written)))
    assert found
    for each in found:
        assert each.name in known, f"the operator tells no {each.name}"
        assert any(matches(each.matchers.matchers, labels) for labels in known[each.name]), each
    used = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    kept = {name for by in re.findall(r"by \(([^)]*)\)", written) for name in re.split(r",\s*", by)}
    assert used <= kept, "a label that the expression does not keep is empty in a message"
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_page_has_each_alert_and_how_loud_it_is() -> None:
    found = {alert: others[0] for names, others in rows("Alerts") for alert in names}
    assert found == {rule["alert"]: rule["labels"]["severity"] for rule in alerts()}


@pytest.mark.parametrize("protocol", [HTTP, GRPC])
def test_an_error_is_what_gates_take_for_one(protocol: str) -> None:
    """In rules and on dashboards, where quotes are escaped."""
    text = "".join(path.read_text() for path in (RULES, *RULES.parent.glob("dashboards/*.json")))
    (pattern,) = set(re.findall(rf'protocol="{protocol}",code=~"([^"]+)"', text.replace("\\", "")))
    codes = range(600) if protocol == HTTP else range(1000)
    counted = [code for code in codes if sample({Part(protocol, str(code)): 1}).failed]
    assert [code for code in codes if re.fullmatch(pattern, str(code))] == counted


def test_phases_and_reasons_of_alerts_exist() -> None:
    for rule in alerts():
        for each in selectors(promql.parse(rule["expr"])):
            for matcher in each.matchers.matchers:
                values = set(matcher.value.split("|"))
                if matcher.name in {"phase", "reason"}:
                    assert values <= {*Phase, *Reason, *FetchReason}, rule["alert"]
