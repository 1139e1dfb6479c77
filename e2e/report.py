"""`python -m e2e.report`: what a running cluster knows, for whoever reads a failed run: objects, events, logs."""

import subprocess

from e2e.cluster import settings
from e2e.cluster.binaries import ensure
from e2e.kubectl import Kubectl


def main() -> None:
    """Print the report, or that there is no cluster to ask."""
    if not settings.kubeconfig().exists():
        print("no cluster was brought up")
        return
    kubectl = Kubectl(ensure("kubectl")["kubectl"], settings.kubeconfig())
    for arguments in (
        ["get", "nodes,namespaces,crds", "-o", "wide"],
        ["get", "all", "--all-namespaces", "-o", "wide"],
        ["get", "mdep", "--all-namespaces"],
        ["get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"],
    ):
        print(f"--- kubectl {' '.join(arguments)}")
        subprocess.run(kubectl.command(*arguments), timeout=60, check=False)
    namespaces = kubectl("get", "namespaces", "-o", "name").split()
    for namespace in (name.removeprefix("namespace/") for name in namespaces):
        if namespace.startswith(("e2e-", "tritium")):
            print(f"=== {namespace}\n{kubectl.within(namespace).report()}")


if __name__ == "__main__":
    main()
