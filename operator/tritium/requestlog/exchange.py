"""What Envoy tells of one request, put together."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from envoy.extensions.filters.http.ext_proc.v3.processing_mode_pb2 import ProcessingMode
from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingRequest

GRPC: Final = "application/grpc"


@dataclass(slots=True)
class Side:
    """The request, or the response.

    Attributes:
        limit: bytes of the body that are kept; None: the body is not written, whatever comes.
        sent: Envoy sends the body.
        headers: by name in lower case; of several with one name all, with commas.
        trailers: the same.
        kept: the body, up to the limit.
        total: bytes that the body has so far.
    """

    limit: int | None
    sent: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    trailers: dict[str, str] = field(default_factory=dict)
    kept: bytearray = field(default_factory=bytearray)
    total: int = 0

    def add(self, chunk: bytes) -> None:
        """A part of the body."""
        self.kept += chunk[: self.room(chunk)]
        self.total += len(chunk)

    def room(self, chunk: bytes) -> int:
        """How many bytes of it are kept."""
        return min(len(chunk), max(0, (self.limit or 0) - len(self.kept)))

    @property
    def length(self) -> int | None:
        """Bytes of the body, of one that is not sent as its header says; None: nobody knows."""
        said = self.headers.get("content-length", "")
        return self.total if self.sent else int(said) if said.isdecimal() and len(said) < 16 else None


@dataclass(slots=True)
class Exchange:
    """A request and its response.

    Attributes:
        began: when it was heard of; seconds since 1970.
        ended: nothing more will come.
    """

    began: float
    request: Side
    response: Side
    ended: bool = False

    @property
    def grpc(self) -> bool:
        """It is a call of gRPC."""
        return self.request.headers.get("content-type", "").startswith(GRPC)

    def cost(self, message: ProcessingRequest) -> int:
        """Bytes that are kept of a message, besides its headers."""
        if message.HasField("request_body"):
            return self.request.room(message.request_body.body)
        return self.response.room(message.response_body.body) if message.HasField("response_body") else 0

    def take(self, message: ProcessingRequest) -> None:
        """What Envoy says next."""
        if message.HasField("protocol_config"):
            # Only the first message has it.
            self.request.sent = message.protocol_config.request_body_mode != ProcessingMode.NONE
            self.response.sent = message.protocol_config.response_body_mode != ProcessingMode.NONE
        kind = message.WhichOneof("request")
        if kind == "request_headers":
            self.request.headers = _named(message.request_headers.headers.headers)
        elif kind == "request_body":
            self.request.add(message.request_body.body)
        elif kind == "response_headers":
            self.response.headers = _named(message.response_headers.headers.headers)
            # Where no body is sent nothing says when it ends; of gRPC its end has the status, in trailers.
            self.ended = message.response_headers.end_of_stream or not (self.response.sent or self.grpc)
        elif kind == "response_body":
            self.response.add(message.response_body.body)
            self.ended = message.response_body.end_of_stream
        elif kind == "response_trailers":
            self.response.trailers = _named(message.response_trailers.trailers.headers)
            self.ended = True


def _named(found: Iterable[Any]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for each in found:
        value = each.raw_value.decode(errors="replace") or each.value
        headers[each.key] = f"{headers[each.key]},{value}" if each.key in headers else value
    return headers
