"""How a new revision takes over, and what stops it."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from tritium.api.object import ApiObject
from tritium.api.rules import Rule, exactly_one
from tritium.api.values import Duration, Label, Share, Text, Unique

PLACEHOLDERS: Final = ("namespace", "name", "model", "revision", "deployment", "stableRevision", "stableDeployment")
"""What a query may name between double braces; `core.queries` says what each stands for."""

_CHARACTER: Final = r"[^{\x00-\x08\x0b-\x1f]"
_QUERY: Final = rf"^({_CHARACTER}|\{{{_CHARACTER}|\{{\{{ ?({'|'.join(PLACEHOLDERS)}) ?\}}\}})+$"

PromQL = Annotated[
    str,
    Text(_QUERY, "must be PromQL; docs/rollouts.md has the names that may be between double braces", max_length=2048),
]


class Pause(ApiObject):
    """Wait until somebody resumes the rollout."""


class Step(ApiObject):
    """One step of a rollout: a weight, or a pause."""

    rules: ClassVar = (
        exactly_one("weight", "pause", "a share of the traffic, or a wait for a person"),
        Rule(
            "!has(self.pause) || !has(self.minDuration) && !has(self.minRequests)",
            "a pause has neither minDuration nor minRequests; it ends when the rollout is resumed",
            field=".pause",
        ),
    )

    weight: int | None = Field(default=None, ge=1, le=100)
    """Percent of the traffic for the candidate."""
    min_duration: Duration | None = None
    """The step takes at least this long. Absent: 5m."""
    min_requests: int | None = Field(default=None, ge=0, le=1_000_000_000)
    """The candidate gets at least this many requests in the step. Absent: analysis.minRequests."""
    pause: Pause | None = None
    """Wait until somebody resumes the rollout."""


class ErrorGate(ApiObject):
    """Errors of the candidate, HTTP and gRPC."""

    max_share: Share | None = None
    """Largest share of failed requests. Absent: 0.01."""
    vs_stable: float | None = Field(default=None, ge=1)
    """Largest ratio to the stable revision's share in the same window. Absent: 1.5."""


class LatencyGate(ApiObject):
    """Slow requests of the candidate."""

    threshold: Duration
    """A request that takes longer is slow."""
    max_share_above: Share | None = None
    """Largest share of slow requests. Absent: 0.05."""
    vs_stable: float | None = Field(default=None, ge=1)
    """Largest ratio to the stable revision's share in the same window. Absent: 1.5."""


class RestartGate(ApiObject):
    """Restarts of the candidate's Triton containers."""

    max: int | None = Field(default=None, ge=0, le=1000)
    """Restarts that are tolerated. Absent: 0."""


class PrometheusGate(ApiObject):
    """A query whose result must stay within a bound."""

    rules: ClassVar = (
        exactly_one("max", "min", "an upper or a lower bound of the result"),
        Rule(
            "!(self.name in ['errors', 'refused', 'latency', 'restarts'])",
            "errors, refused, latency and restarts are gates already",
            field=".name",
        ),
    )

    name: Label
    """A name to be found again in status."""
    query: PromQL
    """PromQL with one number as its result."""
    max: float | None = None
    """The result must not be above this."""
    min: float | None = None
    """The result must not be below this."""


class Analysis(ApiObject):
    """What the candidate must show at each step. Measured by the gateway; only queries need a Prometheus."""

    errors: ErrorGate | None = None
    """Share of failed requests."""
    latency: LatencyGate | None = None
    """Share of slow requests. Absent: latency is shown and does not decide."""
    restarts: RestartGate | None = None
    """Restarts of containers."""
    prometheus: Annotated[list[PrometheusGate], Field(max_length=8), Unique] | None = None
    """Queries of your own."""
    min_requests: int | None = Field(default=None, ge=1, le=1_000_000_000)
    """The smallest sample a gate decides on. Absent: 50."""
    max_wait: Duration | None = None
    """How long a step waits for that sample. Absent: 30m."""
    on_insufficient_data: Literal["Hold", "Promote", "Abort"] | None = None
    """What happens when it did not come. Absent: Hold, or Promote where a smoke test passed."""


Steps = Annotated[list[Step], Field(min_length=1, max_length=20)]
_WEIGHTS = "self.steps.filter(step, has(step.weight)).map(step, step.weight)"


class Rollout(ApiObject):
    """How a new revision takes over. A change here makes no new revision."""

    rules: ClassVar = (
        Rule(
            f"!has(self.steps) || {_WEIGHTS}.isSorted()",
            "the weights of the steps must go up",
            field=".steps",
        ),
        Rule(
            f"!has(self.steps) || {_WEIGHTS}.all(weight, {_WEIGHTS}.exists_one(other, other == weight))",
            "no two steps may have the same weight",
            field=".steps",
        ),
        Rule(
            "!has(self.steps) || !has(self.strategy) || self.strategy == 'canary'",
            "only the strategy canary has steps",
            field=".steps",
        ),
        Rule(
            "!has(self.strategy) || self.strategy != 'recreate' || !has(self.analysis) && !has(self.onFailure)",
            "with the strategy recreate nothing serves beside the new revision: there is nothing to judge it by",
            field=".strategy",
        ),
        Rule(
            "!has(self.autoPromote) || !has(self.strategy) || self.strategy != 'recreate'",
            "with the strategy recreate nobody can look at it first",
            field=".autoPromote",
        ),
        Rule(
            "!has(self.capacity) || self.capacity == 'surge' || !has(self.strategy) || self.strategy == 'canary'",
            "only with the strategy canary pods change hands one by one",
            field=".capacity",
        ),
    )

    strategy: Literal["canary", "blueGreen", "recreate"] | None = None
    """canary: traffic moves in steps. blueGreen: all at once, with a preview. recreate: the old pods go first, with
    downtime, where only one may run. Absent: canary."""
    steps: Steps | None = None
    """Steps of a canary. Absent: 5, 25, 50 and 100 percent."""
    analysis: Analysis | None = None
    """What the candidate must show at each step."""
    on_failure: Literal["Abort", "Pause"] | None = None
    """What a failed gate does: back to the stable revision, or hold the weight for a person. Absent: Abort."""
    auto_promote: bool | None = None
    """Whether the last step, or blueGreen, leads to promotion by itself. Absent: true."""
    progress_deadline: Duration | None = None
    """A candidate that waits this long, and nothing moves, pauses the rollout. Absent: 30m."""
    bake_time: Duration | None = None
    """How long the old revision keeps its pods after the new one took over. Absent: 10m."""
    paused: bool | None = None
    """Hold the rollout where it is."""
    capacity: Literal["surge", "replace"] | None = None
    """surge: the candidate gets pods beside the stable ones. replace: the stable revision, of two or more, gives one up
    for each, so that there are never more than replicas. Absent: surge."""
    compatibility: Literal["Enforce", "Warn"] | None = None
    """Whether a candidate with other inputs or outputs than the stable revision's is held before any traffic, or told
    of. Absent: Enforce."""
