"""How one rollout proceeds: what `spec.rollout` said when it began.

What is changed in the spec later counts from the next rollout on: a threshold that is loosened must not let a version
through that would have failed.
"""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Final, Literal

from tritium.api.rollout import Analysis, Rollout, Step
from tritium.core.revision import length

DEFAULT_STEPS: Final = (5, 25, 50, 100)
MIN_DURATION: Final = "5m"
MIN_REQUESTS: Final = 50
MAX_WAIT: Final = "30m"
PROGRESS_DEADLINE: Final = "30m"

NO_STEPS: Final = '{"capacity":"replace"}'
"""What a rollout keeps that goes on pod by pod, with nothing to prove."""

NO_STEPS_ONCE: Final = "{}"
"""The same in the status of an operator that did not write down how a rollout finds room."""

_FROZEN: Final = frozenset({"strategy", "steps", "analysis", "on_failure", "auto_promote", "progress_deadline"})


@dataclass(frozen=True, slots=True)
class StepOf:
    """One step.

    Attributes:
        weight: percent of the traffic; None for a pause.
        min_requests: n that the candidate must have had in this step.
    """

    weight: int | None
    min_duration: timedelta
    min_requests: int


@dataclass(frozen=True, slots=True)
class Strategy:
    """See the module.

    Attributes:
        steps: empty where all of the traffic goes over at once.
        recreates: the old pods go before there are new ones.
        capacity: how it finds room; None where an operator before this was written down began it.
        previews: the next revision can be looked at, on an address of its own, before it has any of the traffic.
        insufficient: what follows when `max_wait` is over and too little was seen; None: Promote if a smoke test was
            passed, else Hold.
    """

    steps: tuple[StepOf, ...] = ()
    analysis: Analysis = field(default_factory=Analysis)
    max_wait: timedelta = timedelta(minutes=30)
    insufficient: Literal["Hold", "Promote", "Abort"] | None = None
    pauses_on_failure: bool = False
    recreates: bool = False
    capacity: Literal["surge", "replace"] | None = None
    previews: bool = False
    auto_promote: bool = True
    progress_deadline: timedelta = timedelta(minutes=30)

    @property
    def awaits_person(self) -> bool:
        """Whether all of the traffic goes over at once, and only when a person says so."""
        return not self.steps and not self.auto_promote

    def weight(self, step: int) -> int:
        """Percent of the traffic in a step; a pause, and what comes after the last step, has that of the step before.

        >>> steps = [StepOf(weight, timedelta(), 0) for weight in (5, None, 50)]
        >>> [Strategy(tuple(steps)).weight(step) for step in range(5)]
        [5, 5, 50, 50, 50]
        """
        weights = [each.weight for each in self.steps[: step + 1] if each.weight is not None]
        return weights[-1] if weights else 0


def settings(rollout: Rollout | None) -> str:
    """What of `spec.rollout` a rollout keeps to its end, as JSON; the default steps too, should they ever change.

    >>> settings(Rollout.model_validate({"steps": [{"weight": 5}], "bakeTime": "1m"}))
    '{"steps":[{"weight":5}]}'
    >>> settings(Rollout(strategy="blueGreen"))
    '{"strategy":"blueGreen"}'
    >>> settings(None)
    '{"steps":[{"weight":5},{"weight":25},{"weight":50},{"weight":100}]}'
    """
    rollout = rollout or Rollout()
    kept = rollout.model_dump(mode="json", by_alias=True, exclude_none=True, include=set(_FROZEN))
    if kept.get("strategy", "canary") == "canary":
        kept.setdefault("steps", [{"weight": each} for each in DEFAULT_STEPS])
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def with_capacity(settings: str, capacity: str) -> str:
    """The same, with how the rollout finds room, unless that is written there.

    >>> with_capacity('{"steps":[{"weight":5}]}', "replace")
    '{"capacity":"replace","steps":[{"weight":5}]}'
    >>> with_capacity('{"capacity":"replace","steps":[{"weight":5}]}', "surge")
    '{"capacity":"replace","steps":[{"weight":5}]}'
    """
    kept = {"capacity": capacity} | json.loads(settings or "{}")
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@lru_cache(maxsize=1024)
def strategy(settings: str) -> Strategy:
    """The same, to decide with.

    >>> strategy('{"steps":[{"weight":5,"minDuration":"1m"},{"pause":{}}]}').steps[0]
    StepOf(weight=5, min_duration=datetime.timedelta(seconds=60), min_requests=50)
    """
    if not settings:
        return Strategy()
    rollout = Rollout.model_validate_json(settings)
    analysis = rollout.analysis or Analysis()
    least = MIN_REQUESTS if analysis.min_requests is None else analysis.min_requests
    return Strategy(
        steps=tuple(_step(each, least) for each in rollout.steps or ()),
        analysis=analysis,
        max_wait=length(analysis.max_wait or MAX_WAIT),
        insufficient=analysis.on_insufficient_data,
        pauses_on_failure=rollout.on_failure == "Pause",
        recreates=rollout.strategy == "recreate",
        capacity=rollout.capacity,
        previews=rollout.strategy == "blueGreen",
        auto_promote=rollout.auto_promote is not False,
        progress_deadline=length(rollout.progress_deadline or PROGRESS_DEADLINE),
    )


def _step(step: Step, least: int) -> StepOf:
    return StepOf(
        step.weight,
        length(step.min_duration or MIN_DURATION),
        least if step.min_requests is None else step.min_requests,
    )
