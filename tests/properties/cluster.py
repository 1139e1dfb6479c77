"""A small cluster in memory: what Kubernetes makes of what is written, and what fate makes of it."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.properties.gateways import GatewayPod
from tritium.api.fetch import FetchReason, FetchResult
from tritium.api.status import ModelDeploymentStatus
from tritium.api.traffic_status import TrafficStatus
from tritium.core.reasons import Reason
from tritium.core.revision import revision_name
from tritium.core.seen import (
    FollowSeen,
    PodSeen,
    Refusal,
    ResolutionSeen,
    RevisionSeen,
    ServiceSeen,
    Trouble,
    WindowSeen,
)
from tritium.core.signature import Signature, Tensor
from tritium.core.wish import Wish

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
BAKE: Final = timedelta(minutes=10)
PORT: Final = 10_374
BROKEN: Final = Trouble("triton", Reason.MODEL_LOAD_FAILED, "Triton cannot load it.", rejects=True)
NO_ROOM: Final = Trouble("pod", Reason.UNSCHEDULABLE, "No node has room.")
TAKEN: Final = Refusal("PodDisruptionBudget", "fraud", Reason.NAME_TAKEN, "It is somebody else's.")


@dataclass
class Objects:
    """What is on the server, or what a process believes is there."""

    deployments: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By revision: replicas, and the version of the object."""
    pods: dict[str, PodSeen] = field(default_factory=dict)
    jobs: dict[tuple[str, int], ResolutionSeen] = field(default_factory=dict)
    service: ServiceSeen | None = None
    gateways: dict[str, GatewayPod] = field(default_factory=dict)
    """By name."""


@dataclass
class Cluster:
    """The world; `wish` is what the user wants of it."""

    wish: Wish
    sources: dict[str, int] = field(default_factory=dict)
    """By written hash: how often the files there were changed."""
    objects: Objects = field(default_factory=Objects)
    revisions: dict[str, RevisionSeen] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    """Revisions that have a headless Service."""
    digests: dict[str, str] = field(default_factory=dict)
    status: ModelDeploymentStatus = field(default_factory=ModelDeploymentStatus)
    now: datetime = START
    counted: int = 0
    numbered: dict[int, str] = field(default_factory=dict)
    """Every number that was ever given, and to which revision."""
    lost: bool = False
    """Whether the status was ever lost."""
    damaged: bool = False
    """Whether a record or the Service was ever deleted by hand."""
    refused: bool = False
    """Whether an object cannot be had that is needed beside the pods."""
    told: list[FollowSeen] = field(default_factory=list)
    """What Jobs that look for changes have told of the source."""
    window: WindowSeen | None = None
    """What is counted in any step: no process needs to have seen its beginning."""
    taken: dict[int, TrafficStatus] = field(default_factory=dict)
    """By its version, everything that gateway pods ever ran and that led requests anywhere."""

    differ: set[tuple[int, int]] = field(default_factory=set)
    """Numbers of revisions of which the second was compared with the first while that served, and has other tensors."""

    def count(self) -> int:
        """A number that was never used."""
        self.counted += 1
        return self.counted

    def make_pods(self) -> None:
        """As Deployments do it."""
        for revision, (replicas, _) in self.objects.deployments.items():
            mine = [uid for uid, pod in self.objects.pods.items() if pod.revision == revision]
            for uid in mine[replicas:]:
                del self.objects.pods[uid]
            for _ in range(replicas - len(mine)):
                uid = f"pod-{self.count()}"
                self.objects.pods[uid] = PodSeen(uid, uid, revision, self.now, ip="10.0.0.1")
        for uid in [uid for uid, pod in self.objects.pods.items() if pod.revision not in self.objects.deployments]:
            del self.objects.pods[uid]

    def fingerprint(self, written: str) -> str:
        """What the source holds now."""
        return f"sha256:{written}-{self.sources.get(written, 0)}"

    def look_for_changes(self) -> None:
        """A Job that was told what is known of the source finds what it is now.

        Nobody looks while there is news that has not been looked into.
        """
        known = self.status.source
        if known is None or not self.wish.follows or known.written != self.wish.written:
            return
        news = any(each.before == known.fingerprint and each.told > known.at for each in self.told)
        if not news and self.fingerprint(known.written) != known.fingerprint:
            found = self.fingerprint(known.written)
            self.told = [*self.told[-3:], FollowSeen(known.written, known.fingerprint, self.now, found)]

    def answer_job(self, key: tuple[str, int], *, well: bool) -> None:
        """A Job ends."""
        job = self.objects.jobs[key]
        written = job.written.partition("#")[0]
        result = FetchResult(fingerprint=self.fingerprint(written), files=1, bytes=1) if well else None
        trouble = None if well else Trouble("resolve", FetchReason.ACCESS_DENIED, "The source says no.")
        self.objects.jobs[key] = replace(job, finished=self.now, result=result, trouble=trouble)

    def pod(self, uid: str, **changes: Any) -> None:
        """A pod changes."""
        self.objects.pods[uid] = replace(self.objects.pods[uid], **changes)

    def ready(self, uid: str) -> None:
        """A pod has fetched and loaded its model."""
        revision = self.revisions.get(self.objects.pods[uid].revision)
        found = FetchResult(digest=f"digest of {revision.fingerprint}") if revision else None
        self.pod(uid, ready=True, trouble=None, fetched=found)

    def signature(self, revision: str) -> Signature:
        """What a revision's model takes and gives: that of the spec c is another than the others."""
        known = self.revisions.get(revision)
        return Signature((Tensor("X", "FP32", (2 if known and known.written == "c" else 1,)),))

    def stable(self) -> int | None:
        """Number of the revision that serves by decision."""
        return self.status.stable.revision if self.status.stable else None

    def is_stable(self, revision: str) -> bool:
        """Whether that is this revision, also where its record is gone."""
        told = self.status.traffic.revisions or () if self.status.traffic else ()
        services = {each.service for each in told if each.revision == self.stable()}
        service = self.objects.service
        if service and service.revision and service.number == self.stable():
            services.add(self.service_of(service.revision))
        known = any(each.hash == revision and each.number == self.stable() for each in self.revisions.values())
        return known or self.service_of(revision) in services

    # ---- the gateway

    def service_of(self, revision: str) -> str:
        """The name of a revision's headless Service."""
        return revision_name(self.wish.name, revision)

    def endpoints(self) -> dict[str, frozenset[str]]:
        """As EndpointSlices have them."""
        pods = self.objects.pods.items()
        return {
            self.service_of(name): frozenset(uid for uid, pod in pods if pod.ready and pod.revision == name)
            for name in self.named
        }

    def start_gateway(self) -> str:
        """Another gateway pod, which is not ready yet."""
        name = f"gw-{self.count()}"
        self.objects.gateways[name] = GatewayPod()
        return name

    def gateway_learns(self, name: str) -> None:
        """A gateway pod has read everything, and Envoy has taken it in."""
        pod, told = self.objects.gateways[name], self.status.traffic
        if told:
            assert told.version >= (pod.runs.version if pod.runs else 0), "a version went back"
        if told and any(each.weight for each in told.revisions or ()):
            assert self.taken.setdefault(told.version, told) == told, "a version with two meanings"
        pod.learn(told, self.endpoints())

    def gateway_is_ready(self, name: str) -> None:
        """It takes requests when it has everything."""
        self.gateway_learns(name)
        self.objects.gateways[name].ready = True

    def serves(self, revision: str) -> bool:
        """Whether a request may go to a revision's pods: by a gateway pod, or by a Service that selects them."""
        service = self.objects.service
        if service and service.revision == revision:
            return True
        if self.lost and not (service and service.port):
            return False  # no client comes to the gateway, and nobody knows any more what it was told
        return any(each.sends_to(self.service_of(revision)) for each in self.objects.gateways.values())

    def all_goes_well(self) -> None:
        """All Jobs answer, all pods become ready, and the gateway learns of everything."""
        self.make_pods()
        for key, job in list(self.objects.jobs.items()):
            if job.finished is None:
                self.answer_job(key, well=True)
        for uid in list(self.objects.pods):
            self.ready(uid)
        gateways = self.objects.gateways
        for name in [name for name, each in gateways.items() if each.terminating]:
            del gateways[name]
        for _ in range(2 - len(gateways)):
            self.start_gateway()
        for name, each in gateways.items():
            each.silent = False
            self.gateway_is_ready(name)
