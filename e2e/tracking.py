"""A real MLflow beside the cluster, which the pods of a namespace reach by a Service, as one of the company's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from e2e.cluster import settings
from e2e.cluster.engine import docker
from e2e.cluster.steps import ask
from e2e.kubectl import Kubectl
from tests.sync.tracking import Mlflow, tracking_server

Object = dict[str, Any]
_NAME: Final = "mlflow"
_PORT: Final = 5000


def address(namespace: Kubectl) -> str:
    """Host and port by which pods know it."""
    return f"{_NAME}.{namespace.namespace}.svc:{_PORT}"


def source(namespace: Kubectl, name: str, alias: str) -> Object:
    """What `model.source` says for an alias of a registered model."""
    return {"mlflow": {"trackingUri": f"http://{address(namespace)}", "name": name, "alias": alias}}


@contextmanager
def beside(namespace: Kubectl, folder: Path) -> Iterator[Mlflow]:
    """The server, and a Service of the namespace that leads to it.

    It runs on this machine: as an image it would have 400 MB, for one test.
    """
    with tracking_server(folder, host=_machine(), called=address(namespace)) as running:
        namespace.apply(*_leading_to(running))
        yield running


def _machine() -> str:
    """The address of this machine for the cluster's node: where it sends what is for nobody of its network."""
    route = ask(*docker("exec", settings.NODE, "ip", "-4", "route", "show", "default"))
    assert route, "the cluster's node has no way out"
    return route.split()[2]


def _leading_to(server: Mlflow) -> tuple[Object, Object]:
    """A Service without pods, and where it leads instead."""
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": _NAME},
        "spec": {"ports": [{"name": "http", "port": _PORT}]},
    }
    ends = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": _NAME, "labels": {"kubernetes.io/service-name": _NAME}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": server.port}],
        "endpoints": [{"addresses": [server.host]}],
    }
    return service, ends
