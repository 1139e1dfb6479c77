"""`make demo`: what Tritium does, on the cluster that `make cluster` brought up, with the commands to do it by hand.

With --record the README's opening screen becomes what this run has shown; with --down what the demo made goes away.
"""

import sys
import time

from e2e.cluster import images, settings
from hack.shell import ROOT, Shell, console, show_file, tell

NAMESPACE = "tritium-demo"
README = ROOT / "README.md"
AFTERWARDS = 6
"""Seconds until the clients have told of five in which all was over."""
BEGIN, END = "<!-- what `make demo` shows, written by `python -m hack.demo --record` -->", "<!-- end -->"
FRAUD = "manifests/demo/fraud-{}.yaml"
WAIT = "kubectl wait mdep/fraud --for=condition={} --timeout=180s"
INFER = (
    f"kubectl create --raw /api/v1/namespaces/{NAMESPACE}/services/fraud:8000/proxy/v2/models/fraud/infer "
    "-f manifests/demo/request.json"
)
WATCH = "kubectl tritium status fraud --watch"
CLIENT = "kubectl logs client --tail={}"
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


def show(shell: Shell) -> list[str]:
    """The story; returns the parts of the screen that the README shows."""
    began = time.monotonic()
    console.print(
        "To follow by hand, from this folder: "
        f"[cyan]export KUBECONFIG={settings.kubeconfig()} PATH={shell.path}:$PATH; "
        f"kubectl config set-context --current --namespace={NAMESPACE}[/]"
    )
    install(shell)
    begins = len(shell.screen)
    serve(shell)
    change(shell)
    ends = len(shell.screen)
    look_back(shell)
    refuse(shell)
    goes_on = len(shell.screen)
    roll_out(shell)
    roll_back(shell)
    tell(
        f"That was it, in {time.monotonic() - began:.0f} s. "
        "`make demo-down` removes what this made, `make cluster-down` the cluster."
    )
    return shell.screen[begins:ends] + shell.screen[goes_on:]


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
    tell("A bucket with five versions of a model: in its place stands what you have.")
    shell("kubectl apply -f -", stdin=f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {NAMESPACE}}}}}")
    shell("kubectl apply -f manifests/demo/bucket.yaml")
    shell("kubectl wait job/upload --for=condition=Complete --timeout=180s")
    shell("kubectl logs job/upload")


def serve(shell: Shell) -> None:
    """The first version."""
    tell("Serve version 1: one object.")
    show_file(FRAUD.format(1))
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


def look_back(shell: Shell) -> None:
    """The Events."""
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


def roll_out(shell: Shell) -> None:
    """A good version, in steps."""
    tell("From now on clients ask all the time: 50 requests a second, from inside of the cluster.")
    shell("kubectl apply -f manifests/demo/client.yaml")
    shell("kubectl wait pod/client --for=condition=Ready --timeout=60s")
    tell("Version 4 comes in steps, short ones for the demo: a quarter of the requests, then half, then all.")
    show_file(FRAUD.format(4))
    shell(f"kubectl apply -f {FRAUD.format(4)}")
    tell("Nobody has to watch; who wants to sees it live, until Ctrl-C (here: until it is released).")
    shell.follow(WATCH, WAIT.format("Released"))
    tell("What the clients saw, every five seconds:")
    shell(CLIENT.format(8))


def roll_back(shell: Shell) -> None:
    """A bad one, which goes by itself."""
    tell(
        "Version 5 loads, and passes its smoke test. But for large amounts it fails: one request of five. "
        "The gateway counts, and it is out by itself."
    )
    shell(f"kubectl apply -f {FRAUD.format(5)}")
    shell.follow(WATCH, WAIT.format("Stalled"))
    tell("Version 4 has all requests again. The object says why, and what to do next:")
    shell("kubectl tritium status fraud")
    time.sleep(AFTERWARDS)
    tell("What the clients saw: only version 5 has failed, with its share of the requests, for some seconds.")
    shell(CLIENT.format(6))


def record(screen: list[str]) -> None:
    """Put a run's screen into the README."""
    lines = "\n".join(line.rstrip() for line in screen)
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n```console\n{lines}\n```\n{END}{after}")


def remove(shell: Shell) -> None:
    """Take away what the demo made."""
    shell(f"kubectl delete namespace {NAMESPACE} --ignore-not-found")
    shell("helm uninstall tritium --ignore-not-found --namespace tritium-system")


if __name__ == "__main__":
    recording = "--record" in sys.argv
    here = Shell(NAMESPACE, live=console.is_terminal and not recording)
    if "--down" in sys.argv:
        remove(here)
    else:
        shown = show(here)
        if recording:
            record(shown)
