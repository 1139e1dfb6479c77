"""Windows of the counters: what a candidate and the stable revision did since the gates of a step count.

A window begins when it is first asked for. It is in memory only: a process that takes over begins it anew, so that
nothing is judged by what this process has not seen.
"""

from dataclasses import dataclass, field
from datetime import datetime

from tritium.api.status import ModelDeploymentStatus
from tritium.core.bake import compared_with, is_baking
from tritium.core.counts import Series
from tritium.core.excess import COMPARABLE
from tritium.core.ledger import read
from tritium.core.sample import Sample, minus, sample, served
from tritium.core.seen import WindowSeen
from tritium.kube.store import Key
from tritium.loop.counting import Counting


@dataclass(frozen=True, slots=True)
class _Window:
    """What had been counted when it began.

    Attributes:
        compared: what the stable revision did in the last window in which it had requests enough to be compared with.
    """

    candidate: int
    since: datetime
    before: WindowSeen
    compared: Sample = field(default_factory=Sample)


@dataclass(slots=True)
class Windows:
    """See the module."""

    counting: Counting
    _open: dict[Key, _Window] = field(default_factory=dict)

    def seen(self, key: Key, status: ModelDeploymentStatus, at: datetime) -> WindowSeen | None:
        """What was counted in the window that a status has open; None if it has none."""
        candidate, beside = status.candidate, compared_with(read(status))
        if candidate is None or candidate.judged_since is None or beside is None:
            self.forget(key)
            return None
        now = WindowSeen(self._sample(key, candidate.revision), self._sample(key, beside), at)
        window = self._open.get(key)
        if window is None or (window.candidate, window.since) != (candidate.revision, candidate.judged_since):
            last = window if window and window.candidate == candidate.revision else None
            compared = _stable(last, now) if last else self._known(key, status, beside)
            window = self._open[key] = _Window(candidate.revision, candidate.judged_since, now, compared)
        did = minus(now.candidate, window.before.candidate)
        return WindowSeen(did, _stable(window, now), window.before.since)

    def _known(self, key: Key, status: ModelDeploymentStatus, beside: int) -> Sample:
        """Of one that got all of the traffic at once, there was no window before: what the other did lately is taken.

        Of one with few requests it is all that was counted. What found no pod, as when it was recreated, is left out:
        an outage of an hour ago would make a version that fails as good as the one before.
        """
        if not is_baking(read(status)):
            return Sample()
        series = Series(key.namespace, key.name, beside)
        lately = served(self.counting.recent(series))
        return lately if lately.requests >= COMPARABLE else served(self.counting.of(series))

    def forget(self, key: Key) -> None:
        """The ModelDeployment is gone, or its rollout is over."""
        self._open.pop(key, None)

    def _sample(self, key: Key, revision: int) -> Sample:
        return sample(self.counting.of(Series(key.namespace, key.name, revision)))


def _stable(window: _Window, now: WindowSeen) -> Sample:
    """What it did in the window; with all of the traffic elsewhere, what it did in the last one."""
    did = minus(now.stable, window.before.stable)
    return did if did.requests >= min(COMPARABLE, window.compared.requests) else window.compared
