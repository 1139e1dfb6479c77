"""Stories of an experiment: two arms beside the stable revision, which has ten pods."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from tests.unit.core.seeing import serving, weights, wish
from tests.unit.core.story import ONE, THREE, TWO, Story
from tritium.core.wish import ArmWish, ExperimentWish, Wish

SIDE_A = ArmWish("a", 20, revision=2)
SIDE_B = ArmWish("b", 30, revision=3, matches=(("x-arm", "b"),))


def experiment(*arms: ArmWish, **others: Any) -> ExperimentWish:
    """One with these arms, or with a and b."""
    sides = arms or (SIDE_A, SIDE_B)
    written = hashlib.sha256(f"{sides} {others}".encode()).hexdigest()[:16]
    return ExperimentWish(written=written, arms=sides, **others)


def comparing(*arms: ArmWish, **changes: Any) -> Wish:
    """The first revision with ten pods, and an experiment."""
    return replace(wish(replicas=10, experiment=experiment(*arms)), **changes)


@dataclass
class Experiments(Story):
    """As it goes on."""

    def share(self, number: int) -> int:
        """Percent of a revision."""
        return weights(self.status.traffic).get(number, 0) // 100

    @property
    def led(self) -> list[int]:
        """Revisions that headers lead to."""
        told = self.status.traffic.revisions or () if self.status.traffic else ()
        return [each.revision for each in told if each.matches]

    def arm(self, name: str) -> Any:
        """What the status says of one."""
        return next(each for each in self.status.arms or () if each.name == name)


def story(**changes: Any) -> Experiments:
    """Before the experiment."""
    made = Experiments(wish(replicas=10, **changes), sees=serving(ONE, TWO, THREE, count=10))
    made.run()
    return made


def running(*arms: ArmWish, **changes: Any) -> Experiments:
    """Every arm has its part."""
    made = story()
    made.asks = comparing(*arms, **changes)
    made.run()
    return made
