"""One process of the operator in the small cluster. It may be killed between any two writes.

The order of writes is that of `loop/act.py`, after the status, which is written against the version that was read: what
a process reads of it, of the Service and of the revisions is always what was written last, for whoever begins to lead
lists everything first. Its picture of pods, Deployments, Jobs and gateway pods may be old, and what gateway pods
answer is older still; its own writes it sees at once.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.properties import checks
from tests.properties.cluster import PORT, TAKEN, Cluster, Objects
from tritium.api.status import ModelDeploymentStatus
from tritium.core import ledger
from tritium.core.decide import decide
from tritium.core.plan import NewRevision, Plan, Resolution
from tritium.core.recreate import going_on
from tritium.core.scaling.wish import ScalingWish
from tritium.core.seen import (
    Answer,
    DeploymentSeen,
    GatewayAnswer,
    GatewaySeen,
    ResolutionSeen,
    RevisionSeen,
    Seen,
    ServiceSeen,
    SignatureSeen,
    SmokeSeen,
)
from tritium.core.wish import Wish

ROUNDS: Final = 12


class Killed(Exception):
    """The process ended after a write."""


class OldPicture(Exception):
    """A fenced write met another version than the one that was seen."""


@dataclass
class Process:
    """One process.

    Attributes:
        store: what it believes is there.
        heard: by name, what gateway pods answered when they were last asked.
        writes_left: after so many writes it is killed; None: never.
    """

    cluster: Cluster
    store: Objects
    heard: dict[str, GatewayAnswer | None] = field(default_factory=dict)
    writes_left: int | None = None
    smoke: dict[str, SmokeSeen] = field(default_factory=dict)
    signatures: dict[str, SignatureSeen] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    surprised: bool = False
    """It has met a Deployment that it had not seen."""
    wish: Wish | None = None
    """What counted in the last decision."""

    def run(self) -> Plan:
        """One pass.

        Raises:
            Killed: in the middle of it.
            OldPicture: it would have taken something away that it has not seen as it is.
        """
        for _ in range(ROUNDS):
            plan = self.decided()
            self.wish = going_on(self.cluster.wish, ledger.read(self.cluster.status), plan.target, self.seen())
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
        for uid in plan.describe:
            assert uid not in self.signatures, "asked again what does not change"
            self.signatures[uid] = SignatureSeen(self.cluster.signature(self.store.pods[uid].revision))
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
        checks.of_decision(cluster, seen, plan)
        self._is_as_with_scaling(seen, plan)
        return plan

    def _is_as_with_scaling(self, seen: Seen, plan: Plan) -> None:
        """Replicas that follow the work are replicas like others: with bounds that leave no choice all is the same."""
        cluster, fixed = self.cluster, self.cluster.wish.replicas
        if not fixed:
            return
        asked = replace(cluster.wish, replicas=7, scaling=ScalingWish(fixed, fixed))
        scaled = decide(asked, cluster.status, seen, cluster.now)
        assert scaled.replicas == plan.replicas
        assert replace(scaled.course, ledger=replace(scaled.course.ledger, size=None)) == plan.course
        assert (scaled.service, scaled.kept, scaled.budgeted) == (plan.service, plan.kept, plan.budgeted)

    def seen(self) -> Seen:
        """As `loop/observe.py` makes it."""
        candidate = self.cluster.status.candidate
        return Seen(
            revisions=tuple(sorted(self.cluster.revisions.values(), key=lambda each: each.hash)),
            deployments=tuple(DeploymentSeen(name, replicas) for name, (replicas, _) in self.store.deployments.items()),
            pods=tuple(pod for pod in self.store.pods.values() if pod.revision in self.store.deployments),
            resolutions=tuple(self.store.jobs.values()),
            followed=tuple(self.cluster.told),
            service=self.store.service,
            digests=dict(self.cluster.digests),
            smoke=dict(self.smoke),
            signatures=dict(self.signatures),
            gateways=tuple(
                GatewaySeen(name, ready=pod.ready, terminating=pod.terminating, answer=self.heard.get(name))
                for name, pod in self.store.gateways.items()
            ),
            port=PORT,
            refusals=(TAKEN,) if self.cluster.refused else (),
            window=self.cluster.window if candidate and candidate.judged_since else None,
        )

    def act(self, plan: Plan) -> bool:
        """As `loop/act.py` does it."""
        before = len(self.writes)
        self.resolve(plan)
        if new := next((each.create for each in plan.targets.values() if each.create), None):
            self.record_revision(new)
        self.name_endpoints(plan)
        self.scale(plan, up=True)
        self.keep_digests(plan)
        if self.surprised:
            self.surprised = False
            return True
        self.lead_clients(plan)
        self.scale(plan, up=False)
        self.prune(plan)
        return len(self.writes) > before

    def resolve(self, plan: Plan) -> None:
        for wanted in (each.resolution for each in plan.targets.values()):
            if wanted and (wanted.key, wanted.attempt) not in self.store.jobs:
                self.list_source(wanted)

    def list_source(self, wanted: Resolution) -> None:
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

    def name_endpoints(self, plan: Plan) -> None:
        for name in plan.replicas:
            if name not in self.cluster.named:
                self.cluster.named.add(name)
                self.wrote(f"headless service of {name}")

    def scale(self, plan: Plan, *, up: bool) -> None:
        for name, wanted in plan.replicas.items():
            has, version = self.store.deployments.get(name, (None, 0))
            if (has is None or wanted >= has) is up and wanted != has:
                self.write_replicas(name, wanted, version, fenced=not up)

    def write_replicas(self, name: str, wanted: int, version: int, *, fenced: bool) -> None:
        there = self.cluster.objects.deployments.get(name)
        if there and name not in self.store.deployments:
            self.store.deployments[name] = there
            self.surprised = True
            return
        if fenced and (there is None or there[1] != version):
            raise OldPicture
        if there and wanted < there[0]:
            ready = sum(pod.ready and pod.revision == name for pod in self.store.pods.values())
            assert self.wish
            checks.of_fewer_pods(self.cluster, self.wish, name, wanted, ready)
        written = (wanted, self.cluster.count())
        self.cluster.objects.deployments[name] = self.store.deployments[name] = written
        self.wrote(f"{wanted} pods of {name}")

    def keep_digests(self, plan: Plan) -> None:
        for name, digest in plan.digests.items():
            if name in plan.kept and self.cluster.digests.get(name) != digest:
                assert name not in self.cluster.digests, "a digest that was found is never changed"
                self.cluster.digests[name] = digest
                self.wrote(f"digest of {name}")

    def lead_clients(self, plan: Plan) -> None:
        if plan.service is None:
            return
        wanted = ServiceSeen(plan.service.number, plan.service.port)
        if self.store.service == wanted:
            return
        checks.of_service(self.cluster, self.seen(), plan.service)
        self.cluster.objects.service = self.store.service = wanted
        self.wrote(f"service to {wanted}")

    def prune(self, plan: Plan) -> None:
        wanted = {(each.resolution.key, each.resolution.attempt) for each in plan.targets.values() if each.resolution}
        for key in self.store.jobs.keys() - wanted:
            self.delete(self.store.jobs, self.cluster.objects.jobs, key)
        created = frozenset(each.create.hash for each in plan.targets.values() if each.create)
        for name in self.superfluous(self.store.deployments, plan, created):
            self.delete(self.store.deployments, self.cluster.objects.deployments, name)
        for name in self.superfluous(self.cluster.named, plan, created):
            self.cluster.named.remove(name)
            self.wrote(f"no headless service of {name}")
        for kind in (self.cluster.digests, self.cluster.revisions):
            for name in self.superfluous(kind, plan, created):
                self.delete(kind, kind, name)
        for uid in plan.replace:
            self.delete(self.store.pods, self.cluster.objects.pods, uid)

    def superfluous(self, kind: Any, plan: Plan, created: frozenset[str]) -> list[str]:
        names = [name for name in kind if name not in plan.kept | created]
        for name in names:
            checks.of_removal(self.cluster, name)
        return names

    def delete(self, seen: dict[Any, Any], there: dict[Any, Any], name: Any) -> None:
        seen.pop(name)
        there.pop(name, None)
        self.wrote(f"without {name}")

    def write_status(self, plan: Plan) -> None:
        checks.of_traffic(self.cluster, self.seen(), plan.status)
        checks.of_held(self.cluster, self.seen(), plan)
        self.cluster.status = plan.status
        self.wrote("status")

    def wrote(self, what: str) -> None:
        self.writes.append(what)
        if self.writes_left is not None:
            self.writes_left -= 1
            if self.writes_left < 0:
                raise Killed(what)
