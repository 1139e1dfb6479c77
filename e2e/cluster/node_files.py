"""Takes from the sources of kind and Kubernetes what the node image needs of them besides programs.

kind's own files (entrypoint, units, containerd's configuration) come from its Go module, so they are those of the
kind that starts the node. They are kept in the cache with the rest, so that a node image can be built without Go.
"""

import json
from pathlib import Path

from e2e.cluster import binaries, cache, images, requirements, settings
from e2e.cluster.steps import Failed, ask, step


def ensure() -> Path:
    """Return a folder with kind's files (`base`) and the program that holds a pod's namespaces (`pause`)."""
    modules = binaries.catalogue().modules
    key = cache.key(*(binaries.module_key(modules[name]) for name in ("kind", "kubernetes")), Path(__file__))
    return cache.artefact("node-files", key, collect)


def collect(folder: Path) -> None:
    """Copy kind's files; compile the pause program, which is C."""
    requirements.demand("go", "cgo")
    with step("files of kind and Kubernetes") as run:
        images.place(source("kind", "sigs.k8s.io/kind") / "images/base/files", folder / "base", 0o644)
        pause = source("kubernetes", "k8s.io/kubernetes") / "build/pause/linux/pause.c"
        run("gcc", "-Os", "-Wall", "-static", "-s", "-DVERSION=tritium", "-o", folder / "pause", pause)


def source(module: str, path: str) -> Path:
    """Ask Go where it keeps a module's source, which it fetches if needed."""
    folder = settings.GO / module
    said = ask("go", "-C", folder, "mod", "download", "-json", path, timeout=600)
    if said is None:
        raise Failed(f"Go cannot fetch the module {path}: try `go -C {folder} mod download {path}`")
    return Path(json.loads(said)["Dir"])
