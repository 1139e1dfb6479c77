"""What the operator asks of a logger: the wire between it and the pod that writes a model's request log.

The operator writes a `RequestLogRequest` as JSON into the environment of the pod. The bucket's keys are no part of it:
the pod mounts the Secret.
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from tritium.api.fetch import Network
from tritium.api.object import ApiObject
from tritium.api.source import Source
from tritium.api.values import ObjectName

REQUEST_LOG_VARIABLE: Final = "TRITIUM_REQUEST_LOG"
"""Environment variable with the `RequestLogRequest`."""

POD_NAME_VARIABLE: Final = "TRITIUM_POD_NAME"
"""Environment variable with the pod's name, which the names of the files it writes hold."""

LOG_GRPC_PORT: Final = 9000
"""Where the gateway sends what is to be logged (Envoy's `ExternalProcessor`)."""

LOG_HTTP_PORT: Final = 9001
"""`GET /readyz` and `GET /metrics`."""

SENT_METADATA: Final = "tritium-sent"
"""Metadata of each sample's stream: what is sent in it, with commas: `headers`, and the bodies `request`, `response`.

Envoy itself does not say, and without a body nothing follows the headers that would end an answer over HTTP.
"""

LogField = Literal["request", "response", "headers"]

DEFAULT_FIELDS: Final[tuple[LogField, ...]] = ("request", "response")

DEFAULT_BYTES: Final = 64 * 2**10
"""Of a body, where the spec does not say how many are kept."""

MOST_BYTES: Final = 2**20
"""Of a body, whatever the spec says: the logger has room for so many of them."""


class RequestLogRequest(ApiObject):
    """What is written, of which model, and where to."""

    target: Source
    """The folder, as a source is written: a URI `s3://bucket/path`, its options and credentials. These are mounted."""
    namespace: ObjectName
    """Of the ModelDeployment."""
    name: ObjectName
    """Of the ModelDeployment."""
    max_bytes: Annotated[int, Field(ge=0, le=MOST_BYTES)] = DEFAULT_BYTES
    """Of each body; what is longer is cut off here."""
    fields: tuple[LogField, ...] = DEFAULT_FIELDS
    """What is written beside when, which revision, how long and how it ended."""
    allowed_networks: list[Network] | None = None
    """What is open to the pod besides the internet, as the installation says."""
    refused_networks: list[Network] | None = None
    """What is closed to it, whatever is allowed."""
