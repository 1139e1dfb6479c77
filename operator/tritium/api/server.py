"""The Triton pod: image, resources, placement."""

from typing import Annotated, ClassVar, Final

from pydantic import Field

from tritium.api.object import ApiObject
from tritium.api.rules import Rule
from tritium.api.source import SecretReference
from tritium.api.values import FreeForm, ObjectName, Quantity, Text, cel_string

OWN_ARGUMENTS: Final = (
    "exit-timeout-secs", "grpc-address", "grpc-port", "http-address", "http-port", "load-model",
    "metrics-address", "metrics-port", "model-control-mode", "model-repository", "strict-readiness",
)  # fmt: skip
"""Triton's flags that Tritium sets: probes, drain and the gateway rely on their values."""

_OWN_ARGUMENT: Final = cel_string(rf"^--?({'|'.join(OWN_ARGUMENTS)})(=.*)?$")

ResourceName = Annotated[
    str,
    Text(
        r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?/[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$",
        "must be an extended resource such as nvidia.com/gpu or nvidia.com/mig-1g.10gb",
        max_length=253,
    ),
]

_ResourceList = Annotated[dict[str, Quantity], Field(max_length=16)]


class Resources(ApiObject):
    """What the Triton container asks for and may use."""

    requests: _ResourceList | None = None
    """Asked for, by resource."""
    limits: _ResourceList | None = None
    """May use at most, by resource."""


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
            f"!has(self.args) || !self.args.exists(arg, arg.matches({_OWN_ARGUMENT}))",
            "must not set a flag that Tritium sets itself, such as --model-repository, --http-port or --load-model",
            field=".args",
        ),
        Rule(
            "!has(self.gpu) || !has(self.resources) || !has(self.resources.limits) || "
            "!((has(self.gpu.resourceName) ? self.gpu.resourceName : 'nvidia.com/gpu') in self.resources.limits)",
            "the same GPU resource is also set in resources.limits; set it in one of the two",
            field=".gpu",
        ),
    )

    image: str | None = Field(default=None, min_length=1, max_length=512)
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
    image_pull_secrets: list[SecretReference] | None = Field(default=None, max_length=8)
    """Secrets for the registry of the image."""
    shm_size: Quantity | None = None
    """Size of /dev/shm, which counts against the memory limit. Absent: sized by the instances of the model."""
    gpu: Gpu | None = None
    """GPUs for each pod. Absent: Triton runs on the CPU."""
    pod_template: FreeForm | None = None
    """Escape hatch: a pod template merged over the generated one; containers, volumes and env merge by name."""
