"""A life of a model that makes every kind of write: four versions' worth of edits, a way back, and an end of one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.controlplane.behaviour import Ready
from tests.controlplane.operating.harness import SERVES
from tests.controlplane.operating.recording import at_rest

if TYPE_CHECKING:
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models

DIGEST = "sha256:" + "d1" * 32
STEPS = ((1, 1), (2, 2), (1, 1), (3, 3))
"""(version in the uri, number of the revision): a first one, a change, the way back, and one that pushes out the first."""


def fetches(kubelet: Kubelet) -> None:
    """Pods of models tell what they have fetched, so that it is written down."""
    found = json.dumps({"fingerprint": "sha256:" + "ab" * 32, "files": 3, "bytes": 4096, "digest": DIGEST})
    kubelet.rule(SERVES, Ready(said=found))


async def edit(models: Models, name: str, version: int) -> None:
    """Ask for a version; two pods, so that there is a disruption budget, and one kept version beside it."""
    await models.apply(name, f"s3://models/m/{version}", replicas=2, revisionHistoryLimit=1, rollout={"bakeTime": "1s"})


async def live(models: Models, name: str, *, timeout: float = 40) -> None:  # noqa: ASYNC109
    """The whole story."""
    for version, revision in STEPS:
        await edit(models, name, version)
        await at_rest(models, name, revision=revision, timeout=timeout)
