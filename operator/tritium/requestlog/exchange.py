"""What Envoy tells of one request, put together."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingRequest

GRPC: Final = "application/grpc"


@dataclass(slots=True)
class Side:
    """The request, or the response.

    Attributes:
        limit: bytes of the body that are kept; None: it is not wanted.
        sent: the body is sent.
        headers: by name in lower case; of several with one name all, with commas.
        trailers: the same.
        empty: it is known to have no body.
        came: some of the body has come.
        kept: the body, up to the limit.
        total: bytes of the body that have come.
    """

    limit: int | None
    sent: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    trailers: dict[str, str] = field(default_factory=dict)
    empty: bool = False
    came: bool = False
    kept: bytearray = field(default_factory=bytearray)
    total: int = 0

    def add(self, chunk: bytes) -> None:
        """A part of the body."""
        self.kept += chunk[: self.room(chunk)]
        self.total += len(chunk)
        self.came = True

    def room(self, chunk: bytes) -> int:
        """How many bytes of it are kept."""
        return min(len(chunk), max(0, (self.limit or 0) - len(self.kept)))

    @property
    def truncated(self) -> bool:
        """It is wanted, and not all of it is kept."""
        return self.limit is not None and not self.empty and not (self.came and self.total == len(self.kept))

    @property
    def length(self) -> int | None:
        """Bytes of the body, of one that was not sent as its header says; None: nobody knows."""
        if self.came or self.empty:
            return self.total
        said = self.headers.get("content-length", "")
        return int(said) if said.isdecimal() and len(said) < 16 else None


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
        """Bytes that are kept of a message."""
        kind = message.WhichOneof("request")
        if kind in {"request_headers", "response_headers", "response_trailers"}:
            return int(message.ByteSize())
        if message.HasField("request_body"):
            return self.request.room(message.request_body.body)
        return self.response.room(message.response_body.body) if message.HasField("response_body") else 0

    def take(self, message: ProcessingRequest) -> None:
        """What Envoy says next."""
        request, response = self.request, self.response
        kind = message.WhichOneof("request")
        if kind == "request_headers":
            request.headers = _named(message.request_headers.headers.headers)
            request.empty = message.request_headers.end_of_stream
        elif kind == "request_body":
            request.add(message.request_body.body)
        elif kind == "response_headers":
            response.headers = _named(message.response_headers.headers.headers)
            response.empty = message.response_headers.end_of_stream
            # Of a body that is not sent nothing says that it has ended; of gRPC there are trailers, with the status.
            self.ended = response.empty or not (response.sent or self.grpc)
        elif kind == "response_body":
            response.add(message.response_body.body)
            self.ended = message.response_body.end_of_stream
        elif kind == "response_trailers":
            response.trailers = _named(message.response_trailers.trailers.headers)
            response.empty = response.sent and not response.came
            self.ended = True


def _named(found: Iterable[Any]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for each in found:
        value = each.raw_value.decode(errors="replace") or each.value
        headers[each.key] = f"{headers[each.key]},{value}" if each.key in headers else value
    return headers
