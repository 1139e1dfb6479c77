"""What models cost, as Prometheus reads it: by a store that is told what happens to pods, and a clock."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tritium.api import names
from tritium.core.cost import Account, Hold, moved, used
from tritium.cost_metrics import CostMetrics
from tritium.kube.kinds import MODEL_DEPLOYMENTS, PODS
from tritium.kube.store import Store
from tritium.loop.costs import Costs

Object = dict[str, Any]
ONE, TWO = "0000aaaa", "0000bbbb"


class Cluster:
    """See the module; the model is ml/fraud."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.version = 0
        self.metrics = CostMetrics()
        self.registry = CollectorRegistry()
        self.registry.register(self.metrics)
        self.leads()

    def leads(self) -> None:
        """A process begins to lead: it follows a store that holds nothing yet."""
        self.store = Store()
        self.metrics.source = Costs(self.store, lambda: self.now)

    def _object(self, name: str, uid: str, **labels: str) -> Object:
        self.version += 1
        metadata = {"namespace": "ml", "name": name, "uid": uid, "resourceVersion": str(self.version)}
        return {"metadata": metadata | {"labels": labels}}

    def model(self, *revisions: str, first: int = 1, uid: str = "1", gone: bool = False) -> None:
        listed = [{"revision": number, "name": f"fraud-{each}"} for number, each in enumerate(revisions, first)]
        obj = self._object("fraud", uid) | {"status": {"revisions": listed}}
        self.store.remember(MODEL_DEPLOYMENTS, obj, gone=gone)

    def pod(
        self,
        name: str = "a",
        revision: str = ONE,
        *,
        node: str = "n",
        gpus: int = 2,
        phase: str = "Running",
        component: str = "model",
        gone: bool = False,
    ) -> None:
        self.store.remember(PODS, self.a_pod(name, revision, node, gpus, phase, component), gone=gone)

    def a_pod(  # noqa: PLR0917 - all that may be so of a pod
        self, name: str, revision: str, node: str, gpus: int, phase: str, component: str
    ) -> Object:
        labels = {names.OWNER: "fraud", names.REVISION: revision, names.COMPONENT: component}
        container = {"name": "triton", "resources": {"requests": {"cpu": "1", "nvidia.com/gpu": str(gpus)}}}
        spec = {"containers": [container]} | ({"nodeName": node} if node else {})
        return self._object(name, f"uid-{name}", **labels) | {"spec": spec, "status": {"phase": phase}}

    def told(self) -> dict[str, tuple[float, float]]:
        """By revision: seconds of pods and of GPUs."""
        found: dict[str, dict[str, float]] = {}
        for family in text_string_to_metric_families(generate_latest(self.registry).decode()):
            for each in family.samples:
                assert (each.labels["namespace"], each.labels["name"]) == ("ml", "fraud")
                found.setdefault(each.labels["revision"], {})[each.name] = each.value
        return {
            number: (it["tritium_pod_seconds_total"], it["tritium_gpu_seconds_total"]) for number, it in found.items()
        }


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster()
    made.model(ONE, TWO)
    return made


def test_a_pod_counts_from_its_node_to_its_end(cluster: Cluster) -> None:
    cluster.pod(node="", phase="Pending")
    cluster.now += 100
    assert cluster.told() == {}, "it waits for a node, and holds nothing"
    cluster.pod(phase="Pending")
    assert cluster.told() == {"1": (0, 0)}, "told with 0: who sees a first number sees no increase"
    cluster.now += 30
    cluster.pod()
    cluster.now += 30
    assert cluster.told() == {"1": (60, 120)}, "while its model is fetched, as well"
    cluster.pod(phase="Failed")
    cluster.now += 100
    assert cluster.told() == {"1": (60, 120)}


def test_what_happens_in_a_pod_changes_nothing(cluster: Cluster) -> None:
    for _ in range(10):
        cluster.pod()
        cluster.now += 6
    assert cluster.told() == {"1": (60, 120)}


def test_a_pod_that_is_gone_between_two_questions_counts_until_then(cluster: Cluster) -> None:
    cluster.pod()
    assert cluster.told() == {"1": (0, 0)}
    cluster.now += 7
    cluster.pod(gone=True)
    cluster.now += 1000
    assert cluster.told() == {"1": (7, 14)}


def test_one_that_came_and_went_between_two_questions_is_not_missed(cluster: Cluster) -> None:
    cluster.pod()
    cluster.now += 5
    cluster.pod("b", gpus=1)
    cluster.now += 5
    cluster.pod("b", gpus=1, gone=True)
    cluster.now += 5
    assert cluster.told() == {"1": (20, 35)}


def test_a_pod_that_a_list_does_not_hold_counts_until_that_list(cluster: Cluster) -> None:
    """Its end was in an hour without any watch."""
    cluster.pod()
    cluster.now += 3600
    cluster.store.replace(PODS, [], cluster.store.sweep_started())
    cluster.now += 60
    assert cluster.told() == {"1": (3600, 7200)}


def test_revisions_are_told_apart(cluster: Cluster) -> None:
    cluster.pod("a", ONE)
    cluster.now += 10
    cluster.pod("b", TWO, gpus=0)
    cluster.now += 10
    assert cluster.told() == {"1": (20, 40), "2": (10, 0)}
    cluster.model(TWO, first=2)
    assert set(cluster.told()) == {"1", "2"}, "one that is kept no more has cost what it has cost"


def test_pods_that_are_listed_before_their_model_count_from_then(cluster: Cluster) -> None:
    cluster.leads()
    cluster.pod()
    cluster.now += 10
    assert cluster.told() == {}
    cluster.model(ONE)
    assert cluster.told() == {"1": (10, 20)}


def test_another_leader_begins_at_nothing(cluster: Cluster) -> None:
    cluster.pod()
    cluster.now += 10
    cluster.leads()
    cluster.model(ONE)
    cluster.pod()
    assert cluster.told() == {"1": (0, 0)}
    cluster.now += 10
    assert cluster.told() == {"1": (10, 20)}


def test_a_model_that_is_gone_is_told_of_no_more_and_its_successor_begins_at_nothing(cluster: Cluster) -> None:
    cluster.pod()
    cluster.now += 10
    cluster.model(gone=True)
    assert cluster.told() == {}
    cluster.pod(gone=True)
    cluster.model(ONE, uid="2")
    cluster.pod("b")
    assert cluster.told() == {"1": (0, 0)}


def test_only_pods_that_serve_count(cluster: Cluster) -> None:
    cluster.pod(component="resolve")
    cluster.now += 10
    assert cluster.told() == {}


HOLDS = st.none() | st.builds(Hold, st.sampled_from([ONE, TWO]), st.integers(0, 8))
EVENTS = st.lists(st.tuples(st.floats(0, 100), st.sampled_from("abc"), HOLDS), max_size=20)


@given(EVENTS, st.floats(0, 100))
def test_whatever_happens_each_second_of_each_pod_counts_once(
    events: list[tuple[float, str, Hold | None]], rest: float
) -> None:
    account, now = Account(), 0.0
    holds: dict[str, Hold | None] = {}
    seconds = {ONE: 0.0, TWO: 0.0}
    gpus = dict(seconds)
    for pause, name, each in [*events, (rest, "a", None)]:
        for there in filter(None, holds.values()):
            seconds[there.revision] += pause
            gpus[there.revision] += pause * there.gpus
        now += pause
        told = used(account, now)
        account, holds[name] = moved(account, name, each, now), each
        assert used(account, now).keys() >= told.keys()
        assert all(used(account, now)[key] == pytest.approx(before) for key, before in told.items())
    for key, total in used(account, now).items():
        assert total == pytest.approx((seconds[key], gpus[key]))
