"""The stand-in for what runs in model pods: Triton's answers to which tensors a model has, and how much waits in it.

Nothing runs in a pod that the stub kubelet makes ready. For a pod of a model it asks here for an address, and a small
server answers there as Triton would (see addresses.py). By default all models are alike; a test can
say otherwise of those that come from a source.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import grpc
from aiohttp import web
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tests.controlplane.addresses import stand_in, stand_in_host
from tests.controlplane.waiting import to_its_end
from tritium.api import names
from tritium.api.fetch import REQUEST_VARIABLE
from tritium.probes.triton_http import HTTP_PORT, METRICS_PORT

if TYPE_CHECKING:
    from tests.controlplane.api import Object

TENSORS: Final = ({"X": ("FP32", [-1, 2])}, {"Y": ("FP32", [-1, 1])})
"""Inputs and outputs: by name, type and shape."""

Tensors = tuple[dict[str, tuple[str, list[int]]], dict[str, tuple[str, list[int]]]]


def is_model(pod: Object) -> bool:
    """Whether a pod serves a model."""
    return bool(pod["metadata"].get("labels", {}).get(names.COMPONENT) == names.Component.MODEL)


class Tritons:
    """All Tritons of a stub kubelet.

    Attributes:
        tensors: by the URI of a model's source, what it takes and gives, where that is not the usual.
        silent: URIs of models that do not answer.
        asked: URIs, each time that one was asked which tensors its model has.
        hang: URIs of models that give no answer over HTTP, and end no connection.
        pending: by the URI, requests that wait in each server; 0 where nothing is said.
    """

    def __init__(self) -> None:
        self.tensors: dict[str, Tensors] = {}
        self.silent: set[str] = set()
        self.hang: set[str] = set()
        self.asked: list[str] = []
        self.pending: dict[str, int] = {}
        self._ends: dict[str, AsyncExitStack] = {}

    async def serve(self, pod: Object) -> str:
        """Answer in the place of a pod until it is `gone`; returns its address."""
        return await to_its_end(self._serve(pod["metadata"]["uid"], source(pod)))

    async def _serve(self, uid: str, uri: str) -> str:
        while True:
            ip = f"10.244.{secrets.randbelow(250)}.{1 + secrets.randbelow(250)}"
            async with AsyncExitStack() as ends:
                try:
                    await self._serve_grpc(ip, uri, ends)
                except RuntimeError:  # somebody else on this machine has taken it
                    continue
                await self._serve_http(stand_in_host(ip), uri, ends)
                self._ends[uid] = ends.pop_all()
                return ip

    async def _serve_grpc(self, ip: str, uri: str, ends: AsyncExitStack) -> None:
        """Which tensors its model has.

        A server of gRPC that is never stopped takes the whole process with it: the last one that is forgotten waits,
        when it is collected as garbage, for a thread that waits for those.
        """
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        ends.push_async_callback(server.stop, grace=0)
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(_Triton(self, uri), server)
        server.add_insecure_port(stand_in(ip))
        await server.start()

    async def _serve_http(self, host: str, uri: str, ends: AsyncExitStack) -> None:
        """What it says in JSON, and its metrics."""

        async def config(_: web.Request) -> web.Response:
            return web.json_response({"max_batch_size": 8, "instance_group": [{"count": 1}]})

        async def metrics(_: web.Request) -> web.Response:
            if uri in self.hang:
                await asyncio.Event().wait()
            waiting = self.pending.get(uri, 0)
            return web.Response(text=f'nv_inference_pending_request_count{{model="fraud",version="1"}} {waiting}\n')

        app = web.Application()
        app.add_routes([web.get("/v2/models/{name}/config", config), web.get("/metrics", metrics)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        ends.push_async_callback(runner.cleanup)
        await runner.setup()
        for port in (HTTP_PORT, METRICS_PORT):
            await web.TCPSite(runner, host, port).start()

    async def gone(self, uid: str) -> None:
        """A pod is no more."""
        if ends := self._ends.pop(uid, None):
            await ends.aclose()

    async def close(self) -> None:
        """Answer no more."""
        for uid in list(self._ends):
            await self.gone(uid)


class _Triton(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]
    """One of them."""

    def __init__(self, all_of_them: Tritons, uri: str) -> None:
        self._all = all_of_them
        self._uri = uri

    async def ModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name in the protocol
        self._all.asked.append(self._uri)
        if self._uri in self._all.silent:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "no model is ready")
        inputs, outputs = self._all.tensors.get(self._uri, TENSORS)
        return service_pb2.ModelMetadataResponse(
            name=request.name,
            versions=["1"],
            platform="python",
            inputs=[_described(*each) for each in inputs.items()],
            outputs=[_described(*each) for each in outputs.items()],
        )


def source(pod: Object) -> str:
    """The URI of a pod's model; empty where it has no fetch of ours."""
    for container in pod["spec"].get("initContainers") or ():
        for variable in container.get("env") or ():
            if variable["name"] == REQUEST_VARIABLE:
                return str(json.loads(variable["value"])["source"]["uri"])
    return ""


def _described(name: str, tensor: tuple[str, list[int]]) -> Any:
    datatype, shape = tensor
    return service_pb2.ModelMetadataResponse.TensorMetadata(name=name, datatype=datatype, shape=shape)
