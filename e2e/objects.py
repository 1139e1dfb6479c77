"""Objects that the tests apply: pods as Tritium will make them, non-root and under the standard `restricted`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from e2e.cluster import settings

Object = dict[str, Any]
MODELS = Path(__file__).parent / "models"

CONTAINER_SECURITY: Object = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
POD_SECURITY: Object = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
S3_KEYS = {"ROOT_ACCESS_KEY": "tritium", "ROOT_SECRET_KEY": "not-a-secret-in-a-test"}


def pod(name: str, spec: Object) -> Object:
    """A pod that is labelled with its name."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def service(name: str, **ports: int) -> Object:
    """A Service on the pods of that name."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"name": each, "port": port} for each, port in ports.items()]},
    }


def model_repository(model: str) -> Object:
    """A ConfigMap with a model's files; the keys are paths with `.` for `/`, see `_items`."""
    files = {key: (MODELS / model / path).read_text() for key, path in _items(model).items()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"model-{model}"}, "data": files}


def triton(model: str, **resources: Any) -> Object:
    """Triton on the CPU, with one model from a ConfigMap."""
    probe = {"httpGet": {"path": f"/v2/models/{model}/ready", "port": 8000}, "periodSeconds": 1}
    items = [{"key": key, "path": path} for key, path in _items(model).items()]
    container = {
        "name": "triton",
        "image": settings.TRITON_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        # The published image's entrypoint wants it as an argument, the one from wheels has it as its entrypoint.
        "command": ["tritonserver"],
        "args": [
            "--model-repository=/models",
            "--strict-readiness=false",
            "--disable-auto-complete-config",
            "--allow-gpu-metrics=false",
        ],
        "ports": [{"containerPort": 8000}, {"containerPort": 8001}],
        "readinessProbe": probe,
        "securityContext": CONTAINER_SECURITY,
        "resources": resources or {"requests": {"cpu": "100m", "memory": "256Mi"}},
        "volumeMounts": [
            # As the model, not as the repository: there Triton would take the ConfigMap's `..data` for a model.
            {"name": "models", "mountPath": f"/models/{model}", "readOnly": True},
            {"name": "shm", "mountPath": "/dev/shm"},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    }
    return pod(
        model,
        {
            "securityContext": POD_SECURITY,
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
            "volumes": [
                {"name": "models", "configMap": {"name": f"model-{model}", "items": items}},
                {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
                {"name": "tmp", "emptyDir": {}},
            ],
        },
    )


def s3() -> Object:
    """An S3 server with the bucket `models`: a bucket is a folder of its volume, which the sub-path makes."""
    container = {
        "name": "s3",
        "image": settings.VERSITYGW_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": ["--port=:7070", "posix", "/data"],
        "env": [{"name": name, "value": value} for name, value in S3_KEYS.items()],
        "ports": [{"containerPort": 7070}],
        "readinessProbe": {"tcpSocket": {"port": 7070}, "periodSeconds": 1},
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [
            {"name": "data", "mountPath": "/data"},
            {"name": "data", "mountPath": "/data/models", "subPath": "models"},
        ],
    }
    spec = {
        "securityContext": POD_SECURITY | {"fsGroup": 1000},
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [{"name": "data", "emptyDir": {}}],
    }
    return pod("s3", spec)


def operator(name: str, *arguments: str, command: tuple[str, ...] = ()) -> Object:
    """One run of the operator's image, as the user that it names itself; without a command it is `tritium`."""
    container = {
        "name": "operator",
        "image": settings.OPERATOR_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        "args": list(arguments),
        "securityContext": CONTAINER_SECURITY,
    }
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return pod(name, {"securityContext": security, "restartPolicy": "Never", "containers": [container]})


def _items(model: str) -> dict[str, str]:
    files = sorted(path.relative_to(MODELS / model) for path in (MODELS / model).rglob("*") if path.is_file())
    return {path.as_posix().replace("/", "."): path.as_posix() for path in files}
