"""Claims with a volume on the one node, which anybody may write: this cluster has nothing that makes volumes."""

from __future__ import annotations

from typing import Any

from e2e.cluster import settings
from e2e.kubectl import Kubectl

Object = dict[str, Any]
_FOLDER = "/var/lib/e2e-claims"


def make(kubectl: Kubectl, namespace: Kubectl, name: str, mode: str = "ReadWriteMany") -> str:
    """Have a claim in a namespace, bound to an empty volume; the volume's name, for `remove`."""
    volume = f"{namespace.namespace}-{name}"
    path = f"{_FOLDER}/{volume}"
    _on_the_node(kubectl, f"make-{volume}", f"import os; os.makedirs('{path}'); os.chmod('{path}', 0o777)")
    common: Object = {"accessModes": [mode], "storageClassName": ""}
    kubectl.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": volume},
            "spec": common
            | {
                "capacity": {"storage": "1Gi"},
                "hostPath": {"path": path},
                "claimRef": {"namespace": namespace.namespace, "name": name},
                "persistentVolumeReclaimPolicy": "Retain",
            },
        }
    )
    namespace.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name},
            "spec": common | {"resources": {"requests": {"storage": "1Gi"}}, "volumeName": volume},
        }
    )
    namespace.wait("pvc", name, "jsonpath={.status.phase}=Bound")
    return volume


def remove(kubectl: Kubectl, volume: str) -> None:
    """Remove a volume with what is on it."""
    kubectl("delete", "pv", volume, "--wait=false")
    _on_the_node(kubectl, f"remove-{volume}", f"import shutil; shutil.rmtree('{_FOLDER}/{volume}')")


def _on_the_node(kubectl: Kubectl, name: str, program: str) -> None:
    """Run a program as root with the node's folder; a namespace of a user would not let it."""
    kubectl.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {
                "restartPolicy": "Never",
                "securityContext": {"runAsUser": 0},
                "containers": [
                    {
                        "name": "python",
                        "image": settings.OPERATOR_IMAGE,
                        "imagePullPolicy": "IfNotPresent",
                        "command": ["python3", "-c", program],
                        "volumeMounts": [{"name": "node", "mountPath": _FOLDER}],
                    }
                ],
                "volumes": [{"name": "node", "hostPath": {"path": _FOLDER, "type": "DirectoryOrCreate"}}],
            },
        }
    )
    kubectl.wait("pod", name, "jsonpath={.status.phase}=Succeeded")
    kubectl("delete", "pod", name, "--wait=false")
