"""What a pass is told of its namespace's gateway, and what wakes whom."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.core import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.loop.settling import settle
from tests.unit.loop.test_gateway_polling import model, report
from tritium.api import names
from tritium.api.gateway import REPORT_PATH, GatewayCounters, GatewayReport, ModelCounters, RevisionCounters
from tritium.core.ports import Ports
from tritium.core.reasons import Reason
from tritium.core.seen import Refusal, Trouble
from tritium.gateway_metrics import GatewayMetrics
from tritium.kube.kinds import CONFIG_MAPS, DEPLOYMENTS, MODEL_DEPLOYMENTS, PODS, SERVICES, Kind
from tritium.kube.store import GATEWAY, Key, Store
from tritium.loop.gateways import Gateways
from tritium.loop.queue import WorkQueue
from tritium.probes.gateway import Unanswered
from tritium.resources.gateway.anchor import anchor
from tritium.resources.gateway.identity import LABELS
from tritium.resources.owner import Owner

if TYPE_CHECKING:
    from collections.abc import Mapping

Object = dict[str, Any]
FRAUD, CHURN, THE_GATEWAY = Key("ml", "fraud"), Key("ml", "churn"), Key("ml", GATEWAY)
LABELLED = ("revision", "protocol", "code", "le", "state", "arm")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class Cluster:
    """A store that is told what there is, pods that answer as told, and a clock that the test moves."""

    says: dict[str, GatewayReport] = field(default_factory=dict)
    counters: dict[str, GatewayCounters] = field(default_factory=dict)
    now: float = 100.0
    version: int = 0
    cached: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.store = Store()
        self.queue = WorkQueue[Key](clock=lambda: self.now, jitter=lambda: 1.0)
        self.gateways = Gateways(
            self.store,
            self.queue,
            self,  # type: ignore[arg-type]
            now=lambda: NOON,
            clock=lambda: self.now,
        )

    async def ask(self, ip: str, path: str) -> bytes:
        said = (self.says if path == REPORT_PATH else self.counters).get(ip)
        if said is None:
            raise Unanswered("nobody is there")
        return said.model_dump_json(by_alias=True).encode()

    def put(self, kind: Kind, name: str, labels: Mapping[str, str] | None = None, **parts: Any) -> None:
        """An object is there, or is another than before."""
        self.version += 1
        metadata: Object = {"namespace": "ml", "name": name, "uid": f"uid-{name}"}
        metadata |= {"resourceVersion": str(self.version), "labels": dict(labels or {})}
        self.store.remember(kind, {"metadata": metadata | parts.pop("metadata", {}), **parts})

    def has(
        self, name: str, port: int | None = None, version: int = 1, revisions: tuple[int, ...] = (1,), **arms: int
    ) -> None:
        """A ModelDeployment; the arms of its experiment by their revisions."""
        status: Object = {"revisions": [{"revision": each} for each in revisions]}
        status |= {"arms": [{"name": arm, "revision": number} for arm, number in arms.items()]}
        status |= {"traffic": {"version": version, "port": port}} if port else {}
        model: Object = {"cache": {"claimName": "models"}} if name in self.cached else {}
        self.put(MODEL_DEPLOYMENTS, name, status=status, spec={"model": model})

    def goes(self, kind: Kind, name: str) -> None:
        self.version += 1
        metadata = {"namespace": "ml", "name": name, "uid": f"uid-{name}", "resourceVersion": str(self.version)}
        self.store.remember(kind, {"metadata": metadata}, gone=True)

    def pod(self, name: str, ip: str = "", *, ready: bool = True, **metadata: Any) -> None:
        """A pod of the gateway."""
        conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": str(ready)}]
        status = {"conditions": conditions, "podIP": ip or f"10.0.0.{len(name)}"}
        self.put(PODS, name, LABELS, status=status, metadata=metadata)

    def woken(self, seconds: float = 1.0) -> set[Key]:
        """Who is due within so many seconds."""
        self.now += seconds
        found = set()
        while key := self.queue.take():
            found.add(key)
            self.queue.done(key, again=None)
        return found

    def object(self, key: Key) -> Object:
        obj = self.store.object(key)
        assert obj
        return obj

    async def looked(self) -> None:
        """The gateway's pass has looked, and the pods were asked."""
        self.gateways.look("ml")
        await self.gateways.polling.all_asked(5)
        await settle()


@pytest.fixture
async def cluster() -> Any:
    there = Cluster()
    yield there
    there.gateways.polling.stop()


async def test_each_pod_with_its_newest_answer(cluster: Cluster) -> None:
    cluster.has("fraud", 10_001)
    cluster.pod("a", "10.0.0.1")
    cluster.pod("b", "10.0.0.2")
    cluster.pod("c", "10.0.0.3", ready=False)
    cluster.pod("d", "10.0.0.4", deletionTimestamp="2026-01-01T00:00:00Z")
    cluster.says = {"10.0.0.1": report(model()), "10.0.0.4": report(model(version=7), synced=False)}
    await cluster.looked()
    a, b, c, d = cluster.gateways.seen(FRAUD, "uid-fraud")
    assert (a.ready, a.answer and a.answer.version, a.answer and a.answer.endpoints) == (True, 1, {1: 2})
    assert (b.ready, b.answer) == (True, None)
    assert (c.ready, c.answer, c.trouble and c.trouble.reason) == (False, None, Reason.STARTING)
    assert (d.terminating, d.answer and d.answer.version, d.answer and d.answer.synced) == (True, 7, False)
    (other, *_) = cluster.gateways.seen(FRAUD, "another")
    assert other.answer
    assert other.answer.version is None


async def test_a_pod_that_nobody_has_asked_is_not_silent(cluster: Cluster) -> None:
    cluster.has("fraud")
    cluster.pod("a")
    (seen,) = cluster.gateways.seen(FRAUD, "uid-fraud")
    assert (seen.ready, seen.answer, seen.trouble and seen.trouble.reason) == (True, None, Reason.STARTING)


async def test_models_that_come_and_go_wake_the_gateway_and_their_status_does_not(cluster: Cluster) -> None:
    cluster.has("fraud")
    assert cluster.woken(0.2) == set()
    assert cluster.woken(0.2) == {THE_GATEWAY}
    cluster.has("fraud", 10_001)
    assert cluster.woken() == {THE_GATEWAY}, "the anchor keeps its port"
    cluster.has("fraud", 10_001, version=2)
    cluster.has("fraud", 10_001, version=2, revisions=(1, 2))
    assert cluster.woken(60) == set()
    cluster.goes(MODEL_DEPLOYMENTS, "fraud")
    assert cluster.woken() == {THE_GATEWAY}


async def test_revisions_that_use_a_cache_wake_the_gateway_whose_anchor_lists_them(cluster: Cluster) -> None:
    cluster.cached.add("fraud")
    cluster.has("fraud", 10_001)
    assert cluster.woken() == {THE_GATEWAY}
    cluster.has("fraud", 10_001, revisions=(1, 2))
    assert cluster.woken() == {THE_GATEWAY}


async def test_many_that_come_at_once_cost_a_few_looks(cluster: Cluster) -> None:
    looks = 0
    for number in range(1000):
        cluster.has(f"m{number}")
        if THE_GATEWAY in cluster.woken(0.1):
            looks += 1
            cluster.gateways.anchored("ml")
    assert 5 < looks < 40


async def test_a_pod_that_becomes_ready_or_goes_wakes_all(cluster: Cluster) -> None:
    cluster.has("fraud")
    cluster.has("churn")
    cluster.pod("a", ready=False)
    await cluster.looked()
    cluster.woken()
    await cluster.looked()
    assert cluster.woken() == set()
    cluster.pod("a")
    cluster.says = {"10.0.0.1": report()}
    await cluster.looked()
    assert cluster.woken() == {FRAUD, CHURN}
    cluster.goes(PODS, "a")
    await cluster.looked()
    assert cluster.woken() == {FRAUD, CHURN}


async def test_what_a_pod_says_anew_wakes_whom_it_is_about(cluster: Cluster) -> None:
    cluster.has("fraud", 10_001)
    cluster.has("churn", 10_002)
    cluster.pod("a")
    cluster.says = {"10.0.0.1": report(model("fraud"), model("churn"))}
    await cluster.looked()
    cluster.woken()
    cluster.says = {"10.0.0.1": report(model("fraud", 2), model("churn"), model("nobody"))}
    cluster.has("fraud", 10_001, version=2)  # so it is asked at once
    await settle()
    assert cluster.woken() == {FRAUD}


def test_it_is_asked_often_while_a_version_is_on_its_way_or_a_pass_has_just_asked() -> None:
    async def check() -> None:
        cluster = Cluster({"10.0.0.1": report(model())})
        cluster.has("fraud", 10_001)
        cluster.pod("a")
        await cluster.looked()
        assert not cluster.gateways._awaits("ml")
        cluster.has("fraud", 10_001, version=2)
        assert cluster.gateways._awaits("ml")
        cluster.has("fraud", 10_001, version=1)
        cluster.gateways.seen(FRAUD, "uid-fraud")
        assert cluster.gateways._awaits("ml")
        cluster.now += 3
        assert not cluster.gateways._awaits("ml")
        cluster.gateways.polling.stop()

    asyncio.run(check())


async def test_what_keeps_the_gateway_from_being_made(cluster: Cluster) -> None:
    cluster.has("fraud")
    await cluster.looked()
    cluster.woken()
    assert cluster.gateways.trouble("ml") is None
    refusal = Refusal("ConfigMap", "tritium-gateway", Reason.NAME_TAKEN, "ConfigMap tritium-gateway exists.")
    cluster.gateways.refused("ml", {("ConfigMap", "tritium-gateway"): refusal})
    await cluster.looked()
    assert cluster.gateways.trouble("ml") == Trouble("gateway", Reason.NAME_TAKEN, "ConfigMap tritium-gateway exists.")
    assert cluster.woken() == {FRAUD}
    cluster.gateways.refused("ml", {})
    failure = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: room"}
    cluster.put(DEPLOYMENTS, names.GATEWAY, LABELS, status={"conditions": [failure]})
    await cluster.looked()
    trouble = cluster.gateways.trouble("ml")
    assert trouble
    assert trouble.reason == Reason.QUOTA
    assert cluster.woken() == {FRAUD}


async def test_whose_port_is_which(cluster: Cluster) -> None:
    noted = anchor("ml", [Owner("ml", "x", "y")], Ports({"churn": 10_077}))
    cluster.put(CONFIG_MAPS, names.GATEWAY, LABELS, data=noted["data"])
    cluster.has("fraud")
    cluster.has("churn")
    annotations = {names.PORT: "10042"}
    reference = {"apiVersion": names.API_VERSION, "kind": names.KIND, "name": "fraud", "uid": "uid-fraud"}
    owned = {"annotations": annotations, "ownerReferences": [reference | {"controller": True}]}
    cluster.put(SERVICES, "fraud", {names.OWNER: "fraud"}, metadata=owned)
    assert cluster.gateways.port(FRAUD, cluster.object(FRAUD)) == 10_042
    assert cluster.gateways.port(CHURN, cluster.object(CHURN)) == 10_077
    assert cluster.gateways.ports("ml") == Ports({"churn": 10_077, "fraud": 10_042})


async def test_an_anchor_that_somebody_has_written_into_is_taken_for_absent(cluster: Cluster) -> None:
    cluster.put(CONFIG_MAPS, names.GATEWAY, LABELS, data={"ports.json": "[]"})
    cluster.has("fraud")
    assert cluster.gateways.port(FRAUD, cluster.object(FRAUD)) == 10_805


async def test_no_port_is_left(cluster: Cluster) -> None:
    for number in range(1000):
        cluster.has(f"m{number}", 10_000 + number)
    cluster.has("late")
    late = Key("ml", "late")
    cluster.woken(60)
    found = cluster.gateways.port(late, cluster.object(late))
    assert isinstance(found, Trouble)
    assert (found.component, found.reason) == ("gateway", Reason.NO_PORT)
    assert found.message.startswith("Each of the 1000 ports of the gateway is in use, or was within the last day. Put ")
    assert late in cluster.woken(61), "it asks again: nobody tells when a port has rested long enough"


async def test_a_namespace_that_is_over_is_forgotten(cluster: Cluster) -> None:
    cluster.has("fraud")
    cluster.pod("a")
    await cluster.looked()
    cluster.goes(MODEL_DEPLOYMENTS, "fraud")
    await cluster.looked()
    assert cluster.gateways.polling._pods == {}, "nobody wants to know what its pods say"
    cluster.goes(PODS, "a")
    await cluster.looked()
    assert cluster.gateways._known == {}


def counted(number: int) -> GatewayCounters:
    revision = RevisionCounters(
        name="fraud",
        revision=1,
        codes={"200": number, "503": 1},
        grpc={"0": 2},
        buckets=[(5.0, 1), (2500.0, number)],
        latency_sum_ms=1500.0,
        active=3,
        none_healthy=1,
        overflow=4,
        retries=5,
    )
    gone = revision.model_copy(update={"revision": 9})
    return GatewayCounters(
        models=[ModelCounters(name="fraud", requests=9, routed=4, answered=2)], revisions=[revision, gone]
    )


async def test_what_prometheus_reads(cluster: Cluster) -> None:
    registry, metrics = CollectorRegistry(), GatewayMetrics()
    registry.register(metrics)
    assert generate_latest(registry) == b""
    metrics.source = cluster.gateways
    cluster.has("fraud", 10_001, b=1)
    cluster.pod("old", "10.0.0.1")
    cluster.says = {ip: report(model()) for ip in ("10.0.0.1", "10.0.0.2")}
    cluster.counters = {"10.0.0.1": counted(1000), "10.0.0.2": counted(10)}
    await cluster.gateways.begin(5)
    cluster.pod("new", "10.0.0.2")
    cluster.pod("silent", "10.0.0.3")
    cluster.pod("starting", "10.0.0.4", ready=False)
    await cluster.looked()
    samples = {
        (
            each.name.removeprefix("tritium_gateway_"),
            *(each.labels[label] for label in LABELLED if label in each.labels),
        ): each.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for each in family.samples
    }
    assert samples == {
        ("requests_total", "1", "http", "200"): 10,
        ("requests_total", "1", "http", "503"): 1,
        ("requests_total", "1", "grpc", "0"): 2,
        ("request_duration_seconds_bucket", "1", "0.005"): 1,
        ("request_duration_seconds_bucket", "1", "2.5"): 10,
        ("request_duration_seconds_bucket", "1", "+Inf"): 10,
        ("request_duration_seconds_count", "1"): 10,
        ("request_duration_seconds_sum", "1"): 1.5,
        ("no_endpoint_total", "1"): 1,
        ("overflow_total", "1"): 4,
        ("retries_total", "1"): 5,
        ("refused_total",): 7,
        ("active_requests", "1"): 6,
        ("tritium_experiment_arm", "1", "b"): 1,
        ("pods", "ready"): 2,
        ("pods", "silent"): 1,
        ("pods", "starting"): 1,
    }
