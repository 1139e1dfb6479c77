"""What the revisions of an experiment did since it began: what the status keeps, and what was counted after that.

A process begins with the numbers that it finds in the status, so they go on where the one before it wrote them last.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tritium.api.status import ModelDeploymentStatus
from tritium.core.arm_report import sample_of
from tritium.core.counts import Series
from tritium.core.sample import Sample, minus, plus, sample
from tritium.kube.store import Key
from tritium.loop.counting import Counting


@dataclass(frozen=True, slots=True)
class _Begun:
    """What stood in the status, and what had been counted, when this process first looked."""

    stood: Sample
    counted: Sample


@dataclass(slots=True)
class Tallies:
    """See the module."""

    counting: Counting
    _begun: dict[Key, dict[tuple[str, int], _Begun]] = field(default_factory=dict)

    def seen(self, key: Key, status: ModelDeploymentStatus) -> Mapping[int, Sample]:
        """By number of the revision, for the arms that a status lists; nothing once their experiment is over."""
        listed = () if status.experiment_ended else status.arms or ()
        arms = {(each.name, each.revision): each for each in listed if each.revision is not None}
        if not arms:
            self.forget(key)
            return {}
        known, now = self._begun.get(key, {}), {number: self._sample(key, number) for _, number in arms}
        self._begun[key] = begun = {
            arm: known.get(arm) or _Begun(sample_of(each), now[arm[1]]) for arm, each in arms.items()
        }
        return {number: plus(each.stood, minus(now[number], each.counted)) for (_, number), each in begun.items()}

    def forget(self, key: Key) -> None:
        """The ModelDeployment is gone, or its experiment is over."""
        self._begun.pop(key, None)

    def _sample(self, key: Key, revision: int) -> Sample:
        return sample(self.counting.of(Series(key.namespace, key.name, revision)))
