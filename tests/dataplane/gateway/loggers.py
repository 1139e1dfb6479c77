"""Loggers of requests, good ones and bad ones: servers of what Envoy's filter for external processors sends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from aiohttp import web
from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingRequest, ProcessingResponse

from tests.ports import HOST, free_ports
from tritium.api.request_log import SENT_METADATA
from tritium.gateway.table import Endpoint

STALLED: Final = "reads-nothing"
SLOW: Final = "is-slow"
REFUSING: Final = "refuses"
ANSWERING: Final = "answers-itself"
CHANGING: Final = "changes-both"


@dataclass
class Sample:
    """One request and its answer, as far as they came.

    Attributes:
        told: which parts are.
    """

    told: list[str]
    request: dict[str, str] = field(default_factory=dict)
    sent: bytes = b""
    response: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""
    trailers: dict[str, str] = field(default_factory=dict)


class Logger:
    """A logger.

    Args:
        bad: what is wrong with it; empty for nothing.

    Attributes:
        samples: those that came to their end.
        begun: how many came at all.
    """

    def __init__(self, bad: str = "") -> None:
        self._bad = bad
        self.samples: list[Sample] = []
        self.begun = 0

    async def process(
        self, messages: AsyncIterator[ProcessingRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[ProcessingResponse]:
        """One sample."""
        self.begun += 1
        sample = Sample(dict(context.invocation_metadata() or ())[SENT_METADATA].split(","))
        if self._bad == STALLED:
            await asyncio.Event().wait()
        if self._bad == REFUSING:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED)
        async for message in messages:
            if self._bad == SLOW:
                await asyncio.sleep(0.5)
            if self._bad in _SAYS:
                yield _SAYS[self._bad](message)
            if _take(sample, message):
                self.samples.append(sample)
                return


@asynccontextmanager
async def serving(logger: Logger) -> AsyncIterator[Endpoint]:
    """It runs; where."""
    # It takes in no more of what nobody reads than HTTP/2 has it take.
    server = grpc.aio.server(options=[("grpc.http2.bdp_probe", 0)])
    method = grpc.stream_stream_rpc_method_handler(
        logger.process, ProcessingRequest.FromString, ProcessingResponse.SerializeToString
    )
    service = "envoy.service.ext_proc.v3.ExternalProcessor"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Process": method}),))
    port = server.add_insecure_port(f"{HOST}:0")
    await server.start()
    try:
        yield Endpoint(HOST, free_ports(1)[0], port)
    finally:
        await server.stop(grace=None)


@asynccontextmanager
async def answering_much() -> AsyncIterator[Endpoint]:
    """A pod that answers with as many bytes as `x-answer` says, once it has read what it was sent."""

    async def answer(request: web.Request) -> web.StreamResponse:
        async for _ in request.content.iter_any():
            pass
        response = web.StreamResponse()
        await response.prepare(request)
        for start in range(0, size := int(request.headers["x-answer"]), 2**16):
            await response.write(bytes(min(2**16, size - start)))
        await response.write_eof()
        return response

    app = web.Application()
    app.router.add_post("/v2/models/adder/infer", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        yield Endpoint(HOST, runner.addresses[0][1], free_ports(1)[0])
    finally:
        await runner.cleanup()


def _take(sample: Sample, message: ProcessingRequest) -> bool:
    """Whether it was the last of a sample."""
    match message.WhichOneof("request"):
        case "request_headers":
            sample.request = _headers(message.request_headers.headers)
        case "request_body":
            sample.sent += message.request_body.body
        case "response_headers":
            sample.response = _headers(message.response_headers.headers)
            ends = sample.response.get("content-type") != "application/grpc" and "response" not in sample.told
            return ends or bool(message.response_headers.end_of_stream)
        case "response_body":
            sample.answer += message.response_body.body
            return bool(message.response_body.end_of_stream)
        case "response_trailers":
            sample.trailers = _headers(message.response_trailers.trailers)
            return True
    return False


def _headers(found: Any) -> dict[str, str]:
    return {each.key: each.value or each.raw_value.decode() for each in found.headers}


def _other_answer(_: ProcessingRequest) -> ProcessingResponse:
    """What would make Envoy answer in the model's place."""
    said = ProcessingResponse()
    said.immediate_response.status.code = 418
    return said


def _other_words(message: ProcessingRequest) -> ProcessingResponse:
    """What would change a request and its answer: another header, and no body."""
    said, kind = ProcessingResponse(), message.WhichOneof("request")
    if kind in {"request_headers", "response_headers"}:
        header = getattr(said, kind).response.header_mutation.set_headers.add().header
        header.key, header.raw_value = "x-evil", b"1"
    elif kind in {"request_body", "response_body"}:
        getattr(said, kind).response.body_mutation.clear_body = True
    else:
        said.response_trailers.SetInParent()
    return said


_SAYS: Final = {ANSWERING: _other_answer, CHANGING: _other_words}
