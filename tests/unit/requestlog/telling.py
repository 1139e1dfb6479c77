"""What Envoy says of one request, message by message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from envoy.config.core.v3.base_pb2 import HeaderMap, HeaderValue
from envoy.service.ext_proc.v3.external_processor_pb2 import (
    HttpBody,
    HttpHeaders,
    HttpTrailers,
    ProcessingRequest,
)

GRPC = {"content-type": "application/grpc", "te": "trailers"}
ALL = "headers,request,response"
INFER = "/inference.GRPCInferenceService/ModelInfer"


@dataclass
class Told:
    """A request and its response, as Envoy saw them.

    Attributes:
        bodies: whether they are sent.
    """

    request: bytes = b"{}"
    response: bytes = b"{}"
    path: str = "/v2/models/fraud/infer"
    asked: dict[str, str] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    trailers: dict[str, str] | None = None
    status: int = 200
    bodies: bool = True
    chunk: int = 16_384

    @classmethod
    def grpc(cls, request: bytes, response: bytes, status: int = 0) -> Told:
        """A call of ModelInfer, from messages without their frames."""
        return cls(
            framed(request), framed(response), INFER, dict(GRPC), dict(GRPC), trailers={"grpc-status": str(status)}
        )

    @property
    def sent(self) -> str:
        """What the gateway says that it sends."""
        return ALL if self.bodies else "headers"

    def messages(self) -> Iterator[ProcessingRequest]:
        """In the order in which Envoy sends them."""
        own = {":method": "POST", ":path": self.path, ":authority": "fraud.example.com"}
        yield _told(request_headers=HttpHeaders(headers=_map(own | self.asked), end_of_stream=not self.request))
        if self.bodies:
            yield from (_told(request_body=each) for each in self._chunks(self.request, trailers=False))
        headers = _map({":status": str(self.status)} | self.answered)
        end = not self.response and self.trailers is None
        yield _told(response_headers=HttpHeaders(headers=headers, end_of_stream=end))
        if self.bodies:
            trailers = self.trailers is not None
            yield from (_told(response_body=each) for each in self._chunks(self.response, trailers=trailers))
        if self.trailers is not None:
            yield _told(response_trailers=HttpTrailers(trailers=_map(self.trailers)))

    def _chunks(self, body: bytes, *, trailers: bool) -> Iterator[HttpBody]:
        for start in range(0, len(body), self.chunk):
            end = start + self.chunk >= len(body) and not trailers
            yield HttpBody(body=body[start : start + self.chunk], end_of_stream=end)


def framed(message: bytes, flag: int = 0) -> bytes:
    """A message of gRPC as it goes over the line."""
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


def _told(**more: object) -> ProcessingRequest:
    return ProcessingRequest(observability_mode=True, **more)


def _map(headers: dict[str, str]) -> HeaderMap:
    return HeaderMap(headers=[HeaderValue(key=key, raw_value=value.encode()) for key, value in headers.items()])
