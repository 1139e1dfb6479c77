"""A model in a bucket, the ModelDeployment that serves it, and what the cluster has of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import obstore
import tritonclient.http
from obstore.store import S3Store

from e2e import objects
from e2e.kubectl import Kubectl
from e2e.waiting import condition
from tritium.api import names

Object = dict[str, Any]
SECRET = "models-bucket"  # noqa: S105 - its name


def start_store(namespace: Kubectl) -> None:
    """Have an S3 server in the namespace, and a Secret with its keys."""
    namespace.apply(objects.s3(), objects.service("s3", s3=7070), keys())
    namespace.wait("pod", "s3", "condition=Ready")


def keys(
    name: str = SECRET,
    access: str = objects.S3_KEYS["ROOT_ACCESS_KEY"],
    secret: str = objects.S3_KEYS["ROOT_SECRET_KEY"],
) -> Object:
    """A Secret with the keys of a bucket: those of the namespaces' own S3 servers, or others."""
    data = {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


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
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    put(namespace, {f"{prefix}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in files})


def put(namespace: Kubectl, files: Mapping[str, bytes]) -> None:
    """Put files into the bucket, by their keys."""
    with bucket(namespace) as store:
        for key, content in files.items():
            obstore.put(store, key, content)


def model_deployment(namespace: Kubectl, name: str, prefix: str, **spec: Any) -> Object:
    """A ModelDeployment of what lies under that prefix in the namespace's bucket.

    A new version gets all of the traffic at once, unless `rollout` says otherwise.
    """
    rollout = spec.pop("rollout", {})
    if not {"steps", "strategy"} & rollout.keys():
        rollout = {"strategy": "blueGreen", **rollout}
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
        "spec": {"model": {"name": "adder", "source": source}, "server": server, "rollout": rollout, **spec},
    }


def small(  # noqa: PLR0913 - what can be different
    namespace: Kubectl,
    name: str,
    prefix: str,
    *,
    source: Object | None = None,
    model: Object | None = None,
    server: Object | None = None,
    **spec: Any,
) -> Object:
    """The same, of which a node with two cores has room for many; with other or further members."""
    obj = model_deployment(namespace, name, prefix, **spec)
    obj["spec"]["model"] |= model or {}
    obj["spec"]["model"]["source"] |= source or {}
    obj["spec"]["server"]["resources"]["requests"]["cpu"] = "10m"
    obj["spec"]["server"] |= server or {}
    pod = obj["spec"]["server"].setdefault("podTemplate", {}).setdefault("spec", {})
    pod["initContainers"] = [{"name": "fetch", "resources": {"requests": {"cpu": "10m"}}}]
    return obj


def pods(namespace: Kubectl, name: str) -> list[Object]:
    """The pods that serve a ModelDeployment."""
    selector = f"{names.OWNER}={name},{names.COMPONENT}={names.Component.MODEL}"
    found: list[Object] = namespace.items("pods", selector)
    return found


def leading(namespace: Kubectl, name: str) -> str:
    """The eight characters of the revision that the gateway is told to send the requests to."""
    told = namespace.get("mdep", name)["status"]["traffic"]["revisions"]
    service: str = max(told, key=lambda each: int(each["weight"]))["service"]
    return service.removeprefix(f"{name}-")


def serves(revision: int) -> Callable[[Object], bool]:
    """Whether a status says that this revision serves, and is the one that is asked for."""

    def is_so(status: Object) -> bool:
        stable = (status.get("stable") or {}).get("revision")
        return bool(stable == revision and condition(status, "Released")["status"] == "True")

    return is_so


def is_ready(pod: Object) -> bool:
    """Whether a pod may be asked."""
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def lives(namespace: Kubectl, name: str) -> set[tuple[str, str]]:
    """Each container's life: the pod's uid, and the id that changes when the container is started again."""
    return {
        (pod["metadata"]["uid"], container["containerID"])
        for pod in pods(namespace, name)
        for container in pod["status"].get("containerStatuses", [])
        if "containerID" in container  # otherwise it has not begun to live
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
