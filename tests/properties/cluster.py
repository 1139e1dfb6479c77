"""A small cluster in memory: what Kubernetes makes of a plan, and an operator that may be killed between two writes.

The order of writes is that of `loop/act.py`. Each single write may be the last one of a process. A new process may
begin with an old picture of pods, Deployments and Jobs; its own writes it sees at once. The status it reads is always
the last one that was written, because a status is written against the version that was read. The Service and the
revisions are read anew as well: whoever begins to lead lists everything first.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tritium.api.fetch import FetchReason, FetchResult
from tritium.api.status import ModelDeploymentStatus
from tritium.core import ledger
from tritium.core.decide import decide
from tritium.core.plan import NewRevision, Plan
from tritium.core.reasons import Reason
from tritium.core.seen import (
    Answer,
    DeploymentSeen,
    PodSeen,
    ResolutionSeen,
    RevisionSeen,
    Seen,
    ServiceSeen,
    SmokeSeen,
    Trouble,
)
from tritium.core.wish import Action, Wish

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
BAKE: Final = timedelta(minutes=10)
ROUNDS: Final = 12


class Killed(Exception):
    """The process ended after a write."""


class OldPicture(Exception):
    """A fenced write met another version than the one that was seen."""


@dataclass
class Objects:
    """What is on the server, or what a process believes is there."""

    deployments: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By revision: replicas, and the version of the object."""
    pods: dict[str, PodSeen] = field(default_factory=dict)
    jobs: dict[tuple[str, int], ResolutionSeen] = field(default_factory=dict)
    service: ServiceSeen | None = None


@dataclass
class Cluster:
    """The world; `wish` is what the user wants of it."""

    wish: Wish
    sources: dict[str, int] = field(default_factory=dict)
    """By written hash: how often the files there were changed."""
    objects: Objects = field(default_factory=Objects)
    revisions: dict[str, RevisionSeen] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    status: ModelDeploymentStatus = field(default_factory=ModelDeploymentStatus)
    now: datetime = START
    counted: int = 0
    numbered: dict[int, str] = field(default_factory=dict)
    """Every number that was ever given, and to which revision."""

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


BROKEN: Final = Trouble("triton", Reason.MODEL_LOAD_FAILED, "Triton cannot load it.", rejects=True)
NO_ROOM: Final = Trouble("pod", Reason.UNSCHEDULABLE, "No node has room.")


@dataclass
class Operator:
    """One process.

    Attributes:
        writes_left: after so many writes it is killed; None: never.
    """

    cluster: Cluster
    store: Objects
    writes_left: int | None = None
    smoke: dict[str, SmokeSeen] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)

    def run(self) -> Plan:
        """One pass.

        Raises:
            Killed: in the middle of it.
            OldPicture: it would have taken something away that it has not seen as it is.
        """
        for _ in range(ROUNDS):
            plan = self.decided()
            if plan.course.ledger != ledger.read(self.cluster.status):
                self.write_status(plan)
            if not self.act(plan):
                break
        else:
            raise AssertionError(f"still writing after {ROUNDS} rounds: {self.writes[-8:]}")
        if plan.status != self.cluster.status:
            self.write_status(plan)
        for uid in plan.ask:
            self.smoke[uid] = SmokeSeen(Answer.PASSED)
        return plan

    def decided(self) -> Plan:
        """What is decided about what this process sees, always the same."""
        cluster, seen = self.cluster, self.seen()
        plan = decide(cluster.wish, cluster.status, seen, cluster.now)
        assert plan == decide(cluster.wish, cluster.status, seen, cluster.now)
        sent = plan.status.model_dump(mode="json", by_alias=True, exclude_none=True)
        stored = ModelDeploymentStatus.model_validate(sent)
        assert stored == plan.status
        assert ledger.read(stored) == plan.course.ledger
        self.check_promotion(plan, seen)
        self.check_what_serves(plan, seen)
        return plan

    def check_what_serves(self, plan: Plan, seen: Seen) -> None:
        """The plan itself takes nothing from what the Service is seen to select."""
        if seen.service is None or seen.service.revision is None:
            return
        serving = seen.service.revision
        assert serving in plan.kept
        has, _ = self.store.deployments.get(serving, (0, 0))
        assert plan.replicas.get(serving, has) >= min(has, self.cluster.wish.replicas)
        if ledger.read(self.cluster.status).stable is None and serving in self.cluster.revisions:
            adopted = self.cluster.revisions[serving].number
            assert adopted == plan.course.ledger.stable or adopted in plan.course.ledger.demoted

    def check_promotion(self, plan: Plan, seen: Seen) -> None:
        """Nothing becomes stable without its pods, except for what serves already when a status was lost."""
        before, after, wish = ledger.read(self.cluster.status).stable, plan.course.stable, self.cluster.wish
        if after is None or after.number == before or (before is None and seen.service):
            return
        ready = [pod for pod in seen.pods if pod.revision == after.hash and pod.ready]
        assert len(ready) >= wish.replicas
        if wish.smoke_tests and not any(
            each.revision == after.number and each.promoted_at for each in self.cluster.status.revisions or ()
        ):
            assert all(seen.smoke[pod.uid].answer is Answer.PASSED for pod in ready)

    def seen(self) -> Seen:
        """As `loop/observe.py` makes it."""
        return Seen(
            revisions=tuple(sorted(self.cluster.revisions.values(), key=lambda each: each.hash)),
            deployments=tuple(DeploymentSeen(name, replicas) for name, (replicas, _) in self.store.deployments.items()),
            pods=tuple(pod for pod in self.store.pods.values() if pod.revision in self.store.deployments),
            resolutions=tuple(self.store.jobs.values()),
            service=self.store.service,
            digests=dict(self.cluster.digests),
            smoke=dict(self.smoke),
        )

    def act(self, plan: Plan) -> bool:
        """As `loop/act.py` does it."""
        before = len(self.writes)
        self.resolve(plan)
        if plan.target.create:
            self.record_revision(plan.target.create)
        self.scale(plan, up=True)
        for name, digest in plan.digests.items():
            if name in plan.kept and self.cluster.digests.get(name) != digest:
                assert name not in self.cluster.digests, "a digest that was found is never changed"
                self.cluster.digests[name] = digest
                self.wrote(f"digest of {name}")
        self.lead_clients(plan)
        if self.clients_are_led(plan):
            self.scale(plan, up=False)
            self.prune(plan)
        return len(self.writes) > before

    def resolve(self, plan: Plan) -> None:
        wanted = plan.target.resolution
        if wanted is None or (wanted.key, wanted.attempt) in self.store.jobs:
            return
        written, _, token = wanted.key.partition("#")
        assert token or all(each.written != written for each in self.cluster.revisions.values()), "resolved again"
        key = (wanted.key, wanted.attempt)
        job = ResolutionSeen(f"job-{key}", wanted.key, wanted.attempt, self.cluster.now)
        self.store.jobs[key] = self.cluster.objects.jobs.setdefault(key, job)
        self.wrote(f"job {key}")

    def record_revision(self, new: NewRevision) -> None:
        assert self.cluster.numbered.setdefault(new.number, new.hash) == new.hash, "a number was given twice"
        if new.hash not in self.cluster.revisions:
            now = self.cluster.now
            self.cluster.revisions[new.hash] = RevisionSeen(
                new.hash, new.number, new.written, new.fingerprint, now, {"spec": {}}, self.cluster.wish.model
            )
            self.wrote(f"revision {new.number}")

    def scale(self, plan: Plan, *, up: bool) -> None:
        for name, wanted in plan.replicas.items():
            has, version = self.store.deployments.get(name, (None, 0))
            if (has is None or wanted >= has) is up and wanted != has:
                self.write_replicas(name, wanted, version, fenced=not up)

    def write_replicas(self, name: str, wanted: int, version: int, *, fenced: bool) -> None:
        there = self.cluster.objects.deployments.get(name)
        if fenced and (there is None or there[1] != version):
            raise OldPicture
        if there and wanted < there[0] and self.serves(name):
            assert wanted >= self.cluster.wish.replicas, "what serves lost pods"
        written = (wanted, self.cluster.count())
        self.cluster.objects.deployments[name] = self.store.deployments[name] = written
        self.wrote(f"{wanted} pods of {name}")

    def serves(self, name: str) -> bool:
        service = self.cluster.objects.service
        return service is not None and service.revision == name

    def lead_clients(self, plan: Plan) -> None:
        to = plan.selected
        if to is None:
            return
        wanted, now = ServiceSeen(to.hash, to.number), self.store.service
        if now == wanted:
            return
        if now and now.revision != to.hash:
            assert self.ready(to.hash) >= min(self.cluster.wish.replicas, self.ready(now.revision)), "too early"
        self.cluster.objects.service = self.store.service = wanted
        self.wrote(f"service to {to.hash}")

    def ready(self, name: str | None) -> int:
        return sum(pod.ready for pod in self.store.pods.values() if pod.revision == name)

    def clients_are_led(self, plan: Plan) -> bool:
        stable, live = plan.course.stable, self.store.service
        if stable is None:
            return plan.course.ledger.stable is None and live is None
        return live is not None and live.revision == stable.hash

    def prune(self, plan: Plan) -> None:
        wanted = plan.target.resolution
        for key in [key for key in self.store.jobs if not wanted or key != (wanted.key, wanted.attempt)]:
            self.delete(self.store.jobs, self.cluster.objects.jobs, key)
        created = plan.target.create.hash if plan.target.create else None
        for kind in (self.store.deployments, self.cluster.digests, self.cluster.revisions):
            for name in [name for name in kind if name not in plan.kept and name != created]:
                assert not self.serves(name), "what serves was removed"
                self.delete(kind, self.cluster.objects.deployments if kind is self.store.deployments else kind, name)
        for uid in plan.replace:
            self.delete(self.store.pods, self.cluster.objects.pods, uid)

    def delete(self, seen: dict[Any, Any], there: dict[Any, Any], name: Any) -> None:
        seen.pop(name)
        there.pop(name, None)
        self.wrote(f"without {name}")

    def write_status(self, plan: Plan) -> None:
        self.cluster.status = plan.status
        self.wrote("status")

    def wrote(self, what: str) -> None:
        self.writes.append(what)
        if self.writes_left is not None:
            self.writes_left -= 1
            if self.writes_left < 0:
                raise Killed(what)


@dataclass
class World:
    """A cluster and the operator that runs in it, one process after the other."""

    cluster: Cluster
    pictures: list[Objects] = field(default_factory=list)
    operator: Operator = field(init=False)

    def __post_init__(self) -> None:
        self.restart(back=0)

    def restart(self, back: int) -> None:
        """A new process, whose picture is some passes old."""
        old = self.pictures[-back:] if back else []
        picture = deepcopy(old[0] if old else self.cluster.objects)
        self.operator = Operator(self.cluster, replace(picture, service=self.cluster.objects.service))

    def run(self, *, kill_after: int | None = None) -> Plan | None:
        """One pass with what the process sees; None where it did not come to its end."""
        self.pictures = [*self.pictures[-4:], deepcopy(self.cluster.objects)]
        self.operator.writes_left = kill_after
        try:
            return self.operator.run()
        except Killed:
            self.restart(back=0)
        except OldPicture:
            self.look()
        return None

    def look(self) -> None:
        """The watches bring what is there."""
        self.operator.store = deepcopy(self.cluster.objects)

    def quiet_pass(self) -> Plan:
        """A pass that sees everything and is left alone."""
        self.look()
        plan = self.run()
        assert plan is not None
        return plan

    def goes_on(self) -> None:
        """A pass, and what Kubernetes makes of it."""
        self.quiet_pass()
        self.goes_on_without_a_pass()

    def goes_on_without_a_pass(self) -> None:
        """All Jobs answer, all pods become ready."""
        self.cluster.make_pods()
        for key, job in list(self.cluster.objects.jobs.items()):
            if job.finished is None:
                self.cluster.answer_job(key, well=True)
        for uid in list(self.cluster.objects.pods):
            self.cluster.ready(uid)

    def settle(self, disturb: Callable[[], None] = lambda: None) -> Plan:
        """All goes on until all time has passed."""
        for _ in range(10):
            disturb()
            self.goes_on()
            self.cluster.now += BAKE / 2
        return self.quiet_pass()

    def asks_for(self, action: Action) -> None:
        """A person annotates the object."""
        self.cluster.wish = replace(self.cluster.wish, action=action)
