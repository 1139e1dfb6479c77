"""Where each rollout stands, and how often one was aborted, for the metrics.

Both are read off the statuses as the API server stores them. So an abort counts once, also where the answer to the
write of it was lost, and one from before this process began does not count again.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from tritium.core.reasons import Reason
from tritium.core.recreate import OF_ONE_REVISION
from tritium.kube.glance import Glance
from tritium.kube.store import Key, Store

REASONS: Final = (
    Reason.GATE_FAILED,
    Reason.BAKE_FAILED,
    Reason.INSUFFICIENT_DATA,
    Reason.ABORTED_BY_HAND,
    Reason.SMOKE_TEST_FAILED,
    Reason.DEADLINE,
    *sorted(OF_ONE_REVISION),
)
"""Why a rollout can be aborted. Each is told from the beginning, with 0: who sees a first 1 sees no increase."""

_GOING_BACK: Final = Reason.ROLLED_BACK
"""A person went back to another revision; no rollout has failed."""


class Rollout(NamedTuple):
    """One ModelDeployment's.

    Attributes:
        phase: of the rollout; empty before the first pass.
        step: from 1, as messages count; one more where all have passed; 0 where none has begun.
        aborts: by reason, how many there were since this process has led.
    """

    phase: str
    step: int
    aborts: Counter[str]


class Rollouts:
    """See the module.

    Args:
        store: what the watches and lists have brought. It is followed from now on.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._aborts: dict[Key, Counter[str]] = {}
        store.follow(self._learn)

    def __iter__(self) -> Iterator[tuple[Key, Rollout]]:
        """Each ModelDeployment that there is."""
        for namespace in self._store.namespaces():
            for name, glance in self._store.namespace_owners(namespace).items():
                key = Key(namespace, name)
                step = 0 if glance.step is None else glance.step + 1
                yield key, Rollout(glance.phase, step, self._aborts.get(key, Counter()))

    def _learn(self, key: Key, before: Glance | None, after: Glance | None) -> None:
        if before is None or after is None or before.uid != after.uid:
            self._aborts.pop(key, None)
            return
        known = {number for number, _ in before.turned_down}
        reasons = [why for number, why in after.turned_down if number not in known and why != _GOING_BACK]
        if reasons:
            self._aborts.setdefault(key, Counter()).update(reasons)
