"""Requests to a model that Tritium makes itself: warm-up and smoke test, in the words of the KServe v2 protocol."""

from typing import Annotated, Literal

from pydantic import Field

from tritium.api.object import ApiObject
from tritium.api.values import Element, Label, Limit, Unique

DataType = Literal[
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64",
    "FP16", "FP32", "FP64", "BF16", "BYTES",
]  # fmt: skip

TensorName = Annotated[str, Field(min_length=1, max_length=128)]
Elements = Annotated[list[Element], Field(min_length=1, max_length=4096)]


class InputTensor(ApiObject):
    """One input of a request."""

    name: TensorName
    """Name of the input in the model's configuration."""
    datatype: DataType
    """Type of the elements."""
    shape: list[Annotated[int, Field(ge=0)]] = Field(max_length=16)
    """Shape, with the batch dimension where the model has one."""
    data: Elements
    """Elements in row-major order, flat."""


class ExpectedTensor(ApiObject):
    """One output that a request must give."""

    name: TensorName
    """Name of the output in the model's configuration."""
    data: Elements
    """Expected elements in row-major order, flat."""
    tolerance: float | None = Field(default=None, ge=0)
    """Largest difference of a number that still counts as equal. Absent: 1e-5."""


Inputs = Annotated[list[InputTensor], Field(min_length=1, max_length=32), Unique]


class WarmupTensor(ApiObject):
    """One input of a warm-up request."""

    name: TensorName
    """Name of the input in the model's config.pbtxt."""
    datatype: DataType
    """Type of the elements."""
    shape: list[Annotated[int, Field(ge=0)]] = Field(max_length=16)
    """Shape, with the batch dimension where the model has one."""
    data: Elements | None = None
    """Elements in row-major order, flat; in a batch all rows alike. Absent: zeros, or empty strings."""


class WarmupRequest(ApiObject):
    """A request that Triton itself makes to each instance of the model, before the pod is ready."""

    inputs: Annotated[list[WarmupTensor], Field(min_length=1, max_length=32), Unique]
    """Inputs of the request."""
    count: int | None = Field(default=None, ge=1, le=1000)
    """How many times it is sent. Absent: once."""


class SmokeTest(ApiObject):
    """A request that a new revision must answer before it gets any traffic."""

    name: Label | None = None
    """A name to be found again in conditions and events."""
    inputs: Inputs
    """Inputs of the request."""
    outputs: Annotated[list[ExpectedTensor], Field(max_length=32), Unique] | None = None
    """Outputs that must come back. Absent: any successful answer will do."""
    timeout: Limit | None = None
    """How long one answer may take. Absent: 30s."""
