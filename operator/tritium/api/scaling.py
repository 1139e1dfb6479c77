"""How many replicas, and who decides it."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tritium.api.object import ApiObject
from tritium.api.rules import Rule
from tritium.api.values import Duration, Text

Replicas = Annotated[int, Field(ge=0, le=1000)]

Cron = Annotated[
    str,
    Text(
        r"^[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,-]+){4}$",
        "must be five fields of cron: minute, hour, day of month, month, day of week, such as 0 7 * * 1-5",
        max_length=128,
    ),
]


class Schedule(ApiObject):
    """A lower bound from a time on, until the next one's."""

    cron: Cron
    """When it begins: minute, hour, day of month, month, day of week."""
    time_zone: str | None = Field(default=None, min_length=1, max_length=64)
    """A time zone of the IANA database, such as Europe/Berlin. Absent: UTC."""
    min: Replicas
    """Lower bound from then on."""


class Scaling(ApiObject):
    """Replicas follow the work, between two bounds."""

    rules: ClassVar = (
        Rule("!has(self.min) || !has(self.max) || self.max >= self.min", "must not be below min", field=".max"),
        Rule("!has(self.max) || self.max >= 1", "must be 1 or more", field=".max"),
        Rule(
            "!(has(self.metric) && self.metric != 'auto') || has(self.target)",
            "a metric other than auto needs a target for each replica",
            field=".target",
            reason="FieldValueRequired",
        ),
        Rule(
            "!has(self.target) || has(self.metric) && self.metric != 'auto'",
            "has no meaning with metric auto; name the metric it is meant for",
            field=".target",
        ),
        Rule(
            "!(has(self.metric) && self.metric == 'gpuUtilization' && has(self.target)) || self.target <= 1.0",
            "for gpuUtilization must be a share between 0 and 1, such as 0.8",
            field=".target",
        ),
        Rule(
            "!(has(self.mode) && self.mode == 'External') || "
            "!(has(self.min) || has(self.max) || has(self.metric) || has(self.target) || has(self.capacityRps) || "
            "has(self.idleAfter) || has(self.holdFor) || has(self.schedules) || has(self.priority))",
            "with mode External whoever writes /scale decides; remove the other members of scaling",
            field=".mode",
        ),
        Rule(
            "!has(self.schedules) || has(self.max) && self.schedules.all(entry, entry.min <= self.max)",
            "schedules need a max, and none of them a min above it",
            field=".schedules",
        ),
        Rule(
            "!(has(self.idleAfter) || has(self.holdFor)) || has(self.min) && self.min == 0 || "
            "has(self.schedules) && self.schedules.exists(each, each.min == 0)",
            "idleAfter and holdFor need a min of 0",
        ),
    )

    mode: Literal["Auto", "Recommend", "External"] | None = None
    """Auto: the operator scales. Recommend: it only shows what it would do. External: who writes the scale
    subresource does, such as an HPA. Absent: Auto."""
    min: Replicas | None = None
    """Lower bound; 0 lets the model sleep. Absent: 1."""
    max: Replicas | None = None
    """Upper bound. Absent: min, and at least 1."""
    metric: Literal["auto", "requestRate", "concurrency", "queueTime", "gpuUtilization"] | None = None
    """The signal that decides. Absent or auto: demand and backlog over what a replica can do."""
    target: float | None = Field(default=None, gt=0)
    """What one replica should have: requests a second, requests in flight, milliseconds in Triton's queue, or a share
    of its GPUs' time."""
    capacity_rps: float | None = Field(default=None, gt=0)
    """Requests a second that one replica can do, where it is known. Absent: learned."""
    idle_after: Duration | None = None
    """How long without a request before the model sleeps, with min: 0. Absent: 30m."""
    hold_for: Duration | None = None
    """How long a request may wait for a sleeping model; 0s refuses it. Absent: 60s."""
    schedules: list[Schedule] | None = Field(default=None, max_length=16)
    """Lower bounds by time instead of min: the last one that began."""
    priority: int | None = Field(default=None, ge=-1000, le=1000)
    """Who gets the next GPU when there are not enough: the higher number. Absent: 0."""
