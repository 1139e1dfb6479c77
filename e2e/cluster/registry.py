"""Takes published images where a registry can be reached. UNTESTED: no registry can be reached where this was written.

Kept thin: it gives the published images the names that the source way gives to its own.
"""

from typing import Final

from e2e.cluster import settings
from e2e.cluster.engine import docker
from e2e.cluster.steps import ask, step

NODE_IMAGE: Final = f"kindest/node:{settings.KUBERNETES}"
PYTHON_BASE_IMAGE: Final = f"python:{settings.PYTHON}-slim-{settings.DEBIAN}"
PUBLISHED: Final = {
    settings.NODE_IMAGE: NODE_IMAGE,
    settings.TRITON_IMAGE: "nvcr.io/nvidia/tritonserver:24.10-py3",
    settings.ENVOY_IMAGE: f"envoyproxy/envoy:v{settings.ENVOY}",
    settings.VERSITYGW_IMAGE: f"versity/versitygw:{settings.VERSITYGW}",
}


def reachable() -> bool:
    """Whether the node image can be had."""
    return ask(*docker("manifest", "inspect", NODE_IMAGE), timeout=15) is not None


def pull(name: str) -> str:
    """Pull a published image under the name that the tests use; return its id."""
    published = PUBLISHED.get(name, name)
    if ask(*docker("image", "inspect", "--format", "{{.Id}}", name)) is None:
        with step(f"pull {published}") as run:
            run(*docker("pull", published))
            run(*docker("tag", published, name))
    return ask(*docker("image", "inspect", "--format", "{{.Id}}", name)) or ""
