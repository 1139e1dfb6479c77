"""One pass for one ModelDeployment: observe, decide, write down what must survive, do it, report.

Every round sees what the round before has done, because the server's answers go into the store at once. The pass
ends when there is nothing left to do; then the status is written, if it says anything new.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from tritium.api.status import ModelDeploymentStatus
from tritium.core import ledger
from tritium.core.decide import decide
from tritium.core.lookup import pods_of
from tritium.core.plan import Notice, Plan
from tritium.core.reasons import Reason
from tritium.core.report import spec_invalid
from tritium.core.scaling.priority import claim
from tritium.core.seen import Seen
from tritium.core.wish import SpecInvalid, Wish, read_spec, wish
from tritium.kube import kinds
from tritium.kube.client import Client
from tritium.kube.errors import NotFound
from tritium.kube.events import Recorder
from tritium.kube.status import merge_patch, pruned
from tritium.kube.store import Key, Store
from tritium.loop.act import Act, Tools
from tritium.loop.fetches import Fetches
from tritium.loop.followers import NOTHING_HEARD, Followers
from tritium.loop.gateways import Gateways
from tritium.loop.inquiry import Inquiry
from tritium.loop.observe import Heard, observe
from tritium.loop.prober import Prober
from tritium.loop.queries import Queries
from tritium.loop.scaler import Scaler, Subject
from tritium.loop.servers import Server
from tritium.loop.unread import Unread
from tritium.loop.writer import Memory, NotLeading, OwnerGone, Writer
from tritium.resources.owner import Owner
from tritium.resources.rendering import Rendering

log = logging.getLogger(__name__)
Object = dict[str, Any]

ROUNDS: Final = 12
"""More than any change of a version takes; what is left goes on in the next pass."""


class SchemaTooOld(Exception):
    """The server dropped what was written: the CRD is of an older version."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pass ended: when to come again by itself, and whether something could not be had."""

    again: float | None = None
    refused: bool = False


@dataclass(slots=True)
class Reconciler:
    """What all passes share."""

    client: Client
    store: Store
    recorder: Recorder
    prober: Prober
    inquiry: Inquiry
    gateways: Gateways
    queries: Queries
    followers: Followers
    scaler: Scaler
    fetches: Fetches
    rendering: Rendering
    proven: Callable[[], bool]
    now: Callable[[], datetime]
    _memories: dict[Key, Memory] = field(default_factory=dict)

    async def __call__(self, key: Key) -> Outcome:
        """One pass.

        Raises:
            ApiError: the API server did not do what was asked; the pass is to be repeated.
            NotLeading: somebody else may be leading.
            SchemaTooOld: no pass can work on this cluster.
        """
        obj = self.store.object(key)
        if obj is None or "deletionTimestamp" in obj["metadata"]:
            self._forget(key)
            return Outcome()
        try:
            return await _Pass(self, key, obj, self._memory(key, obj["metadata"]["uid"])).run()
        except OwnerGone:
            self._forget(key)
            return Outcome(again=0.0 if self.store.object(key) else None)

    def _memory(self, key: Key, uid: str) -> Memory:
        known = self._memories.get(key)
        if known is None or known.uid != uid:
            known = self._memories[key] = Memory(uid, self.now)
        return known

    def _forget(self, key: Key) -> None:
        self.prober.forget(key)
        self.inquiry.forget(key)
        self.queries.forget(key)
        self.scaler.forget(key)
        self.fetches.forget(key)
        self._memories.pop(key, None)


class _Pass:
    def __init__(self, shared: Reconciler, key: Key, obj: Object, memory: Memory) -> None:
        self._shared = shared
        self._key = key
        self._obj = obj
        self._memory = memory
        self._status = ModelDeploymentStatus.model_validate(obj.get("status") or {})
        writer = Writer(shared.client, shared.store, obj, memory, shared.proven)
        self._tools = Tools(writer, shared.store, shared.rendering)

    async def run(self) -> Outcome:
        try:
            wanted = wish(self._obj)
        except SpecInvalid as error:
            await self._refuse_spec(str(error))
            await self._unread().wake(self._shared.now())
            return Outcome()
        pending = await self._shared.inquiry.why_without_pods(self._key, self._obj["metadata"]["uid"])
        plan = await self._rounds(wanted)
        await self._report(plan.status, (*plan.notices, *plan.pending))
        self._ask(plan, wanted)
        self._have_looked_at(plan, wanted)
        look = self._shared.fetches.ask(self._key, plan.fetching)
        return Outcome(self._seconds_to(plan, look, pending=pending), refused=bool(self._memory.refusals))

    def _unread(self) -> Unread:
        async def report(status: ModelDeploymentStatus) -> None:
            await self._report(status, ())

        owner, scaler = Owner.of(self._obj), self._shared.scaler
        return Unread(self._key, owner, self._status, self._observe(), scaler, self._tools.writer, report)

    async def _rounds(self, wanted: Wish) -> Plan:
        rounds = 0
        while True:
            rounds += 1
            seen = self._observe()
            plan = decide(wanted, self._status, seen, self._shared.now())
            plan = await self._write_ahead(plan)
            act = Act(self._obj, seen, plan, self._tools)
            refused = dict(self._memory.refusals)
            changed = await act() or refused != self._memory.refusals
            if not changed or rounds == ROUNDS:
                return plan

    def _observe(self) -> Seen:
        pods = {pod["metadata"]["uid"] for pod in self._shared.store.children(self._key, kinds.PODS)}
        shared, uid = self._shared, self._obj["metadata"]["uid"]
        followed = shared.followers.heard(self._key) if self._status.source else NOTHING_HEARD
        heard = Heard(
            smoke=shared.prober.answers(self._key, self._obj, pods),
            refusals=self._memory.refusals.values(),
            without_pods=shared.inquiry.answers(self._key),
            gateways=shared.gateways.seen(self._key, uid),
            gateway_trouble=shared.gateways.trouble(self._key.namespace),
            port=shared.gateways.port(self._key, self._obj),
            window=shared.gateways.windows.seen(self._key, self._status, shared.now()),
            queries=shared.queries.answers(self._key, self._status),
            has_prometheus=shared.queries.probe is not None,
            totals=shared.gateways.tallies.seen(self._key, self._status),
            signatures=shared.prober.signatures(self._key, pods),
            progress=shared.fetches.seen(self._key),
            followed=followed,
            work=shared.scaler.work(self._key),
        )
        return observe(shared.store, self._key, uid, heard)

    async def _write_ahead(self, plan: Plan) -> Plan:
        """What must survive is written before anything is done because of it; only who gets it written may act.

        Returns the plan without what is told by now.
        """
        if plan.course.ledger == ledger.read(self._status):
            return plan
        ahead = plan.status.model_copy(update={"observed_generation": self._status.observed_generation})
        await self._report(ahead, plan.notices)
        return replace(plan, notices=())

    async def _report(self, status: ModelDeploymentStatus, notices: Iterable[Notice]) -> None:
        live = self._obj.get("status") or {}
        sent = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        patch = merge_patch(live, sent)
        if not patch:
            return
        if not self._shared.proven():
            raise NotLeading
        version = self._obj["metadata"]["resourceVersion"]
        body = {"metadata": {"resourceVersion": version}, "status": patch}
        stored = await self._stored(body)
        self._shared.store.remember(kinds.MODEL_DEPLOYMENTS, stored)
        if dropped := pruned(sent, stored.get("status") or {}):
            raise SchemaTooOld(f"the server does not keep {', '.join(dropped)}")
        self._obj, self._status = stored, status
        for notice in notices:
            log.info("%s: %s", notice.reason, notice.message, extra={"key": f"{self._key.namespace}/{self._key.name}"})
            await self._shared.recorder.record(stored, notice.type, notice.reason, notice.message)

    async def _stored(self, body: Object) -> Object:
        """Write the status; a deletion that was not told of is learned of here at the latest."""
        try:
            return await self._shared.client.merge_status(kinds.MODEL_DEPLOYMENTS, *self._key, body)
        except NotFound as missing:
            if missing.reason != "NotFound":  # the kind is missing, which says nothing about the object
                raise
            self._shared.store.drop(kinds.MODEL_DEPLOYMENTS, *self._key, self._obj["metadata"]["uid"])
            raise OwnerGone(f"{self._key.namespace}/{self._key.name}") from missing

    async def _refuse_spec(self, message: str) -> None:
        metadata = self._obj["metadata"]
        status = spec_invalid(self._status, metadata["generation"], message, self._shared.now())
        await self._report(status, (Notice("Warning", Reason.SPEC_INVALID, message),))

    def _ask(self, plan: Plan, wanted: Wish) -> None:
        self._shared.queries.ask(self._key, self._status)
        if not (plan.ask or plan.describe):
            return
        pods, prober = self._observe().pods, self._shared.prober
        prober.describe(self._key, wanted.model, [pod for pod in pods if pod.uid in plan.describe])
        if plan.ask:
            tests = read_spec(self._obj).model.smoke_test or ()
            prober.ask(self._key, self._obj, wanted.model, tests, [pod for pod in pods if pod.uid in plan.ask])

    def _have_looked_at(self, plan: Plan, wanted: Wish) -> None:
        """From now on its work is looked at, if its replicas follow that."""
        scaling, stable = plan.status.scaling, plan.course.stable
        if wanted.scaling is None or scaling is None:
            self._shared.scaler.forget(self._key)
            return
        seen = self._observe()
        ready = [pod for pod in (pods_of(seen, stable) if stable else ()) if pod.ready and pod.ip]
        subject = Subject(
            uid=self._obj["metadata"]["uid"],
            asked=wanted.scaling.at(self._shared.now()),
            model=wanted.model,
            stable=stable.number if stable else None,
            revisions=_led(plan.status),
            servers=tuple(Server(pod.uid, pod.ip or "") for pod in ready),
            desired=scaling.desired if scaling.recommended is None else scaling.recommended,
            since=scaling.changed_at,
            capacity=scaling.capacity,
            cold=scaling.cold_start_seconds,
            sleep=_sleep(plan.status),
            claim=claim(wanted.scaling, seen, self._shared.now()),
        )
        self._shared.scaler.follow(self._key, subject)

    def _seconds_to(self, plan: Plan, *others: float | None, pending: bool) -> float | None:
        now = self._shared.now()
        due = (plan.wake_at - now).total_seconds() if plan.wake_at else None
        look = self._shared.inquiry.every if pending else None
        return min((max(each, 0.0) for each in (due, look, *others) if each is not None), default=None)


def _sleep(status: ModelDeploymentStatus) -> int | None:
    """Which sleep it is, while it sleeps."""
    hold = status.traffic.hold if status.traffic else None
    return hold.since if hold and hold.asleep else None


def _led(status: ModelDeploymentStatus) -> tuple[int, ...]:
    """Numbers of the revisions that requests go to; copies of requests are none."""
    told = status.traffic.revisions or () if status.traffic else ()
    return tuple(each.revision for each in told if each.weight or each.matches)
