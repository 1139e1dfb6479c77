"""A line of `tritium top`: what a ModelDeployment has, what it does with it, and why it has that."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tritium.api.conditions import ConditionType
from tritium.api.status import STABLE_ARM, ArmStatus, CandidateStatus, StableStatus
from tritium.cli.facts.model import ModelFacts
from tritium.cli.facts.usage import Usage
from tritium.core.reasons import Reason
from tritium.core.scaling.controller import Why

_RATES: Final = frozenset({Why.DEMAND, Why.REQUEST_RATE})
"""Signals whose value is requests a second."""
_INSTEAD: Final = frozenset({Reason.NO_DATA, Reason.WAITING_FOR_DATA, Reason.ASLEEP})
"""Reasons that say all: what a signal last said is of no use then."""


class Part(NamedTuple):
    """A revision that has pods: what it is, its number, percent of the requests, pods that are ready and wanted."""

    role: str
    revision: int
    weight: int
    ready: int
    wanted: int


class Figure(NamedTuple):
    """A number; `rough` if it is the status's: written when it is news, and at most twice a minute."""

    value: float
    rough: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """See the module.

    Attributes:
        usage: what was counted; empty where nobody could be asked.
    """

    facts: ModelFacts
    usage: Usage = field(default_factory=Usage)

    @property
    def is_ready(self) -> bool:
        """Whether it serves."""
        ready = self.facts.condition(ConditionType.READY)
        return bool(ready and ready.status == "True")

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its revisions that have pods, the stable one first."""
        status = self.facts.status
        # An experiment that is over leaves its numbers, and no pods.
        arms = (status.arms or ()) if self.facts.experiments else ()
        found: list[tuple[str, StableStatus | CandidateStatus | ArmStatus | None]] = [
            ("stable", status.stable),
            ("candidate", self.facts.candidate),
            *((each.name, each) for each in arms if each.name != STABLE_ARM),
        ]
        parts: dict[int, Part] = {}
        for role, each in found:
            if each and each.revision is not None:
                numbers = (each.weight or 0, each.ready_replicas or 0, each.replicas or 0)
                parts.setdefault(each.revision, Part(role, each.revision, *numbers))
        return tuple(parts.values())

    @property
    def ready(self) -> int:
        """Pods that are ready."""
        return sum(each.ready for each in self.parts)

    @property
    def wanted(self) -> int:
        """Pods that there are to be."""
        return sum(each.wanted for each in self.parts)

    @property
    def bounds(self) -> tuple[int, int] | None:
        """Of the pods, where the operator chooses between two."""
        scaling = self.facts.spec.get("scaling")
        if scaling is None or scaling.get("mode") in {"External", "Recommend"}:
            return None
        least = int(scaling.get("min", 1))
        return least, max(1, int(scaling.get("max", least)))

    @property
    def rate(self) -> Figure | None:
        """Requests a second."""
        if self.usage.rate is not None:
            return Figure(self.usage.rate)
        scaling = self.facts.status.scaling
        if scaling is None or scaling.value is None or scaling.signal not in _RATES or self._instead:
            return None
        return Figure(scaling.value, rough=True)

    @property
    def gpus(self) -> Figure | None:
        """GPUs, or slices of one, that its pods hold. By the status: as if each pod had what the spec says now."""
        if self.usage.gpus is not None:
            return Figure(self.usage.gpus)
        gpu = (self.facts.spec.get("server") or {}).get("gpu")
        return Figure(self.wanted * int(gpu["count"]), rough=True) if gpu else None

    @property
    def is_short(self) -> bool:
        """Whether it would have more pods if it could, or nobody knows how many it needs."""
        active = self.facts.condition(ConditionType.SCALING_ACTIVE)
        return bool(active and active.reason in {Reason.NO_DATA, Reason.NO_ROOM, Reason.AT_MAX})

    @property
    def why(self) -> str:
        """Why it has as many pods."""
        scaling = self.facts.status.scaling
        if (self.facts.spec.get("scaling") or {}).get("mode") == "External":
            return "External"
        if scaling is None:
            return ""
        if self._instead:
            return self._instead
        if scaling.signal is None or scaling.need is None:
            return ""
        limited = f", {scaling.limited_by}" if scaling.limited_by else ""
        said = f"{scaling.signal} {scaling.value or 0.0:g} needs {scaling.need:g}{limited}"
        return f"{said}; would be {scaling.recommended}" if scaling.recommended is not None else said

    @property
    def _instead(self) -> str:
        active = self.facts.condition(ConditionType.SCALING_ACTIVE)
        return active.reason if active and active.reason in _INSTEAD else ""
