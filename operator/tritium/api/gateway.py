"""What a gateway pod tells the operator: the wire between the agent and the operator, and the addresses of both.

The agent serves it as JSON over HTTP on `AGENT_PORT` of its pod. The operator only reads.
"""

from typing import Final

from tritium.api.object import Observed
from tritium.api.values import Count

AGENT_PORT: Final = 19001
"""Port of the agent in the gateway's pods."""

REPORT_PATH: Final = "/report"
"""Answers with a `GatewayReport`."""

COUNTERS_PATH: Final = "/counters"
"""Answers with `GatewayCounters`."""

HELD_PATH: Final = "/held"
"""Answers with `HeldReport`: at once where it is another than `?known=` says, after `HELD_FOR` at the latest."""

HELD_FOR: Final = 20.0
"""Seconds after which it answers that nothing is new."""

READY_PATH: Final = "/readyz"
"""Whether Envoy runs a whole configuration and takes requests: asked once, at its start."""

HEALTH_PORT: Final = 19002
"""Port on which Envoy itself says that it takes requests: the pod's readiness, which needs no agent."""

HEALTH_PATH: Final = "/ready"
"""Path of that; it answers 503 as soon as a drain begins."""

STARTED_PATH: Final = "/startedz"
"""Whether there is a configuration for Envoy to begin with."""

DRAIN_PATH: Final = "/drain"
"""Called before Envoy gets SIGTERM; answers when its connections have been led away."""

DRAIN_HEADER: Final = "x-tritium-drain"
"""Carries the token without which nobody drains: whoever can reach the port cannot take a gateway away."""

RUN_FOLDER: Final = "/run/tritium"
"""Volume that agent and Envoy share: sockets, the bootstrap, and the last good configuration."""

BOOTSTRAP_FILE: Final = f"{RUN_FOLDER}/envoy.json"
"""What Envoy is started with; the agent writes it before it says it has started."""

SHARED_PORT: Final = 8080
"""Port of the gateway on which models are told apart by host and path."""

FIRST_PORT: Final = 10_000
"""First of the ports that ModelDeployments get one of."""

LAST_PORT: Final = 10_999
"""Last of them."""

PREVIEW_OFFSET: Final = 1_000
"""So far above a ModelDeployment's port that of its preview is: both are given out, and rest, as one."""

MAX_WEIGHT: Final = 10_000
"""All of the traffic."""

BOUNDS_MS: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000)
"""Upper bounds of the latency histogram. What takes longer than the last is counted in the last."""


def preview_port(port: int) -> int:
    """The port of the gateway on which a ModelDeployment's next revision can be looked at.

    >>> preview_port(FIRST_PORT), preview_port(LAST_PORT)
    (11000, 11999)
    """
    return port + PREVIEW_OFFSET


class RevisionReport(Observed):
    """A revision as one Envoy runs it."""

    revision: int
    """Its number."""
    weight: Count
    """Its share, out of `MAX_WEIGHT`."""
    endpoints: Count
    """Endpoints that Envoy has taken in."""


class Rejection(Observed):
    """A configuration that Envoy refused; the one before goes on."""

    version: Count
    """The version of `status.traffic` that it was made from."""
    resource: str
    """Type and name of the resource, such as `RouteConfiguration fraud`."""
    message: str
    """Envoy's own words."""


class ModelReport(Observed):
    """A ModelDeployment as one Envoy runs it."""

    name: str
    """Its name."""
    uid: str
    """Its uid: another one of the same name is another one."""
    version: Count
    """The version of `status.traffic` that Envoy runs, every part of it acknowledged; 0 if there is only a refusal."""
    port: int
    """The port on which it listens."""
    revisions: list[RevisionReport]
    """What it runs."""
    preview: int | None = None
    """The revision on its preview port; absent if there is none, or the agent is too old to know of such a port."""
    holds: Count | None = None
    """The sleep in which it holds requests, 0 while it holds none; absent if the agent is too old to hold any."""
    rejection: Rejection | None = None
    """What it refused after that."""


class GatewayReport(Observed):
    """What one gateway pod runs."""

    synced: bool
    """The agent has listed everything from the API server; what it has from its disk may be old."""
    connected: bool
    """Envoy is connected to the agent."""
    envoy: str
    """Version of Envoy, such as 1.40.0; empty until it has told."""
    models: list[ModelReport]
    """Only those that Envoy has acknowledged at least once, or refused."""


class RevisionCounters(Observed):
    """Counters of one revision since this Envoy started; they begin again at 0 when it restarts."""

    name: str
    """The ModelDeployment."""
    revision: int
    """Number of the revision."""
    codes: dict[str, Count]
    """HTTP requests by status code, such as 200; also those that Envoy itself answered for this revision."""
    grpc: dict[str, Count]
    """gRPC requests by the number of their status, such as 0 or 14."""
    buckets: list[tuple[float, Count]]
    """Latency histogram, both protocols: (upper bound in milliseconds, requests up to it), ascending and cumulative."""
    latency_sum_ms: float
    """Sum of all latencies in milliseconds, as near as the histogram tells."""
    active: Count
    """Requests in flight now."""
    none_healthy: Count
    """Requests that found no endpoint."""
    overflow: Count
    """Requests that were turned away because too many were in flight."""
    retries: Count
    """Requests that were sent a second time."""


class Held(Observed):
    """A ModelDeployment that somebody waits for while it sleeps."""

    name: str
    """Its name."""
    uid: str
    """Its uid."""
    since: Count
    """Which sleep it is: `status.traffic.hold.since`."""


class HeldReport(Observed):
    """Who is waited for at one gateway pod. Nothing but a request for inference makes it so."""

    tag: str
    """Stands for the whole answer: what is asked for next."""
    models: list[Held]
    """Those that sleep and had a request since they fell asleep."""


class ModelCounters(Observed):
    """Counters of one ModelDeployment's address since this Envoy started. Each of them only goes up."""

    name: str
    """The ModelDeployment."""
    requests: Count
    """Requests that arrived."""
    routed: Count
    """Those of them for which a route was looked up; the others were refused before: too large, malformed."""
    inferences: Count | None = None
    """Requests for inference that have ended, however they did; absent if the model never sleeps."""
    answered: Count
    """Those that the gateway itself answered then: a path that is closed, another model's name."""


class GatewayCounters(Observed):
    """The counters of one gateway pod. They begin again at 0 when Envoy restarts."""

    age: Count | None = None
    """Whole seconds since this Envoy started, by a clock that may be set."""
    models: list[ModelCounters]
    """By ModelDeployment."""
    revisions: list[RevisionCounters]
    """By ModelDeployment and revision."""
