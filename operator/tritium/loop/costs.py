"""For how long pods have held nodes and GPUs, by model and revision, since this process has led.

Nothing is asked for, and no clock ticks: what a pod holds changes with an event, and the seconds in between are counted
when somebody wants to know. A pod whose end no watch told of is missed by the next list, and counted until then.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tritium.api import names
from tritium.core.cost import Account, Used, anew, hold, moved, used
from tritium.kube.glance import Glance
from tritium.kube.kinds import PODS
from tritium.kube.store import Key, Store


class Costs:
    """See the module.

    Args:
        store: what the watches and lists have brought. It is followed from now on.
        clock: seconds, monotonic.
    """

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._accounts: dict[Key, Account] = {}
        self._owners: dict[Key, Key] = {}
        """By the pod, whose it is."""
        self._numbers: dict[Key, dict[str, int]] = {}
        """By model, its revisions' numbers by their eight characters, also of those that are not kept any more."""
        store.attend(PODS, self._see)
        store.follow(self._learn)

    def __iter__(self) -> Iterator[tuple[Key, int, Used]]:
        """Each revision that has, or had, pods; one whose number is not known yet is told of later."""
        now = self._clock()
        for key, account in self._accounts.items():
            numbers = self._numbers.get(key, {})
            for revision, seconds in used(account, now).items():
                if revision in numbers:
                    yield key, numbers[revision], seconds

    def _see(self, place: Key, pod: Mapping[str, Any] | None) -> None:
        owner = self._owner(place, pod)
        if owner is None:
            return
        account = moved(self._accounts.get(owner, Account()), place.name, hold(pod) if pod else None, self._clock())
        self._keep(owner, account)

    def _owner(self, place: Key, pod: Mapping[str, Any] | None) -> Key | None:
        if pod is None:
            return self._owners.pop(place, None)
        name = (pod["metadata"].get("labels") or {}).get(names.OWNER)
        if name:
            self._owners[place] = Key(place.namespace, name)
        return self._owners.get(place)

    def _learn(self, key: Key, before: Glance | None, after: Glance | None) -> None:
        if before and (after is None or before.uid != after.uid):
            self._numbers.pop(key, None)
            self._keep(key, anew(self._accounts.get(key, Account()), self._clock()))
        if after:
            self._numbers.setdefault(key, {}).update(after.characters)

    def _keep(self, key: Key, account: Account) -> None:
        """One without pods, of a model that is gone, is no more."""
        if account.held or key in self._numbers:
            self._accounts[key] = account
        else:
            self._accounts.pop(key, None)
