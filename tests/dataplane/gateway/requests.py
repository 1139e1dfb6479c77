"""Requests to the models of these tests, by HTTP and by gRPC."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import httpx
import numpy as np
from tritonclient.grpc.service_pb2 import ModelInferRequest
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from tests.ports import HOST

UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@asynccontextmanager
async def http(port: int, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of HTTP/1.1 that keeps its connections."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=f"http://{HOST}:{port}", trust_env=False, timeout=30, limits=limits, **settings
    ) as client:
        yield client


@asynccontextmanager
async def stub_of(port: int, *options: tuple[str, Any]) -> AsyncIterator[Any]:
    """A stub for Triton's service."""
    async with grpc.aio.insecure_channel(f"{HOST}:{port}", options=[*UNLIMITED, *options]) as channel:
        yield GRPCInferenceServiceStub(channel)


async def said(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    """Status, message and metadata of a call that is refused."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        metadata = {**dict(error.initial_metadata() or ()), **dict(error.trailing_metadata() or ())}
        return error.code(), error.details() or "", metadata
    raise AssertionError("it was answered")


def sum_of(first: float, second: float) -> dict[str, Any]:
    """A body for adder."""
    pair = (("A", first), ("B", second))
    return {"inputs": [{"name": n, "datatype": "FP32", "shape": [1, 2], "data": [v, v]} for n, v in pair]}


def nap(seconds: float) -> dict[str, Any]:
    """A body for slow."""
    return {"inputs": [{"name": "SECONDS", "datatype": "FP32", "shape": [1], "data": [seconds]}]}


def infer(model: str, **tensors: Any) -> ModelInferRequest:
    """The same by gRPC: arrays by the names of the inputs."""
    request = ModelInferRequest(model_name=model)
    for name, values in tensors.items():
        array = np.asarray(values, np.float32)
        request.inputs.add(name=name, datatype="FP32", shape=array.shape)
        request.raw_input_contents.append(array.tobytes())
    return request


def floats(answer: Any) -> Any:
    """The first output of an answer by gRPC."""
    return np.frombuffer(answer.raw_output_contents[0], np.float32)
