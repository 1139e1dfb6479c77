"""What was told of changes at sources, for the passes of ModelDeployments: read off the Jobs that looked for them."""

from dataclasses import dataclass
from typing import Any, Final

from tritium.core.follow_jobs import FollowJob, follow_job
from tritium.core.lookup import refusal_as_trouble
from tritium.core.seen import FollowSeen, Refusal, Trouble
from tritium.kube import kinds
from tritium.kube.glance import Glance
from tritium.kube.store import FOLLOWERS, Key, Store
from tritium.loop.queue import WorkQueue

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OfSource:
    """What was told of one ModelDeployment's source, and why nobody looks there."""

    told: tuple[FollowSeen, ...] = ()
    trouble: Trouble | None = None


NOTHING_HEARD: Final = OfSource()


class Followers:
    """See the module.

    Args:
        store: what the watches and lists have brought. It is followed from now on.
        queue: of the passes.
    """

    def __init__(self, store: Store, queue: WorkQueue[Key]) -> None:
        self._store = store
        self._queue = queue
        store.follow(self._learn)
        self._watching: dict[str, dict[str, str]] = {}
        """By namespace: the Job that looks at each ModelDeployment's source, by its name."""
        self._refusals: dict[str, tuple[Refusal, ...]] = {}

    def heard(self, key: Key) -> OfSource:
        """What was told of a ModelDeployment's source, and why nobody looks there."""
        jobs = self.jobs(key.namespace)
        told = tuple(each.told[key.name] for each in jobs if key.name in each.told)
        mine = self._watching.get(key.namespace, {}).get(key.name)
        refused = next((each for each in self._refusals.get(key.namespace, ()) if each.name == mine), None)
        trouble = next((each.trouble for each in jobs if each.name == mine), None)
        return OfSource(told, refusal_as_trouble(refused) if refused else trouble)

    def jobs(self, namespace: str) -> list[FollowJob]:
        """All Jobs of a namespace that look for changes, or did."""
        key = Key(namespace, FOLLOWERS)
        pods = self._store.children(key, kinds.PODS)
        return [follow_job(each, pods) for each in self._store.children(key, kinds.JOBS)]

    def watch(self, namespace: str, watching: dict[str, str], refusals: tuple[Refusal, ...]) -> None:
        """Which Job looks at whose source from now on, and which of them could not be had."""
        self._watching[namespace], self._refusals[namespace] = watching, refusals

    def _learn(self, key: Key, before: Glance | None, after: Glance | None) -> None:
        """Another state of a source is followed, another way, or none any more."""
        if _follows(before) != _follows(after):
            self._queue.add(Key(key.namespace, FOLLOWERS))

    def forget(self, namespace: str) -> None:
        """Nobody follows anything there."""
        self._watching.pop(namespace, None)
        self._refusals.pop(namespace, None)


def _follows(glance: Glance | None) -> tuple[str, ...]:
    return glance.follows if glance and not glance.going else ()
