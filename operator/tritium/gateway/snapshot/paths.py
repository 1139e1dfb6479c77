"""Which requests pass: all that Triton knows and that cannot change it.

It is a list of what passes. What is not on it is refused, whatever Triton may learn to do: control of the repository,
shared memory, trace and log settings are not on it. Paths are compared whole, after Envoy has normalised them, and what
is compared is what is sent on; so there is no spelling that Envoy and Triton could read differently.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from tritium.gateway.snapshot.names import Protocol

_VERSION: Final = "(/versions/[0-9]+)?"
_TRITON: Final = "/inference[.]GRPCInferenceService/"
_HEALTH: Final = "/grpc[.]health[.]v1[.]Health/"
_READS: Final = "ServerLive|ServerReady|ServerMetadata|ModelReady|ModelMetadata|ModelConfig|ModelStatistics"


class Length(Enum):
    """How long a request may take."""

    ONE_ANSWER = auto()
    """As long as the timeout says."""
    STREAM = auto()
    """As long as something flows."""


@dataclass(frozen=True, slots=True)
class Passing:
    """Requests that pass, and are treated alike.

    Attributes:
        name: of the route.
        path: the whole path, as a regular expression (RE2).
        method: of HTTP.
        inference: it runs the model, so it may be copied.
    """

    name: str
    protocol: Protocol
    path: str
    method: str
    length: Length
    inference: bool


def passing(triton: str) -> tuple[Passing, ...]:
    """What passes for a model; the most frequent first.

    >>> import re
    >>> infer = passing("fraud.v1")[0].path
    >>> bool(re.fullmatch(infer, "/v2/models/fraud.v1/infer")), bool(re.fullmatch(infer, "/v2/models/fraud_v1/infer"))
    (True, False)
    """
    model = f"/v2/models/{re.escape(triton)}{_VERSION}"
    reads = f"/v2|/v2/health/(live|ready)|{model}(/(ready|config|stats))?"
    http, grpc, one, stream = Protocol.HTTP, Protocol.GRPC, Length.ONE_ANSWER, Length.STREAM
    return (
        Passing("infer", http, f"{model}/(infer|generate)", "POST", one, inference=True),
        Passing("ModelInfer", grpc, f"{_TRITON}ModelInfer", "POST", one, inference=True),
        Passing("ModelStreamInfer", grpc, f"{_TRITON}ModelStreamInfer", "POST", stream, inference=True),
        Passing("generate-stream", http, f"{model}/generate_stream", "POST", stream, inference=True),
        Passing("read", http, reads, "GET", one, inference=False),
        Passing("grpc-read", grpc, f"{_TRITON}({_READS})|{_HEALTH}Check", "POST", one, inference=False),
        Passing("watch", grpc, f"{_HEALTH}Watch", "POST", stream, inference=False),
    )
