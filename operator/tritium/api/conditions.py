"""Conditions: what is true of a ModelDeployment, in the form that kubectl, helm, Argo CD and Flux understand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from tritium.api.object import Observed

Status = Literal["True", "False", "Unknown"]


class ConditionType(StrEnum):
    """The conditions a ModelDeployment has, each of them present once it was first reconciled, but for the last one."""

    READY = "Ready"
    """Something serves, or sleeps and can be woken."""
    RELEASED = "Released"
    """The stable revision is the one this generation asks for."""
    RECONCILING = "Reconciling"
    """Work is under way (kstatus)."""
    STALLED = "Stalled"
    """Nothing goes on until somebody acts (kstatus)."""
    SOURCE_READY = "SourceReady"
    """The source was found, and the bytes match."""
    MODEL_LOADED = "ModelLoaded"
    """Triton has loaded the model."""
    TRAFFIC_CONFIGURED = "TrafficConfigured"
    """Every gateway pod sends requests where the status says."""
    SCALING_ACTIVE = "ScalingActive"
    """The replicas follow their signal."""
    REQUESTS_LOGGED = "RequestsLogged"
    """The requests that `spec.logging` asks for are written; there only while it asks for any."""


class Condition(Observed):
    """One fact, since when it holds, and why."""

    type: ConditionType = Field(max_length=64)
    """What the fact is about."""
    status: Status
    """True, False or Unknown."""
    reason: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z]([A-Za-z0-9_]*[A-Za-z0-9])?$")
    """One word for programs."""
    message: str = Field(max_length=4096)
    """A sentence for people: what happened, and what to do."""
    last_transition_time: datetime
    """When status last changed."""
    observed_generation: int | None = Field(default=None, ge=0)
    """The generation of the spec this was found for."""


def known(conditions: Any) -> Any:
    """Without those of a newer version: that there are more kinds of facts by then is no reason not to go back.

    >>> known([{"type": "Ready"}, {"type": "Sparkling"}])
    [{'type': 'Ready'}]
    """
    if not isinstance(conditions, list):
        return conditions
    return [each for each in conditions if not isinstance(each, dict) or each.get("type") in {*ConditionType}]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a pass found out about one condition."""

    type: ConditionType
    status: Status
    reason: str
    message: str = ""


def record(
    conditions: Sequence[Condition], finding: Finding, *, generation: int, now: datetime
) -> tuple[Condition, ...]:
    """The conditions with one finding in its place; the time moves only when the status does.

    >>> from datetime import UTC
    >>> def at(minute: int) -> datetime: return datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
    >>> found = Finding(ConditionType.READY, "False", "NoPods", "no pod of revision 1 is ready")
    >>> first = record((), found, generation=1, now=at(0))
    >>> again = record(first, Finding(ConditionType.READY, "False", "ImagePull"), generation=2, now=at(5))
    >>> again[0].reason, again[0].last_transition_time.minute, again[0].observed_generation
    ('ImagePull', 0, 2)
    >>> serving = Finding(ConditionType.READY, "True", "Serving")
    >>> record(again, serving, generation=2, now=at(9))[0].last_transition_time.minute
    9
    """
    before = next((condition for condition in conditions if condition.type is finding.type), None)
    held = before is not None and before.status == finding.status
    condition = Condition(
        type=finding.type,
        status=finding.status,
        reason=finding.reason,
        message=finding.message,
        last_transition_time=before.last_transition_time if before and held else now,
        observed_generation=generation,
    )
    if before is None:
        return (*conditions, condition)
    return tuple(condition if each is before else each for each in conditions)
