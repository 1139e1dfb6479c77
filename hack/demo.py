"""`make demo`: what Tritium does, on the cluster that `make cluster` brought up, with the commands to do it by hand.

With --record the README's opening screen becomes what this run has shown; with --down what the demo made goes away.
"""

import re
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from e2e.cluster import images, settings
from e2e.cluster.binaries import ensure

ROOT = Path(__file__).resolve().parents[1]
NAMESPACE = "tritium-demo"
README = ROOT / "README.md"
BEGIN, END = "<!-- what `make demo` shows, written by `python -m hack.demo --record` -->", "<!-- end -->"
FRAUD = "manifests/demo/fraud-{}.yaml"
WAIT = "kubectl wait mdep/fraud --for=condition={} --timeout=180s"
INFER = (
    f"kubectl create --raw /api/v1/namespaces/{NAMESPACE}/services/fraud:8000/proxy/v2/models/fraud/infer "
    "-f manifests/demo/request.json"
)
WHY = 'kubectl get mdep fraud -o jsonpath={.status.conditions[?(@.type=="Released")].message}'
BAD = """\
apiVersion: serving.tritium.dev/v1alpha1
kind: ModelDeployment
metadata: {name: fraud}
spec:
  replicas: 2
  model:
    source: {uri: fraud/7, options: {AWS_SECRET_ACCESS_KEY: oops}}
  scaling: {min: 3, max: 1}
"""
console = Console(highlight=False, soft_wrap=True)


class Shell:
    """Shows a command as a reader would type it, runs it, shows what it says, and keeps all of it."""

    def __init__(self) -> None:
        self.programs = {name: str(path) for name, path in ensure("kubectl", "helm").items()}
        self.screen: list[str] = []

    def __call__(self, command: str, *, stdin: str | None = None, refused: bool = False) -> str:
        """Run a command from the repository's root; `refused` says that it has to fail."""
        console.print(f"\n[bold cyan]$ {escape(command)}[/]")
        if stdin:
            console.print(f"[dim]{escape(stdin.rstrip())}[/]")
        program, *arguments = command.split()
        here = [f"--kubeconfig={settings.kubeconfig()}"]
        if program == "kubectl":
            here.append(f"--namespace={NAMESPACE}")
        ended = subprocess.run(
            [self.programs[program], *here, *arguments],
            cwd=ROOT,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        said = ended.stdout.rstrip()
        console.print(escape(said))
        if (ended.returncode != 0) is not refused:
            raise SystemExit(f"demo: `{command}` ended with {ended.returncode}, which it should not")
        self.screen += [f"$ {command}", *said.splitlines()]
        return said


def tell(text: str) -> None:
    """A sentence for the reader."""
    console.print(f"\n[bold]{text}[/]")


def show() -> list[str]:
    """The story; returns the part of the screen that the README shows."""
    began = time.monotonic()
    shell = Shell()
    console.print(
        f"To follow by hand, from this folder: [cyan]export KUBECONFIG={settings.kubeconfig()}; "
        f"kubectl config set-context --current --namespace={NAMESPACE}[/]"
    )
    install(shell)
    serve(shell)
    change(shell)
    refuse(shell)
    tell(
        f"That was it, in {time.monotonic() - began:.0f} s. "
        "`make demo-down` removes what this made, `make cluster-down` the cluster."
    )
    return shell.screen


def install(shell: Shell) -> None:
    """The operator, and a bucket."""
    tell("A real cluster is up. Install the operator.")
    shell("kubectl get nodes")
    shell(
        "helm upgrade --install tritium charts/tritium --namespace tritium-system --create-namespace --wait "
        "--values manifests/demo/values.yaml --take-ownership --force-conflicts "
        # A build of the changed checkout has the same tag; its id makes helm roll it out.
        f"--set-string podAnnotations.image-id={images.identity(settings.OPERATOR_IMAGE)}"
    )
    tell("A bucket with three versions of a model: in its place stands what you have.")
    shell("kubectl apply -f -", stdin=f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {NAMESPACE}}}}}")
    shell("kubectl apply -f manifests/demo/bucket.yaml")
    shell("kubectl wait job/upload --for=condition=Complete --timeout=180s")
    shell("kubectl logs job/upload")
    shell.screen.clear()


def serve(shell: Shell) -> None:
    """The first version."""
    tell("Serve version 1: one object.")
    console.print(f"[dim]{escape((ROOT / FRAUD.format(1)).read_text().rstrip())}[/]")
    shell(f"kubectl apply -f {FRAUD.format(1)}")
    shell(WAIT.format("Released"))
    shell("kubectl get mdep")
    tell("Ask the model (through the API server, so that nothing has to be forwarded).")
    shell(INFER)


def change(shell: Shell) -> None:
    """A new version, and back."""
    tell("Version 2: its pods are fetched, loaded and tested beside those of version 1; then clients are led there.")
    shell(f"kubectl apply -f {FRAUD.format(2)}")
    shell(WAIT.format("Released"))
    shell(INFER)
    tell("Back to version 1, by applying it again. Its pods are still there, so it takes a moment, and no bucket.")
    began = time.monotonic()
    shell(f"kubectl apply -f {FRAUD.format(1)}")
    shell(WAIT.format("Released"))
    console.print(f"[dim]{time.monotonic() - began:.1f} s[/]")
    shell(INFER)
    tell("Version 3 has a mistake in it. It never gets a request; version 1 goes on.")
    shell(f"kubectl apply -f {FRAUD.format(3)}")
    shell(WAIT.format("Stalled"))
    shell("kubectl get mdep")
    shell(WHY)
    shell(INFER)
    tell("What has happened so far:")
    shell(
        "kubectl get events --field-selector involvedObject.kind=ModelDeployment --sort-by=.metadata.creationTimestamp"
    )


def refuse(shell: Shell) -> None:
    """An object that cannot be meant."""
    tell("An object with mistakes is refused: each field by its path, and what to do. What runs is not touched.")
    shell("kubectl apply --validate=strict -f -", stdin=BAD, refused=True)
    shell(f"kubectl apply -f {FRAUD.format(1)}")
    shell(WAIT.format("Released"))


def record(screen: list[str]) -> None:
    """Put a run's screen into the README."""
    lines = [
        re.sub(r"\s+$", "", line)
        for line in screen[: screen.index(next(line for line in screen if "get events" in line))]
    ]
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n```console\n" + "\n".join(lines) + f"\n```\n{END}{after}")


def remove() -> None:
    """Take away what the demo made."""
    shell = Shell()
    shell(f"kubectl delete namespace {NAMESPACE} --ignore-not-found")
    shell("helm uninstall tritium --ignore-not-found --namespace tritium-system")


if __name__ == "__main__":
    if "--down" in sys.argv:
        remove()
    else:
        shown = show()
        if "--record" in sys.argv:
            record(shown)
