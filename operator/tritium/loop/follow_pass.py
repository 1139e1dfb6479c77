"""One pass for the Jobs of a namespace that look for changes at sources: those that are needed, and no others."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from tritium.api import names
from tritium.api.status import ModelDeploymentStatus
from tritium.core import ledger
from tritium.core.follow_jobs import FollowJob
from tritium.core.following import told
from tritium.core.seen import Seen, Trouble
from tritium.core.wish import SpecInvalid, read_spec, wish
from tritium.kube import kinds
from tritium.kube.client import Client
from tritium.kube.store import FOLLOWERS, GATEWAY, Key, Store
from tritium.loop.followers import Followers
from tritium.loop.gateway_writer import GatewayWriter, NamespaceEnds
from tritium.loop.queue import WorkQueue
from tritium.loop.reconcile import Outcome
from tritium.loop.writer import Memory, OwnerGone
from tritium.resources.follow import Watched, follow_jobs, followed_names
from tritium.resources.gateway.identity import Gateway
from tritium.resources.owner import Owner
from tritium.resources.rendering import Rendering

log = logging.getLogger(__name__)
Object = dict[str, Any]

ENDED_FOR_NOTHING: Final = timedelta(minutes=1)
"""After this time a Job that is needed, and has ended with nothing that is news, is made anew."""

ANCHOR_COMES: Final = 1.0
"""Seconds until it is looked again whether the gateway's anchor, which these Jobs go with, is there."""


@dataclass(slots=True)
class FollowPass:
    """What all passes share."""

    client: Client
    store: Store
    queue: WorkQueue[Key]
    followers: Followers
    rendering: Rendering
    proven: Callable[[], bool]
    now: Callable[[], datetime]
    _memories: dict[str, Memory] = field(default_factory=dict)
    _woken: dict[str, frozenset[str]] = field(default_factory=dict)
    """By namespace: Jobs whose news the ModelDeployments were woken for."""
    _troubles: dict[str, dict[str, Trouble | None]] = field(default_factory=dict)

    async def __call__(self, key: Key) -> Outcome:
        """One pass.

        Raises:
            ApiError: the API server did not do what was asked; the pass is to be repeated.
            NotLeading: somebody else may be leading.
        """
        namespace = key.namespace
        jobs = self.followers.jobs(namespace)
        self._wake(namespace, jobs)
        following = [each for each in self._following(namespace) if each]
        if not following and not jobs:
            self._forget(namespace)
            return Outcome()
        anchor = self._anchor(namespace)
        if anchor is None:  # with it all of this goes
            return Outcome(again=ANCHOR_COMES if following else None)
        memory = self._memories.setdefault(namespace, Memory("", self.now))
        writer = _FollowWriter(self.client, self.store, anchor, memory, self.proven)
        try:
            await self._make(writer, anchor, namespace, following)
        except (OwnerGone, NamespaceEnds):
            log.info("no changes are looked for: the namespace's gateway goes", extra={"key": namespace})
        self._wake_troubled(namespace, following)
        again = ENDED_FOR_NOTHING.total_seconds() if any(each.ended for each in jobs) else None
        return Outcome(again=again, refused=bool(memory.refusals))

    async def _make(
        self, writer: "_FollowWriter", anchor: Object, namespace: str, following: list["_Following"]
    ) -> None:
        watched = [each.watched for each in following if not each.has_news]
        wanted = follow_jobs(Gateway.of(anchor), watched, self.rendering)
        for job in wanted:
            await writer.ensure(kinds.JOBS, job)
        refusals = tuple(writer.refusals())
        self.followers.watch(namespace, dict(_watching(wanted)), refusals)
        for job in self._superfluous(namespace, {job["metadata"]["name"] for job in wanted}, following):
            await writer.delete(kinds.JOBS, job, fenced=False)
        writer.round_is_over()

    def _superfluous(self, namespace: str, wanted: set[str], following: Iterable["_Following"]) -> Iterator[Object]:
        """Jobs that look where nobody asks, and ended ones of whose news none is of use any more.

        Of one that has just ended the news may still be on their way: its pod has them.
        """
        of_use = {each.told_by for each in following}
        live = {each["metadata"]["uid"]: each for each in self.store.children(Key(namespace, FOLLOWERS), kinds.JOBS)}
        for job in self.followers.jobs(namespace):
            done = job.ended is not None and self.now() - job.ended > ENDED_FOR_NOTHING
            if job.uid not in of_use and (job.name not in wanted or done):
                yield live[job.uid]

    def _following(self, namespace: str) -> Iterator["_Following | None"]:
        jobs = self.followers.jobs(namespace)
        for name, glance in self.store.namespace_owners(namespace).items():
            obj = self.store.object(Key(namespace, name)) if glance.follows and not glance.going else None
            if obj:
                yield _read(obj, jobs)

    def _anchor(self, namespace: str) -> Object | None:
        anchors = self.store.children(Key(namespace, GATEWAY), kinds.CONFIG_MAPS)
        alive = (each for each in anchors if "deletionTimestamp" not in each["metadata"])
        return next((each for each in alive if each["metadata"]["name"] == names.GATEWAY), None)

    def _wake(self, namespace: str, jobs: Iterable[FollowJob]) -> None:
        """News concern those of whom they are."""
        known, ended = self._woken.get(namespace, frozenset()), [each for each in jobs if each.ended]
        self._woken[namespace] = frozenset(each.uid for each in ended)
        for each in ended:
            for name in each.told if each.uid not in known else ():
                self.queue.add(Key(namespace, name))

    def _wake_troubled(self, namespace: str, following: Iterable["_Following"]) -> None:
        """Who is looked after by a Job that cannot look any more, or can again."""
        names = [each.watched.owner.name for each in following]
        now = {name: self.followers.heard(Key(namespace, name)).trouble for name in names}
        before = self._troubles.get(namespace, {})
        for name in names:
            if now[name] != before.get(name):
                self.queue.add(Key(namespace, name), resync=True)
        self._troubles[namespace] = now

    def _forget(self, namespace: str) -> None:
        self._memories.pop(namespace, None)
        self._woken.pop(namespace, None)
        self._troubles.pop(namespace, None)
        self.followers.forget(namespace)


@dataclass(frozen=True, slots=True)
class _Following:
    """A ModelDeployment whose source is followed.

    Attributes:
        has_news: the source has changed, and that is being looked into: there is nothing to look for until then.
        told_by: the Job that the newest news are of.
    """

    watched: Watched
    has_news: bool
    told_by: str | None


class _FollowWriter(GatewayWriter):
    """Writes Jobs that an anchor owns."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._key = Key(self._owner.namespace, FOLLOWERS)

    def refusals(self) -> Iterable[Any]:
        """What could not be had."""
        return self._memory.refusals.values()


def _read(obj: Object, jobs: Iterable[FollowJob]) -> _Following | None:
    """What is followed of a ModelDeployment; None before a listing has said what there is."""
    try:
        wanted, spec = wish(obj), read_spec(obj)
    except SpecInvalid:  # its own pass says so
        return None
    status = ModelDeploymentStatus.model_validate(obj.get("status") or {})
    before, name = ledger.read(status), obj["metadata"]["name"]
    if not wanted.follows or status.source is None or status.source.written != wanted.written:
        return None
    by_news = {job.told[name]: job.uid for job in jobs if name in job.told}
    news = told(wanted, before, Seen(followed=tuple(by_news)))
    looked = news.told if news else status.source.at
    watched = Watched(Owner.of(obj), spec, status.source, looked, failing=bool(news and news.failure))
    return _Following(watched, bool(news and news.fingerprint), by_news[news] if news else None)


def _watching(jobs: Iterable[Object]) -> Iterator[tuple[str, str]]:
    """Whose source each Job looks at."""
    for job in jobs:
        for name in followed_names(job):
            yield name, job["metadata"]["name"]
