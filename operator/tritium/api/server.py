"""The Triton pod: image, resources, placement."""

from typing import Annotated, ClassVar, Final

from pydantic import Field

from tritium.api.object import ApiObject
from tritium.api.rules import Rule
from tritium.api.source import SecretReference
from tritium.api.values import FreeForm, ObjectName, Quantity, Text, Unique

OWN_ARGUMENTS: Final = (
    "allow-grpc", "allow-http", "allow-metrics", "exit-timeout-secs", "grpc-address", "grpc-port", "http-address",
    "http-port", "load-model", "log-info", "metrics-address", "metrics-port", "model-control-mode", "model-repository",
    "model-store", "strict-readiness",
)  # fmt: skip
"""Triton's flags that Tritium sets: probes, drain and the gateway rely on their values."""

_NAME_OF_ARG: Final = "arg.split('=')[0].replace('--', '', 1)"

ResourceName = Annotated[
    str,
    Text(
        r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?/[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$",
        "must be an extended resource such as nvidia.com/gpu or nvidia.com/mig-1g.10gb",
        max_length=253,
    ),
]

_GPU: Final = "(has(self.gpu.resourceName) ? self.gpu.resourceName : 'nvidia.com/gpu')"

_ResourceList = Annotated[dict[str, Quantity], Field(max_length=16)]


Image = Annotated[
    str, Text(r"^[!-~]+$", "must be an image such as nvcr.io/nvidia/tritonserver:26.07-py3", max_length=512)
]


class Resources(ApiObject):
    """What the Triton container asks for and may use."""

    rules: ClassVar = (
        Rule(
            "[has(self.requests) ? self.requests : {}, has(self.limits) ? self.limits : {}].all(amounts, "
            "amounts.all(key, key.contains('/') || key.startsWith('hugepages-') || "
            "key in ['cpu', 'memory', 'ephemeral-storage']))",
            "knows cpu, memory, ephemeral-storage, hugepages-… and resources with a domain such as nvidia.com/gpu",
        ),
        Rule(
            "!has(self.requests) || !has(self.limits) || self.requests.all(key, !(key in self.limits) || "
            "!isQuantity(string(self.requests[key])) || !isQuantity(string(self.limits[key])) || "
            "!quantity(string(self.requests[key])).isGreaterThan(quantity(string(self.limits[key]))))",
            "must not be above limits",
            field=".requests",
        ),
    )

    requests: _ResourceList | None = None
    """Asked for, by resource. A fraction is text: "0.5" or 500m."""
    limits: _ResourceList | None = None
    """May use at most, by resource. A fraction is text: "0.5" or 500m."""


class Gpu(ApiObject):
    """GPUs, or slices of one, for each pod."""

    count: int = Field(ge=1, le=64)
    """How many each pod gets."""
    resource_name: ResourceName | None = None
    """The resource they are advertised as; MIG profiles too. Absent: nvidia.com/gpu."""


class Server(ApiObject):
    """The Triton pod. Every change here makes a new revision."""

    rules: ClassVar = (
        Rule(
            # Triton takes every unambiguous beginning of a flag for the flag.
            "!has(self.args) || !self.args.exists(arg, arg.startsWith('--') && "
            f"{list(OWN_ARGUMENTS)}.exists(own, own.startsWith({_NAME_OF_ARG})))",
            "must not set a flag that Tritium sets itself, such as --model-repository, --http-port or --load-model",
            field=".args",
        ),
        Rule(
            f"!has(self.gpu) || !has(self.resources) || !(has(self.resources.limits) && {_GPU} in self.resources.limits"
            f" || has(self.resources.requests) && {_GPU} in self.resources.requests)",
            "the same GPU resource is also set in resources; set it in one of the two",
            field=".gpu",
        ),
    )

    image: Image | None = None
    """Triton's image. Absent: the version that this version of Tritium was tested with."""
    resources: Resources | None = None
    """Requests and limits of the Triton container. Absent: small requests, and no limit on the CPU."""
    args: list[Annotated[str, Field(max_length=1024)]] | None = Field(default=None, max_length=64)
    """Further flags for tritonserver."""
    env: list[FreeForm] | None = Field(default=None, max_length=64)
    """Environment of the Triton container, as in a pod."""
    node_selector: dict[str, Annotated[str, Field(max_length=63)]] | None = Field(default=None, max_length=32)
    """Labels that a node must have."""
    tolerations: list[FreeForm] | None = Field(default=None, max_length=32)
    """Taints that are tolerated, as in a pod."""
    affinity: FreeForm | None = None
    """Affinity, as in a pod."""
    priority_class_name: ObjectName | None = None
    """PriorityClass of the pods."""
    runtime_class_name: ObjectName | None = None
    """RuntimeClass of the pods, such as nvidia."""
    image_pull_secrets: Annotated[list[SecretReference], Field(max_length=8), Unique] | None = None
    """Secrets for the registry of the image."""
    shm_size: Quantity | None = None
    """Size of /dev/shm, a whole number or text; counts against the memory limit. Absent: sized by the model."""
    gpu: Gpu | None = None
    """GPUs for each pod. Absent: Triton runs on the CPU."""
    pod_template: FreeForm | None = None
    """Escape hatch: a pod template merged over the generated one; containers, volumes and env merge by name."""
