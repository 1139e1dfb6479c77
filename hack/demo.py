"""`make demo`: what Tritium does, on the cluster that `make cluster` brought up, with the commands to do it by hand."""

import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from e2e.cluster import settings
from e2e.cluster.binaries import ensure

ROOT = Path(__file__).resolve().parents[1]
NAMESPACE = "tritium-demo"
BAD = """\
apiVersion: serving.tritium.dev/v1alpha1
kind: ModelDeployment
metadata: {name: fraud}
spec:
  replicas: 2
  model:
    name: fraud/v7
    source: {uri: fraud/7, options: {AWS_SECRET_ACCESS_KEY: oops}}
  server:
    resources: {limits: {memory: 16 GB}}
  scaling: {min: 3, max: 1}
"""
console = Console(highlight=False, soft_wrap=True)


class Shell:
    """Shows a command as a reader would type it, runs it, shows what it says."""

    def __init__(self) -> None:
        self.programs = {name: str(path) for name, path in ensure("kubectl", "helm").items()}

    def __call__(self, command: str, *, stdin: str | None = None, refused: bool = False) -> None:
        """Run a command from the repository's root; `refused` says that it has to fail."""
        console.print(f"\n[bold cyan]$ {escape(command)}[/]")
        if stdin:
            console.print(f"[dim]{escape(stdin.rstrip())}[/]")
        program, *arguments = command.split()
        ended = subprocess.run(
            [self.programs[program], f"--kubeconfig={settings.kubeconfig()}", *arguments],
            cwd=ROOT,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        console.print(escape(ended.stdout.rstrip()))
        if (ended.returncode != 0) is not refused:
            raise SystemExit(f"demo: `{command}` ended with {ended.returncode}, which it should not")


def tell(text: str) -> None:
    """A sentence for the reader."""
    console.print(f"\n[bold]{text}[/]")


def show() -> None:
    """The story."""
    shell = Shell()
    console.print(f"To follow by hand: [cyan]export KUBECONFIG={settings.kubeconfig()}[/]")
    tell("A real cluster is up.")
    shell("kubectl get nodes")
    tell("Install Tritium's API. The chart keeps it when it is uninstalled, and with it every model.")
    shell("helm upgrade --install tritium charts/tritium --wait --take-ownership --force-conflicts --namespace default")
    tell("Every field explains itself.")
    shell("kubectl explain mdep.spec.model.source.credentials")
    tell("The shortest ModelDeployment.")
    shell("kubectl apply -f -", stdin=f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {NAMESPACE}}}}}")
    shell(f"kubectl apply --validate=strict --namespace {NAMESPACE} -f manifests/samples/short.yaml")
    shell(f"kubectl get mdep --namespace {NAMESPACE}")
    tell("An object with mistakes is refused: each field by its path, and what to do.")
    shell(f"kubectl apply --validate=strict --namespace {NAMESPACE} -f -", stdin=BAD, refused=True)
    tell("What was there is untouched.")
    shell(f"kubectl get mdep fraud --namespace {NAMESPACE} -o jsonpath={{.spec}}")
    tell("The columns are empty because nothing acts on the object yet: the operator comes next.")
    console.print("`make demo-down` removes what this made, `make cluster-down` the cluster.")


def remove() -> None:
    """Take away what the demo made."""
    shell = Shell()
    shell(f"kubectl delete namespace {NAMESPACE} --ignore-not-found")
    shell("helm uninstall tritium --ignore-not-found --namespace default")


if __name__ == "__main__":
    remove() if "--down" in sys.argv else show()
