"""What is counted of requests, and whose: the language of those who add up and those who judge. Pure."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Series(NamedTuple):
    """Whose counters: a revision's, or with revision None those of the ModelDeployment's address."""

    namespace: str
    name: str
    revision: int | None = None


class Part(NamedTuple):
    """One counter of a series: what it counts, and a code or the upper bound of a bucket in milliseconds."""

    kind: str
    of: str | float = ""


HTTP: Final = "http"
"""HTTP requests by their status. A gRPC request is not among them."""
GRPC: Final = "grpc"
"""gRPC requests by the number of their status."""
BUCKET: Final = "bucket"
"""Requests that took as long as the bound and longer than the bound before it."""
SUM: Final = Part("sum")
NO_ENDPOINT: Final = Part("no_endpoint")
OVERFLOW: Final = Part("overflow")
RETRIES: Final = Part("retries")
ARRIVED: Final = Part("arrived")
ROUTED: Final = Part("routed")
ANSWERED: Final = Part("answered")
REFUSED: Final = Part("refused")
"""Requests that never had a revision: made from the three before it."""

Counts = Mapping[Part, float]
