"""The operator on the cluster, as a user has it there: the release `tritium` of the chart, by helm.

There is one for all tests, as in any cluster. `make demo` has the same.
"""

from __future__ import annotations

import json
import subprocess
from typing import Final

from e2e.cluster import images, settings
from e2e.cluster.binaries import ensure
from e2e.cluster.engine import docker
from e2e.kubectl import Kubectl, Refused

CHART: Final = settings.ROOT / "charts" / "tritium"
RELEASE: Final = "tritium"
NAMESPACE: Final = "tritium-system"
MANAGED: Final = "app.kubernetes.io/managed-by=tritium"
"""Selects what the operator makes."""
SELECTOR: Final = f"app.kubernetes.io/instance={RELEASE},app.kubernetes.io/component=operator"
"""Selects the operator's own pods."""


def helm(kubectl: Kubectl, *arguments: str, timeout: float = 300) -> str:
    """Run the helm that was built with the cluster, in kubectl's namespace; return what it prints.

    Raises:
        Refused: it ended with an error.
    """
    program = str(ensure("helm")["helm"])
    command = [program, f"--kubeconfig={kubectl.kubeconfig}", f"--namespace={kubectl.namespace}", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    if ended.returncode:
        raise Refused(ended.stderr.strip())
    return ended.stdout


def install(kubectl: Kubectl, image: str = settings.OPERATOR_IMAGE) -> Kubectl:
    """Have the operator ready with this image, which the node must hold; return kubectl in its namespace.

    It is the same command for the first time, for nothing new and for an upgrade.

    Raises:
        Refused: it is not ready in time. The text has what the cluster knows.
    """
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    inside = kubectl.within(NAMESPACE)
    # The CRD may be there from a test of it, or from an earlier release.
    flags = ("--install", "--take-ownership", "--force-conflicts", "--wait", "--timeout=120s")
    try:
        helm(inside, "upgrade", RELEASE, str(CHART), *flags, *values(image))
    except Refused as refused:
        raise Refused(f"{refused}\n{inside.report()}") from refused
    # helm is content when the new pods are ready; what a test finds shall be the new operator's doing.
    for pod in inside.items("pods", SELECTOR):
        if "deletionTimestamp" in pod["metadata"]:
            inside("wait", f"pod/{pod['metadata']['name']}", "--for=delete", "--timeout=60s")
    return inside


def values(image: str) -> tuple[str, ...]:
    """The values that choose the project's images.

    The image's id is an annotation, because a build from the changed checkout has the same tag.
    """
    repository, _, tag = image.rpartition(":")
    chosen = {
        "image.repository": repository,
        "image.tag": tag,
        "triton.image": settings.TRITON_IMAGE,
        "gateway.image": settings.ENVOY_IMAGE,
        # There is a gateway in each test's namespace, and one node with little room for all of them.
        "gateway.resources.requests.cpu": "10m",
        r"podAnnotations.tests\.tritium\.dev/image": images.identity(image),
    }
    # The tests' buckets are Services, and so at addresses of this network.
    networks = f"--set-json=sources.allowedNetworks={json.dumps([settings.SERVICES])}"
    return (*(f"--set-string={path}={value}" for path, value in chosen.items()), networks)


def log(kubectl: Kubectl) -> str:
    """Which pods it has, which of them acts, and what they said last; or why that cannot be had."""
    inside = kubectl.within(NAMESPACE)
    pods = inside.said("get", "pods", f"--selector={SELECTOR}", "-o", "wide")
    said = inside.said("logs", f"--selector={SELECTOR}", "--prefix", "--tail=150")
    return f"{pods}\n{inside.said('get', 'lease', '-o', 'yaml')}\n{said}"


def kill(kubectl: Kubectl) -> None:
    """End all its pods at once, the programs in them first: they cannot give up their Lease, or finish anything."""
    inside = kubectl.within(NAMESPACE)
    statuses = [each for pod in inside.items("pods", SELECTOR) for each in pod["status"].get("containerStatuses", [])]
    running = [each["containerID"].removeprefix("containerd://") for each in statuses if "running" in each["state"]]
    ends = "; ".join(f"ctr -n k8s.io tasks kill --signal SIGKILL {each}" for each in running)
    subprocess.run(docker("exec", settings.NODE, "sh", "-c", ends), check=True)
    inside("delete", "pods", f"--selector={SELECTOR}", "--force", "--grace-period=0")


def uninstall(kubectl: Kubectl) -> None:
    """Take the operator away, as a user does, until no pod of it runs; nothing else goes."""
    inside = kubectl.within(NAMESPACE)
    helm(inside, "uninstall", RELEASE, "--wait", "--ignore-not-found")
    inside("wait", "pods", f"--selector={SELECTOR}", "--for=delete", "--timeout=60s")
