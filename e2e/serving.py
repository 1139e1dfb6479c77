"""A model in a bucket, the ModelDeployment that serves it, and what the cluster has of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import obstore
import tritonclient.http
from obstore.store import S3Store

from e2e import objects
from e2e.kubectl import Kubectl
from tritium.api import names

Object = dict[str, Any]
SECRET = "models-bucket"  # noqa: S105 - its name


def start_store(namespace: Kubectl) -> None:
    """Have an S3 server in the namespace, and a Secret with its keys."""
    keys = {
        "AWS_ACCESS_KEY_ID": objects.S3_KEYS["ROOT_ACCESS_KEY"],
        "AWS_SECRET_ACCESS_KEY": objects.S3_KEYS["ROOT_SECRET_KEY"],
    }
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET}, "stringData": keys}
    namespace.apply(objects.s3(), objects.service("s3", s3=7070), secret)
    namespace.wait("pod", "s3", "condition=Ready")


@contextmanager
def bucket(namespace: Kubectl) -> Iterator[S3Store]:
    """The bucket `models` of the namespace's S3 server."""
    with namespace.forward("service/s3", 7070) as (address,):
        yield S3Store(
            "models",
            config={
                "endpoint": f"http://{address}",
                "region": "us-east-1",
                "access_key_id": objects.S3_KEYS["ROOT_ACCESS_KEY"],
                "secret_access_key": objects.S3_KEYS["ROOT_SECRET_KEY"],
            },
            client_options={"allow_http": True},
        )


def put_model(namespace: Kubectl, model: str, prefix: str) -> None:
    """Put a model of `e2e/models` into the bucket."""
    folder = objects.MODELS / model
    with bucket(namespace) as store:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            obstore.put(store, f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())


def model_deployment(namespace: Kubectl, name: str, prefix: str, **spec: Any) -> Object:
    """A ModelDeployment of what lies under that prefix in the namespace's bucket."""
    source = {
        "uri": f"s3://models/{prefix}",
        "options": {
            "endpoint": f"http://s3.{namespace.namespace}.svc:7070",
            "region": "us-east-1",
            "allowHttp": "true",
        },
        "credentials": {"secretRef": {"name": SECRET}},
    }
    server = {"resources": {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}}
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {"name": name},
        # The client's name for the model is the one in its config.pbtxt.
        "spec": {"model": {"name": "adder", "source": source}, "server": server, **spec},
    }


def pods(namespace: Kubectl, name: str) -> list[Object]:
    """The pods that serve a ModelDeployment."""
    selector = f"{names.OWNER}={name},{names.COMPONENT}={names.Component.MODEL}"
    found: list[Object] = namespace.items("pods", selector)
    return found


def lives(namespace: Kubectl, name: str) -> set[tuple[str, str]]:
    """Each container's life: the pod's uid, and the id that changes when the container is started again."""
    return {
        (pod["metadata"]["uid"], container["containerID"])
        for pod in pods(namespace, name)
        for container in pod["status"]["containerStatuses"]
    }


def answer(namespace: Kubectl, name: str) -> list[list[float]]:
    """What the model makes of [1, 2] and [3, 4], asked through the Service."""
    with namespace.forward(f"service/{name}", 8000) as (address,):
        client = tritonclient.http.InferenceServerClient(address)
        inputs = [tritonclient.http.InferInput(each, [1, 2], "FP32") for each in ("A", "B")]
        for tensor, row in zip(inputs, ([1, 2], [3, 4]), strict=True):
            tensor.set_data_from_numpy(np.array([row], dtype=np.float32))
        answered: list[list[float]] = client.infer("adder", inputs).as_numpy("SUM").tolist()
        client.close()
    return answered
