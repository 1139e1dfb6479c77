"""The traffic in the status: what the gateway is to do, and what it does."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from tritium.api.object import Observed
from tritium.api.values import Count, Percent, Revision, Word


class RouteMatch(Observed):
    """A header that sends a request to a revision."""

    header: Word
    """Name of the header."""
    value: Annotated[str, Field(max_length=256)]
    """The exact value."""


class RevisionTraffic(Observed):
    """One revision as the gateway sees it."""

    revision: Revision
    """Its number."""
    service: Word
    """The headless Service whose endpoints are its pods."""
    weight: Annotated[int, Field(ge=0, le=10_000)]
    """Share of the traffic, out of 10,000."""
    lacks: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """Of its place in a sticky split, what the last one has."""
    matches: list[RouteMatch] | None = Field(default=None, max_length=8)
    """Requests that come here whatever the weights say."""


class TrafficLimits(Observed):
    """Bounds that the gateway keeps."""

    timeout_ms: Count | None = None
    """Longest time for one request."""
    max_request_bytes: Count | None = None
    """Largest request."""
    max_response_bytes: Count | None = None
    """Largest response."""
    max_concurrency: Count | None = None
    """Requests in flight for each replica."""
    max_header_bytes: Count | None = None
    """Largest sum of a request's headers."""


class MirrorTraffic(Observed):
    """Copies of requests for a revision; nobody sees the answers."""

    revision: Revision
    """The revision that gets them."""
    percent: Percent
    """Percent of the requests that are copied."""


class HoldTraffic(Observed):
    """What becomes of requests while no pod takes them."""

    asleep: bool
    """They wait even if there is a pod."""
    since: Count
    """Version with which it last fell asleep."""
    ms: Count
    """How long one waits; 0: refused at once."""


class LogTraffic(Observed):
    """What goes to the logger."""

    service: Word
    """Its headless Service."""
    per_million: Count
    """Requests of a million."""
    request: bool | None = None
    """With what was sent."""
    response: bool | None = None
    """With the answer."""


class TrafficStatus(Observed):
    """The contract with the gateway: it reads nothing else of this object."""

    version: Count
    """Goes up with every change."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Listener port on the gateway."""
    model: Word | None = None
    """Name of the model in Triton."""
    revisions: list[RevisionTraffic] | None = Field(default=None, max_length=32)
    """Where requests go."""
    preview: Revision | None = None
    """Revision on port + 1000."""
    sticky_header: Word | None = None
    """Header that keeps a user on one side."""
    mirror: MirrorTraffic | None = None
    """Copies of requests."""
    hold: HoldTraffic | None = None
    """What becomes of requests while no pod takes them."""
    log: LogTraffic | None = None
    """Which requests are logged."""
    limits: TrafficLimits | None = None
    """Bounds that the gateway keeps."""
    host: Annotated[str, Field(max_length=253)] | None = None
    """Host name on the shared port."""
    path: Annotated[str, Field(max_length=256)] | None = None
    """Path on the shared port."""


class RevisionObserved(Observed):
    """A revision as every ready gateway pod runs it."""

    revision: Revision
    """Its number."""
    weight: Annotated[int, Field(ge=0, le=10_000)]
    """Share of the traffic, out of 10,000."""
    endpoints: Count
    """Its endpoints, in the pod that has the fewest."""


class TrafficObserved(Observed):
    """What every ready gateway pod runs."""

    version: Count
    """The oldest version among them."""
    gateways: Count | None = None
    """How many of them say so."""
    envoy: Word | None = None
    """Version of Envoy, the oldest among them."""
    revisions: list[RevisionObserved] | None = Field(default=None, max_length=32)
    """What that version does."""
    since: datetime | None = None
    """Since when."""
