"""How much a model's pod asks for and may use, from what the user wrote and how many bytes the model has."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from tritium.api.server import Gpu, Server
from tritium.resources.amounts import GI, MI, mebibytes, number

DEFAULT_GPU: Final = "nvidia.com/gpu"


def models_volume(size: int) -> int:
    """Bytes of the volume for a model of so many bytes: a fifth more for blocks half filled, and 64 MiB.

    >>> models_volume(0) // MI, models_volume(1000 * MI) // MI
    (64, 1264)
    """
    return size * 6 // 5 + 64 * MI


def shared_memory(server: Server, size: int) -> int | str:
    """Limit of /dev/shm, as the user wrote it, else by the model.

    The python backend moves every tensor through it, several GPUs speak to each other by it, and the 64 MiB of a plain
    container end in crashes. What requests bring in is not known here; larger models have larger tensors. It costs
    nothing until it is used.
    """
    if server.shm_size is not None:
        return server.shm_size
    return mebibytes(min(max(256 * MI, size // 4), 4 * GI))


def triton_resources(server: Server, size: int, stored: int) -> dict[str, dict[str, Any]]:
    """Requests and limits of the Triton container: the user's own, and defaults for what they leave out.

    There is no limit on the CPU by default. It would slow each request down as soon as a batch uses more threads than
    the limit has cores, while the request already divides a busy node fairly. Memory and disk, which cannot be given
    back, are limited always.

    Args:
        server: as it is written.
        size: bytes of the model.
        stored: bytes of it that lie on the node's disk; none where a cache has them.

    A limit without a request is the request as well, as Kubernetes itself has it; a request above a default limit
    raises that.
    """
    written = server.resources
    asked = dict((written and written.requests) or {})
    allowed = dict((written and written.limits) or {})
    _extended(asked, allowed, server.gpu)
    shared = number(shared_memory(server, size)) or Fraction(0)
    disk = models_volume(stored)
    limits = {
        # Room for the server, for /dev/shm, which is counted too, and for a model that is read and then laid out anew.
        "memory": mebibytes(2 * GI + 2 * size + shared),
        # Room for the model, for logs, and for what a Python model unpacks in /tmp, several times its archive.
        "ephemeral-storage": mebibytes(disk + 4 * size + 2 * GI),
    }
    requests: dict[str, Any] = {
        "cpu": "250m",
        "memory": mebibytes(512 * MI + size),
        "ephemeral-storage": mebibytes(disk),
    }
    requests |= allowed | asked
    return {
        "requests": requests,
        "limits": {name: _larger(limit, requests[name]) for name, limit in limits.items()} | allowed,
    }


def fetch_resources(triton: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Requests and limits of the fetch container in the pod of such a Triton container.

    It asks for less than Triton does, and a node counts the larger of the two. Where Triton's requests are its limits
    fetch's are so as well, and its CPUs are Triton's: one container that differs would cost the pod its class
    Guaranteed, and with it CPUs of its own.
    """
    limits = {"cpu": "2", "memory": "384Mi", "ephemeral-storage": "128Mi"}
    if not _guaranteed(triton):
        return {"requests": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "64Mi"}, "limits": limits}
    limits["cpu"] = triton["limits"]["cpu"]
    return {"requests": dict(limits), "limits": limits}


def resolve_resources() -> dict[str, dict[str, Any]]:
    """Requests and limits of the container that lists a source."""
    return {
        "requests": {"cpu": "50m", "memory": "128Mi", "ephemeral-storage": "64Mi"},
        "limits": {"cpu": "1", "memory": "256Mi", "ephemeral-storage": "128Mi"},
    }


def _extended(asked: dict[str, Any], allowed: dict[str, Any], gpu: Gpu | None) -> None:
    """GPUs and the like cannot be shared: what is asked for is the limit too."""
    if gpu:
        asked[gpu.resource_name or DEFAULT_GPU] = gpu.count
    for name, value in asked.items():
        if "/" in name or name.startswith("hugepages-"):
            allowed.setdefault(name, value)


def _guaranteed(resources: Mapping[str, Mapping[str, Any]]) -> bool:
    requests, limits = resources["requests"], resources["limits"]
    return all(name in limits and number(limits[name]) == number(requests[name]) for name in ("cpu", "memory"))


def _larger(default: str, asked: Any) -> Any:
    """The default, unless more is asked for; what is no amount is left for the API server to refuse."""
    wanted, least = number(asked), number(default)
    return asked if wanted is not None and least is not None and wanted > least else default
