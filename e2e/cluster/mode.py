"""The one switch: whether images come from a registry or everything is built from source.

It sets itself from what can be reached; `CLUSTER_FROM=registry` or `CLUSTER_FROM=source` sets it by hand. Both
ways end in the same cluster, the same image names and the same tests.
"""

import os
from collections.abc import Callable
from enum import StrEnum
from functools import cache

from e2e.cluster import engine, registry, steps
from e2e.cluster.steps import Failed


class Mode(StrEnum):
    """Where node and images come from."""

    REGISTRY = "registry"
    SOURCE = "source"


@cache
def mode() -> Mode:
    """Decide, and say so."""
    chosen, why = decide(
        os.environ.get("CLUSTER_FROM", ""),
        own_engine=lambda: engine.own_pid() is not None,
        engine_answers=engine.answers,
        registry_answers=registry.reachable,
    )
    steps.say(f"the cluster comes from {chosen}: {why}")
    return chosen


Question = Callable[[], bool]
"""Asked only when the answer matters: a registry that is not there takes seconds to say so."""


def decide(
    by_hand: str, *, own_engine: Question, engine_answers: Question, registry_answers: Question
) -> tuple[Mode, str]:
    """Decide, with the reason."""
    if by_hand:
        if by_hand not in list(Mode):
            raise Failed(f"CLUSTER_FROM is {by_hand!r}: set it to registry or to source, or leave it out")
        return Mode(by_hand), "CLUSTER_FROM says so"
    if own_engine():
        return Mode.SOURCE, "our own container engine runs"
    if not engine_answers():
        return Mode.SOURCE, "no container engine answers"
    if not registry_answers():
        return Mode.SOURCE, "no registry answers"
    return Mode.REGISTRY, "a registry answers (CLUSTER_FROM=source builds all of it)"


def have_engine() -> None:
    """Have a container engine that answers; one of our own is started only to build from source."""
    if mode() is Mode.REGISTRY and not engine.answers():
        raise Failed("no container engine answers: install and start Docker, or CLUSTER_FROM=source starts one")
    engine.ensure()
