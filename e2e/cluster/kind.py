"""Creates, heals and fills the kind cluster.

A cluster is used again if its node runs the image it should and comes back healthy; else it is made anew, which
takes seconds. What counts as healthy is never older than the node's last start: after a crash the API server
still tells for a while how well all was before.
"""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from e2e.cluster import binaries, engine, images, settings
from e2e.cluster.engine import docker
from e2e.cluster.mode import mode
from e2e.cluster.steps import Failed, Runner, ask, step

READY_SECONDS: Final = 180
HEAL_SECONDS: Final = 20
"""Give up on an old node that does not report by then; a new one takes less."""
EXPECTED: Final = {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kube-proxy", "kube-dns"}
LOADED: Final = "/kind/tritium-loaded"
"""The folder in the node that remembers which image ids were loaded: it is gone when the node is."""


def ensure(image: str) -> None:
    """Have a cluster whose node runs this image (its id) and reports; `await_ready` waits for the rest."""
    if node("{{.Image}}") == image and heal():
        return
    delete()
    create()


def heal() -> bool:
    """Bring an existing node back, if it will come."""
    if node("{{.State.Running}}") != "true":
        ask(*docker("start", settings.NODE))
    write_kubeconfig()
    if reports():
        return True
    with step("wait for the cluster's node to come back"):
        return wait(reports, HEAL_SECONDS)


def create() -> None:
    """Create the cluster."""
    with step(f"create the cluster {settings.CLUSTER}", "10 s") as run:
        config = settings.FILES / f"kind-{mode()}.yaml"
        settings.kubeconfig().unlink(missing_ok=True)
        kind(run, "create", "cluster", "--config", config, "--image", settings.NODE_IMAGE)


def await_ready() -> None:
    """Wait until the cluster's own pods are ready, which is a good time to load images."""
    if healthy():
        return
    with step("wait for the cluster to be ready", "20 s"):
        if not wait(healthy, READY_SECONDS):
            raise Failed(f"the cluster is not ready after {READY_SECONDS} s:\n{kubectl('get', 'pods', '-A') or ''}")


def delete() -> None:
    """Delete the cluster, if there is one."""
    if node("{{.Id}}"):
        with step(f"delete the cluster {settings.CLUSTER}") as run:
            run(*docker("rm", "-f", "-v", settings.NODE))
    settings.kubeconfig().unlink(missing_ok=True)


def kind(run: Runner, *arguments: str | Path) -> None:
    """Run kind on this cluster."""
    program = binaries.ensure("kind")["kind"]
    run(program, *arguments, "--name", settings.CLUSTER, env=environment())


def environment() -> dict[str, str]:
    """Have kind find the docker client, and leave the user's kubeconfig alone."""
    path = f"{Path(engine.client()).parent}{os.pathsep}{os.environ['PATH']}"
    return {"KUBECONFIG": str(settings.kubeconfig()), "PATH": path}


def node(template: str) -> str | None:
    """Ask the engine about the node's container."""
    return ask(*docker("inspect", "--type", "container", "--format", template, settings.NODE))


def kubectl(*arguments: str) -> str | None:
    """Ask the cluster, with the node's own client: a person who pulls images need not compile one."""
    inside = ("exec", settings.NODE, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "--request-timeout=5s")
    return ask(*docker(*inside, *arguments), timeout=15)


def write_kubeconfig() -> None:
    """Write the kubeconfig again, should it be gone."""
    program = binaries.ensure("kind")["kind"]
    text = ask(program, "get", "kubeconfig", "--name", settings.CLUSTER, env=environment())
    if text:
        settings.kubeconfig().write_text(f"{text}\n")
        settings.kubeconfig().chmod(0o600)


def wait(until: Callable[[], bool], seconds: float) -> bool:
    """Wait until the cluster is well; give up when its node has ended."""
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline or node("{{.State.Running}}") != "true":
            return False
        time.sleep(0.5)
    return True


def reports() -> bool:
    """Whether the kubelet has reported since the node's last start."""
    started = node("{{.State.StartedAt}}")
    lease = found("-n", "kube-node-lease", "get", "lease", settings.NODE)
    return bool(started and lease and fresh(lease["spec"]["renewTime"], started))


def healthy() -> bool:
    """Whether, besides, all of the cluster's own pods are ready with containers from after that start."""
    started = node("{{.State.StartedAt}}")
    pods = found("-n", "kube-system", "get", "pods")
    if not started or not pods or EXPECTED - {app(pod) for pod in pods["items"]}:
        return False
    return reports() and all(ready(pod, started) for pod in pods["items"])


def app(pod: dict[str, Any]) -> str:
    """Tell what a pod of the cluster's own is, by the label that kubeadm gives it."""
    labels = pod["metadata"].get("labels", {})
    return str(labels.get("k8s-app") or labels.get("component"))


def found(*arguments: str) -> dict[str, Any] | None:
    """Ask the cluster for an object."""
    text = kubectl(*arguments, "-o", "json")
    return json.loads(text) if text else None


def ready(pod: dict[str, Any], started: str) -> bool:
    """Whether a pod is ready with containers that are not older than the node's start.

    >>> old, new = "2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z"
    >>> def pod(at):
    ...     return {"status": {"containerStatuses": [{"ready": True, "state": {"running": {"startedAt": at}}}]}}
    >>> ready(pod(new), old), ready(pod(old), new), ready({"status": {}}, old)
    (True, False, False)
    """
    containers = pod["status"].get("containerStatuses", [])
    times = [each["state"].get("running", {}).get("startedAt") for each in containers if each["ready"]]
    return bool(containers) and len(times) == len(containers) and all(at and fresh(at, started) for at in times)


def fresh(when: str, started: str) -> bool:
    """Whether a time is not before another, to the second, which is all that a pod's status tells.

    >>> fresh("2026-01-01T00:00:05Z", "2026-01-01T00:00:05.731529Z")
    True
    """
    return parse(when) >= parse(started)


def parse(text: str) -> datetime:
    """Read a time, cut to the second.

    >>> parse("2026-01-01T00:00:05.123456789Z").second
    5
    """
    return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)


def load(name: str) -> None:
    """Have the node hold an image; only one whose id has changed is sent."""
    marker = f"{LOADED}/{name.replace('/', '_').replace(':', '_')}"
    identity = images.identity(name)
    if identity is None:
        raise Failed(f"there is no image {name}: `python -m e2e.cluster images` builds it")
    if ask(*docker("exec", settings.NODE, "cat", marker)) == identity:
        return
    with step(f"load {name} into the cluster") as run:
        run.piped(docker("save", name), docker("exec", "-i", settings.NODE, *images.IMPORT, "-"))
        run(*docker("exec", settings.NODE, "sh", "-c", f"mkdir -p {LOADED} && echo {identity} > {marker}"))
