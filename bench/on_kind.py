"""What measurements on the kind cluster share: the cluster, a namespace, and looking until something is so."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console

from e2e import namespaces, operator
from e2e.cluster import bring_up, settings
from e2e.cluster.binaries import ensure
from e2e.kubectl import Kubectl, Refused

PATIENCE: Final = 300.0
"""Seconds for anything: an operator may have to take over first."""
console = Console(width=120, highlight=False)


def cluster() -> Kubectl:
    """Kubectl against the cluster, which is brought up if it is not there, with the operator as the checkout has it."""
    bring_up.up()
    kubectl = Kubectl(ensure("kubectl")["kubectl"], settings.kubeconfig())
    operator.install(kubectl)
    return kubectl


@contextmanager
def namespace(kubectl: Kubectl) -> Iterator[Kubectl]:
    """One of its own; of what goes wrong in it everything is shown that the cluster knows."""
    name = f"bench-{secrets.token_hex(4)}"
    metadata = {"name": name, "labels": namespaces.RESTRICTED}
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    inside = kubectl.within(name)
    try:
        yield inside
    except BaseException:
        console.print(inside.report(), operator.log(kubectl), markup=False)
        raise
    finally:
        kubectl("delete", "namespace", name, "--wait=false")


def until(what: str, holds: Callable[[], bool]) -> None:
    """Look again and again; an API server that has no time to answer is asked again.

    Raises:
        TimeoutError: it does not become so.
    """
    end, refused = time.monotonic() + PATIENCE, ""
    while True:
        try:
            if holds():
                return
        except Refused as error:
            refused = f"; {error}"
        if time.monotonic() > end:
            raise TimeoutError(f"not within {PATIENCE:g} s: {what}{refused}")
        time.sleep(0.1)
