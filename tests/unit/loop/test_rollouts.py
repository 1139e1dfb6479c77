"""Where the rollouts stand, as Prometheus reads it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.core.seeing import BROKEN, CRASHED, NO_IMAGE, NO_ROOM, pod, serving, status_of, wish
from tests.unit.core.story import ONE, TWO, Story
from tritium.api.status import Phase
from tritium.core.container_trouble import REJECTING
from tritium.core.reasons import Reason
from tritium.core.seen import Trouble
from tritium.kube.kinds import MODEL_DEPLOYMENTS
from tritium.kube.store import Store
from tritium.loop.rollouts import REASONS, Rollouts
from tritium.rollout_metrics import RolloutMetrics


class Cluster:
    """A store that is told of ModelDeployments, and the metrics that are made of it."""

    def __init__(self) -> None:
        self.version = 0
        self.store = Store()
        self.metrics = RolloutMetrics()
        self.registry = CollectorRegistry()
        self.registry.register(self.metrics)

    def leads(self) -> None:
        """A process begins to lead: it follows a store that holds nothing yet."""
        self.store = Store()
        self.metrics.source = Rollouts(self.store)

    def object(self, name: str, uid: str, status: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        metadata = {"namespace": "ml", "name": name, "uid": uid, "resourceVersion": str(self.version)}
        return {"metadata": metadata, "status": status}

    def has(
        self, phase: str = "Idle", *rejected: tuple[int, str], name: str = "fraud", uid: str = "1", **more: Any
    ) -> None:
        entries = [{"revision": number, "reason": reason} for number, reason in rejected]
        status = {"phase": phase, "rejectedRevisions": entries, **more}
        self.store.remember(MODEL_DEPLOYMENTS, self.object(name, uid, status))

    def goes(self, name: str = "fraud", uid: str = "1") -> None:
        self.store.remember(MODEL_DEPLOYMENTS, self.object(name, uid, {}), gone=True)

    def samples(self, name: str, label: str = "") -> dict[str, float]:
        """Of one metric of fraud, by a label's value; those of reasons and phases that are 0 left out."""
        found = {
            each.labels.get(label, ""): each.value
            for family in text_string_to_metric_families(generate_latest(self.registry).decode())
            for each in family.samples
            if each.name == name and each.labels["name"] == "fraud"
        }
        return {value: number for value, number in found.items() if number or not label}

    @property
    def aborts(self) -> dict[str, float]:
        return self.samples("tritium_rollout_aborts_total", "reason")


@pytest.fixture
def cluster() -> Cluster:
    there = Cluster()
    there.leads()
    return there


def test_a_process_that_does_not_lead_tells_nothing() -> None:
    cluster = Cluster()
    cluster.has("Progressing")
    assert generate_latest(cluster.registry) == b""
    cluster.leads()
    cluster.has("Progressing")
    assert cluster.samples("tritium_rollout_phase", "phase") == {"Progressing": 1}
    cluster.metrics.source = None
    assert generate_latest(cluster.registry) == b""


def test_each_phase_has_a_series_and_one_of_them_is_1(cluster: Cluster) -> None:
    for phase in Phase:
        cluster.has(phase)
        assert cluster.samples("tritium_rollout_phase", "phase") == {phase: 1}
    text = generate_latest(cluster.registry).decode()
    assert text.count("tritium_rollout_phase{") == len(Phase)


def test_before_the_first_pass_there_is_no_phase(cluster: Cluster) -> None:
    cluster.store.remember(MODEL_DEPLOYMENTS, cluster.object("fraud", "1", {}))
    assert cluster.samples("tritium_rollout_phase", "phase") == {}
    assert cluster.samples("tritium_rollout_step") == {"": 0}


def test_steps_are_counted_as_messages_count_them(cluster: Cluster) -> None:
    cluster.has("Preparing", candidate={"revision": 2})
    assert cluster.samples("tritium_rollout_step") == {"": 0}
    cluster.has("Progressing", candidate={"revision": 2, "step": 0})
    assert cluster.samples("tritium_rollout_step") == {"": 1}
    cluster.has("Promoting")
    assert cluster.samples("tritium_rollout_step") == {"": 0}


def test_an_abort_counts_once(cluster: Cluster) -> None:
    cluster.has("Progressing")
    assert cluster.aborts == {}
    for _ in range(3):
        cluster.has("Aborted", (2, "GateFailed"))
    cluster.has("Preparing", (2, "GateFailed"))
    cluster.has("Aborted", (2, "GateFailed"), (3, "SmokeTestFailed"))
    assert cluster.aborts == {"GateFailed": 1, "SmokeTestFailed": 1}


def test_one_that_is_tried_again_and_fails_again_counts_twice(cluster: Cluster) -> None:
    for rejected in ((), [(2, "GateFailed")], (), [(2, "GateFailed")]):
        cluster.has("Progressing", *rejected)
    assert cluster.aborts == {"GateFailed": 2}


def test_going_back_by_a_pin_is_no_abort(cluster: Cluster) -> None:
    cluster.has()
    cluster.has("Idle", (2, "RolledBack"))
    assert cluster.aborts == {}


def test_every_reason_is_there_before_it_happens(cluster: Cluster) -> None:
    cluster.has()
    text = generate_latest(cluster.registry).decode()
    assert [each for each in REASONS if f'reason="{each}"}} 0.0' not in text] == []
    cluster.has("Aborted", (2, "SomethingNew"))
    assert cluster.aborts == {"SomethingNew": 1}


def test_another_leader_tells_where_it_stands_and_does_not_count_again(cluster: Cluster) -> None:
    cluster.has("Progressing")
    cluster.has("Aborted", (2, "GateFailed"))
    assert cluster.aborts == {"GateFailed": 1}
    cluster.leads()
    cluster.has("Aborted", (2, "GateFailed"))
    assert cluster.samples("tritium_rollout_phase", "phase") == {"Aborted": 1}
    assert cluster.aborts == {}
    cluster.has("Aborted", (2, "GateFailed"), (3, "AbortedByHand"))
    assert cluster.aborts == {"AbortedByHand": 1}


def test_an_object_that_is_gone_has_no_series_and_its_successor_begins_anew(cluster: Cluster) -> None:
    cluster.has("Progressing")
    cluster.has("Aborted", (2, "GateFailed"))
    cluster.has("Idle", name="churn", uid="2")
    cluster.goes()
    text = generate_latest(cluster.registry).decode()
    assert ('name="fraud"' in text, 'name="churn"' in text) == (False, True)
    cluster.has("Initial", uid="3")
    assert (cluster.aborts, cluster.samples("tritium_rollout_phase", "phase")) == ({}, {"Initial": 1})
    cluster.has("Aborted", (2, "GateFailed"), uid="4")  # its deletion was never told
    assert cluster.aborts == {}


def test_what_can_be_counted_is_a_reason() -> None:
    assert Counter(REASONS).most_common(1)[0][1] == 1
    assert Reason.ROLLED_BACK not in REASONS
    assert set(REASONS) >= REJECTING


@pytest.mark.parametrize("trouble", [BROKEN, NO_IMAGE, CRASHED, NO_ROOM, replace(CRASHED, reason=Reason.OUT_OF_MEMORY)])
def test_what_a_recreated_candidate_is_turned_down_for_was_there_before(trouble: Trouble) -> None:
    asks = wish(replicas=1, strategy='{"strategy":"recreate"}')
    story = Story(asks, status_of(asks, serving(ONE)), serving(ONE, TWO), follows=False)
    story.run()
    story.asks = replace(asks, written="b")
    for pods in ((), (pod("p", TWO, trouble),)):
        story.sees = replace(story.sees, pods=pods)
        story.run()
    story.run(minutes=30)
    (rejected,) = story.status.rejected_revisions or []
    assert rejected.reason in REASONS
