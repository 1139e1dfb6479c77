"""Doing what was decided: add before remove, and what cannot be had stops what would build on it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from tritium.api import names
from tritium.core.authorship import authorship
from tritium.core.overlay import overlaid, overlay_of
from tritium.core.plan import Plan, Resolution
from tritium.core.revision import revision_name, revision_of
from tritium.core.seen import RevisionSeen, Seen
from tritium.kube import kinds
from tritium.kube.kinds import Kind
from tritium.kube.store import Key, Store
from tritium.loop.observe import owned
from tritium.loop.writer import Writer
from tritium.resources.controller_revision import controller_revision
from tritium.resources.deployment import deployment
from tritium.resources.disruption import disruption_budget
from tritium.resources.endpoints_service import revision_service
from tritium.resources.facts import revision_facts
from tritium.resources.owner import Owner
from tritium.resources.pod_template import pod_template
from tritium.resources.rendering import Rendering
from tritium.resources.request_log import logger, logger_service
from tritium.resources.resolution import resolution_job
from tritium.resources.service import preview_service, service

Object = dict[str, Any]

_RESTLESS: Final = frozenset({kinds.JOBS, kinds.DEPLOYMENTS, kinds.PODS})
"""Their status changes all the time. Such an object goes as a whole, whatever its version: its uid is fence enough."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What acting needs besides the decision."""

    writer: Writer
    store: Store
    rendering: Rendering


class Act:
    """The writes of one round of a pass."""

    def __init__(self, obj: Object, seen: Seen, plan: Plan, tools: Tools) -> None:
        self._obj = obj
        self._seen = seen
        self._plan = plan
        self._writer = tools.writer
        self._store = tools.store
        self._rendering = tools.rendering
        self._owner = Owner.of(obj)
        self._key = Key(self._owner.namespace, self._owner.name)

    async def __call__(self) -> bool:
        """Do it all; True if anything was written, so that it is worth looking again at once."""
        changed = await self._resolve()
        changed |= await self._record_revision()
        changed |= await self._name_endpoints()
        changed |= await self._scale(up=True)
        changed |= await self._keep_facts()
        changed |= await self._protect()
        if not self._writer.surprised:
            changed |= await self._lead_clients()
            changed |= await self._lead_to_preview()
            changed |= await self._log()
        if not self._writer.surprised:
            changed |= await self._scale(up=False)
            changed |= await self._prune()
        self._writer.round_is_over()
        return changed

    async def _resolve(self) -> bool:
        changed = False
        for arm, target in self._plan.targets.items():
            wanted = target.resolution
            if wanted is None or any(_is(wanted, each.written, each.attempt) for each in self._seen.resolutions):
                continue
            job = resolution_job(
                self._owner, self._spec(arm), written=wanted.key, attempt=wanted.attempt, rendering=self._rendering
            )
            if await self._clients_can_be_led():
                changed |= await self._writer.ensure(kinds.JOBS, job)
        return changed

    def _spec(self, arm: str) -> Object:
        """What is listed and made for an arm; for the empty name what the spec asks for."""
        spec = self._obj["spec"]
        return overlaid(spec, overlay_of(spec, arm)) if arm else spec

    async def _clients_can_be_led(self) -> bool:
        """Whether a Service is there or can be: better known before a model is listed and loaded than after."""
        return bool(self._service()) or await self._writer.is_free(kinds.SERVICES, self._owner.name)

    async def _record_revision(self) -> bool:
        """One at a time: the next one's number is known when this one is there."""
        found = ((arm, target.create) for arm, target in self._plan.targets.items() if target.create)
        arm, new = next(found, ("", None))
        if new is None:
            return False
        spec, last = self._spec(arm), max((each.created for each in self._seen.revisions), default=None)
        template = pod_template(
            self._owner,
            spec,
            hash=new.hash,
            fingerprint=new.fingerprint,
            size=new.bytes,
            rendering=self._rendering,
            pin=new.origin.pin if new.origin else None,
        )
        record = controller_revision(
            self._owner,
            hash=new.hash,
            number=new.number,
            written=new.written,
            fingerprint=new.fingerprint,
            model=spec["model"].get("name") or self._owner.name,
            files=new.files,
            size=new.bytes,
            template=template,
            authorship=authorship(await self._writer.owner(), new.written, last),
            origin=new.origin,
        )
        return await self._writer.ensure(kinds.CONTROLLER_REVISIONS, record)

    async def _name_endpoints(self) -> bool:
        """The gateway learns of a revision's pods by its headless Service."""
        changed = False
        for revision in self._seen.revisions:
            if revision.hash in self._plan.replicas:
                wanted = revision_service(self._owner, hash=revision.hash)
                changed |= await self._writer.ensure(kinds.SERVICES, wanted)
        return changed

    async def _scale(self, *, up: bool) -> bool:
        changed = False
        for revision in self._seen.revisions:
            wanted = self._plan.replicas.get(revision.hash)
            if wanted is None:
                continue
            has = self._replicas(revision)
            if (has is None or wanted >= has) is up:
                # Of one that is not seen nobody knows how many pods it has.
                changed |= await self._deploy(revision, wanted, fenced=not up or has is None)
        return changed

    async def _deploy(self, revision: RevisionSeen, replicas: int, *, fenced: bool) -> bool:
        wanted = deployment(self._owner, hash=revision.hash, replicas=replicas, template=revision.template)
        return await self._writer.ensure(kinds.DEPLOYMENTS, wanted, fenced=fenced)

    def _replicas(self, revision: RevisionSeen) -> int | None:
        live = self._writer.live(kinds.DEPLOYMENTS, revision_name(self._owner.name, revision.hash))
        return live["spec"].get("replicas", 1) if live else None

    async def _keep_facts(self) -> bool:
        changed = False
        for name, digest in self._plan.digests.items():
            if name in self._plan.kept:
                facts = revision_facts(self._owner, hash=name, digest=digest)
                changed |= await self._writer.ensure(kinds.CONFIG_MAPS, facts)
        return changed

    async def _protect(self) -> bool:
        changed = False
        for name in sorted(self._plan.budgeted):
            changed |= await self._writer.ensure(kinds.DISRUPTION_BUDGETS, disruption_budget(self._owner, hash=name))
        return changed

    async def _lead_clients(self) -> bool:
        to = self._plan.service
        if to is None:
            return False
        wanted = service(self._owner, port=to.port, number=to.number)
        return await self._writer.ensure(kinds.SERVICES, wanted, fenced=True)

    async def _lead_to_preview(self) -> bool:
        """Whoever has the name keeps it; it is told, and nothing waits for it."""
        port = self._plan.preview.port
        if port is None:
            return False
        return await self._writer.ensure(kinds.SERVICES, preview_service(self._owner, port=port), fenced=True)

    async def _log(self) -> bool:
        """As with the preview, nothing waits for it."""
        if not self._plan.logs:
            return False
        spec = self._obj["spec"]
        changed = await self._writer.ensure(kinds.SERVICES, logger_service(self._owner))
        return changed | await self._writer.ensure(kinds.DEPLOYMENTS, logger(self._owner, spec, self._rendering))

    def _service(self) -> Object | None:
        return self._writer.live(kinds.SERVICES, self._owner.name)

    async def _prune(self) -> bool:
        changed = False
        for kind, obj in self._superfluous():
            changed |= await self._writer.delete(kind, obj, fenced=kind not in _RESTLESS)
        return changed

    def _superfluous(self) -> Iterable[tuple[Kind, Object]]:
        plan = self._plan
        yield from ((kinds.JOBS, job) for job in self._owned(kinds.JOBS) if not self._awaited(job))
        for budget in self._owned(kinds.DISRUPTION_BUDGETS):
            if _revision(budget) not in plan.budgeted:
                yield kinds.DISRUPTION_BUDGETS, budget
        for kind in (kinds.DEPLOYMENTS, kinds.SERVICES, kinds.CONFIG_MAPS, kinds.CONTROLLER_REVISIONS):
            unkept = (each for each in self._owned(kind) if self._is_unkept(each))
            yield from ((kind, each) for each in unkept if not self._just_made(each))
        for pod in self._store.children(self._key, kinds.PODS):
            if pod["metadata"]["uid"] in plan.replace:
                yield kinds.PODS, pod

    def _is_unkept(self, obj: Object) -> bool:
        name = obj["metadata"]["name"]
        if name == names.preview_service(self._owner.name):
            return not self._plan.preview.kept
        if name == names.request_log(self._owner.name):
            return not self._plan.logs
        return bool(name != self._owner.name) and _revision(obj) not in self._plan.kept

    def _awaited(self, job: Object) -> bool:
        """Whether an answer of this Job is still of use."""
        annotations = job["metadata"].get("annotations", {})
        is_for = annotations.get(names.WRITTEN), annotations.get(names.ATTEMPT)
        wanted = (each.resolution for each in self._plan.targets.values())
        return any(each is not None and is_for == (each.key, str(each.attempt)) for each in wanted)

    def _just_made(self, obj: Object) -> bool:
        return any(each.create and each.create.hash == _revision(obj) for each in self._plan.targets.values())

    def _owned(self, kind: Kind) -> list[Object]:
        return owned(self._store, self._key, kind, self._owner.uid)


def _is(wanted: Resolution, written: str, attempt: int) -> bool:
    return (wanted.key, wanted.attempt) == (written, attempt)


def _revision(obj: Object) -> str:
    return revision_of(obj["metadata"]["name"])
