"""Where the API server is, and who asks: a pod's ServiceAccount, or a kubeconfig."""

import logging
import os
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from tritium.core.wording import short
from tritium.kube.errors import NoAccess

_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


async def from_environment(configuration: Configuration) -> None:
    """As the pod's ServiceAccount inside a cluster, else as KUBECONFIG (or ~/.kube/config) says."""
    if _inside():
        load_incluster_config(configuration)  # type: ignore[no-untyped-call]
        return
    await load_kube_config(_files(), client_configuration=configuration, persist_config=False)  # type: ignore[no-untyped-call]


async def of_a_person(configuration: Configuration, context: str | None) -> str:
    """As kubectl does: by the kubeconfig, and only where there is none as the pod's ServiceAccount.

    Args:
        configuration: is filled in.
        context: name of a context of the kubeconfig; None for its current one.

    Returns:
        The namespace to work in, where nobody names another.

    Raises:
        NoAccess: there is neither, or the kubeconfig has no such context.
    """
    files = _files()
    if not _any_exists(files):
        return _as_the_pod(configuration, files)
    # The library says of a file that is not there what is said better here.
    logging.getLogger("kubernetes.aio.config.kube_config").setLevel(logging.ERROR)
    try:
        loader = await load_kube_config(  # type: ignore[no-untyped-call]
            files, context=context, client_configuration=configuration, persist_config=False
        )
    except (ConfigException, yaml.YAMLError, OSError, AttributeError, TypeError) as error:
        # The last two: the library takes whatever YAML there is for a kubeconfig.
        hint = "`kubectl config get-contexts` lists what there is" if context else "see `kubectl config view`"
        raise NoAccess(f"the kubeconfig {files} cannot be used: {short(str(error))}; {hint}") from error
    chosen: dict[str, Any] = loader.current_context["context"]
    return str(chosen.get("namespace") or "default")


def _as_the_pod(configuration: Configuration, files: str) -> str:
    if not _inside():
        message = f"there is no kubeconfig at {files}; name one with KUBECONFIG, or run this inside a cluster"
        raise NoAccess(message)
    try:
        load_incluster_config(configuration)  # type: ignore[no-untyped-call]
    except ConfigException as error:
        raise NoAccess(f"the pod's ServiceAccount cannot be used: {error}; mount its token") from error
    return _NAMESPACE_FILE.read_text().strip() if _NAMESPACE_FILE.exists() else "default"


def _any_exists(files: str) -> bool:
    return any(Path(each).expanduser().exists() for each in files.split(os.pathsep) if each)


def _inside() -> bool:
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST"))


def _files() -> str:
    # Read here: the library's default is the variable as it was when the library was imported.
    return os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
