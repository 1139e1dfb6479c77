"""The few objects that tests of the ring itself need, with nothing in them that a test does not look at."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def config_map(name: str, data: dict[str, str] | None = None, **metadata: Any) -> Object:
    """A ConfigMap: the cheapest object there is."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **metadata},
        "data": data or {},
    }


def pod_spec(**more: Any) -> Object:
    """One container; `resources`, `initContainers` and so on by name, None removes nothing."""
    resources = more.pop("resources", None)
    container = {"name": "main", "image": "example.invalid/main:1"}
    return {"containers": [container | ({"resources": resources} if resources else {})], **more}


def pod(name: str, spec: Object | None = None, labels: dict[str, str] | None = None) -> Object:
    """A bare pod."""
    metadata = {"name": name, "labels": labels or {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec or pod_spec()}


def deployment(name: str, replicas: int, spec: Object | None = None) -> Object:
    """A Deployment whose pods have the label `app: name`."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec or pod_spec()},
        },
    }


def service(name: str) -> Object:
    """A Service for the pods with the label `app: name`."""
    ports = [{"name": "http", "port": 80, "targetPort": 8000}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": ports},
    }


def job(name: str, **spec: Any) -> Object:
    """A Job of one pod that is not tried again."""
    template = {"metadata": {"labels": {"app": name}}, "spec": pod_spec(restartPolicy="Never")}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": template, **spec},
    }


def custom_resource_definition(group: str, plural: str, kind: str) -> Object:
    """A CRD with a free spec and a status subresource."""
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": free, "status": free}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [version | {"subresources": {"status": {}}}],
        },
    }
