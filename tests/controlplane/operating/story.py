"""A life of a model that makes every kind of write: a first version, a change, the way back, and another."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.controlplane.behaviour import Ready
from tests.controlplane.operating.harness import SERVES

if TYPE_CHECKING:
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models
    from tests.controlplane.operating.recording import Everything

DIGEST = "sha256:" + "d1" * 32


@dataclass(frozen=True, slots=True)
class Step:
    """One edit.

    Attributes:
        version: the last part of the uri.
        revision: the number that it leads to.
    """

    version: int
    revision: int


FIRST: Final = Step(1, 1)
CHANGE: Final = Step(2, 2)
BACK: Final = Step(1, 1)
LAST: Final = Step(3, 3)
"""One more than are kept: what belongs to the first is deleted."""
STORY: Final = (FIRST, CHANGE, BACK, LAST)


def fetches(kubelet: Kubelet) -> None:
    """Pods of models tell what they have fetched, so that it is written down."""
    found = json.dumps({"fingerprint": "sha256:" + "ab" * 32, "files": 3, "bytes": 4096, "digest": DIGEST})
    kubelet.rule(SERVES, Ready(said=found))


async def edit(models: Models, name: str, step: Step) -> None:
    """Ask for a version, with two pods, so that there is a disruption budget."""
    await models.apply(
        name,
        f"s3://models/m/{step.version}",
        replicas=2,
        revisionHistoryLimit=1,
        rollout={"bakeTime": "1s"},
    )


async def live(
    everything: Everything,
    name: str,
    steps: tuple[Step, ...] = STORY,
    *,
    timeout: float = 40,  # noqa: ASYNC109
) -> None:
    """Take these steps, each when the one before serves; return when all is at rest."""
    for step in steps:
        await edit(everything.models, name, step)
        await everything.serves(name, revision=step.revision, timeout=timeout)
    if steps:
        await everything.at_rest(name, revision=steps[-1].revision, timeout=timeout)
