"""The model: its source, how it lies in Triton's repository, and how it is proven."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from tritium.api.object import ApiObject
from tritium.api.rules import Rule
from tritium.api.source import Layout, Source
from tritium.api.tensors import SmokeTest, WarmupRequest
from tritium.api.values import Delay, ObjectName, Text

ModelName = Annotated[
    str,
    Text(
        r"^[A-Za-z0-9][A-Za-z0-9_-]*([.][A-Za-z0-9_-]+)*$",
        "must be letters, digits, _, - and single dots, and begin with a letter or digit",
        max_length=128,
    ),
]

_MOST: Final = 2**31 - 1
"""What Triton's configuration can hold."""


class InstanceGroup(ApiObject):
    """Instances of the model that Triton runs side by side in one pod."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.gpus) || !has(self.kind) || !(self.kind in ['KIND_CPU', 'KIND_MODEL'])",
            "need an instance group on GPUs; set kind to KIND_GPU, or remove them",
            field=".gpus",
        ),
    )

    count: int | None = Field(default=None, ge=1, le=256)
    """Instances, for each GPU where the kind is KIND_GPU. Absent: 1."""
    kind: Literal["KIND_AUTO", "KIND_CPU", "KIND_GPU", "KIND_MODEL"] | None = None
    """Where they run."""
    gpus: list[Annotated[int, Field(ge=0, le=255)]] | None = Field(default=None, max_length=32)
    """Indices of the GPUs they run on. Absent: all of the pod."""


class DynamicBatching(ApiObject):
    """How Triton puts requests together."""

    preferred_batch_size: list[Annotated[int, Field(ge=1, le=_MOST)]] | None = Field(default=None, max_length=32)
    """Sizes at which a batch goes at once."""
    max_queue_delay: Delay | None = None
    """How long a request may wait for others."""
    max_queue_size: int | None = Field(default=None, ge=0, le=_MOST)
    """Requests that may wait before more are refused. Absent: without a bound."""


class ModelConfig(ApiObject):
    """Overrides merged into the model's config.pbtxt."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.dynamicBatching) || !has(self.maxBatchSize) || self.maxBatchSize > 0",
            "needs a batch dimension; set maxBatchSize to 1 or more, or remove one of the two",
            field=".dynamicBatching",
        ),
    )

    max_batch_size: int | None = Field(default=None, ge=0, le=_MOST)
    """Largest batch; 0 for a model without a batch dimension."""
    instance_groups: list[InstanceGroup] | None = Field(default=None, max_length=16)
    """Replaces the model's instance groups."""
    dynamic_batching: DynamicBatching | None = None
    """Replaces the model's dynamic batching."""
    parameters: dict[str, Annotated[str, Field(max_length=4096)]] | None = Field(default=None, max_length=64)
    """Parameters for the backend, added to those of the model."""
    raw: str | None = Field(default=None, max_length=16384)
    """Text in the format of config.pbtxt, merged last; a list in it takes the place of the model's."""


_NAMES: Final = "self.smokeTest.filter(test, has(test.name)).map(test, test.name)"


class Cache(ApiObject):
    """A volume that keeps the model's files for all pods that name it: each byte is fetched once."""

    claim_name: ObjectName
    """A PersistentVolumeClaim in the same namespace (docs/cache.md)."""


class Model(ApiObject):
    """The model. Every change here, smokeTest apart, makes a new revision."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            f"!has(self.smokeTest) || {_NAMES}.all(name, {_NAMES}.exists_one(other, other == name))",
            "no two smoke tests may have the same name",
            field=".smokeTest",
        ),
    )

    name: ModelName | None = None
    """Name of the model for its clients, the same across revisions. Absent: the ModelDeployment's name."""
    source: Source
    """Where the model lies."""
    layout: Layout | None = None
    """How its files lie there: triton for a Triton repository, else the kind of bare file. Absent or auto: found out
    from the files."""
    cache: Cache | None = None
    """Keeps the files for other pods and revisions. Absent: each pod fetches its own."""
    config: ModelConfig | None = None
    """Overrides merged into the model's config.pbtxt."""
    warmup: list[WarmupRequest] | None = Field(default=None, max_length=8)
    """Requests that Triton makes to the model as it loads it; where one fails, it does not load."""
    smoke_test: list[SmokeTest] | None = Field(default=None, max_length=8)
    """Requests that a new revision must answer before it gets any traffic. A change makes no new revision."""
