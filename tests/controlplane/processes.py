"""What the three processes of the ring are started with: etcd, kube-apiserver, kube-controller-manager.

Everything here is a value or a pure function, so that one can read in one place how the ring differs from a
real cluster: it forgets its data (no fsync), it is fast to answer (raised rates), and it has neither
scheduler nor kubelet. What decides about objects is left as in a real cluster: RBAC, all default admission
plugins (ServiceAccount, PodSecurity, ResourceQuota ...), all default controllers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ADMIN = "admin"
USERS = ("alice", "bob", "carol")
"""People without any group or right of their own: a test binds roles to them."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one ring keeps its files and which ports it listens on."""

    folder: Path
    logs: Path
    etcd: int
    etcd_peer: int
    api: int
    manager: int
    binaries: Mapping[str, Path]

    @property
    def url(self) -> str:
        """Address of the API server."""
        return f"https://{HOST}:{self.api}"

    @property
    def ca(self) -> Path:
        """The file in which the server puts the certificate it makes itself, and the authority of that."""
        return self.folder / "apiserver" / "apiserver.crt"

    @property
    def server_key(self) -> Path:
        """Also signs ServiceAccount tokens, so that nothing on the machine has to make a key."""
        return self.folder / "apiserver" / "apiserver.key"

    @property
    def manager_ca(self) -> Path:
        """As `ca`, of the controller manager."""
        return self.folder / "manager" / "kube-controller-manager.crt"

    @property
    def tokens(self) -> Path:
        """Who may log in, in the API server's own format."""
        return self.folder / "tokens.csv"

    @property
    def kubeconfig(self) -> Path:
        """The controller manager's way in."""
        return self.folder / "manager.json"


def token_file(tokens: Mapping[str, str]) -> str:
    """Lines of `token,user,uid,groups`.

    >>> print(token_file({"admin": "t1", "alice": "t2"}))
    t1,admin,admin,system:masters
    t2,alice,alice
    """
    return "\n".join(
        f"{token},{user},{user}" + (",system:masters" if user == ADMIN else "") for user, token in tokens.items()
    )


def kubeconfig(url: str, ca: Path | None, token: str, namespace: str = "default") -> str:
    """A kubeconfig in JSON, which is YAML as well."""
    cluster = {"server": url} | ({"certificate-authority": str(ca)} if ca else {})
    context = {"cluster": "ring", "user": "ring", "namespace": namespace}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "ring",
            "contexts": [{"name": "ring", "context": context}],
            "clusters": [{"name": "ring", "cluster": cluster}],
            "users": [{"name": "ring", "user": {"token": token}}],
        },
        indent=2,
    )


def etcd(layout: Layout) -> list[str]:
    """The store; what it holds may be lost with the machine."""
    client, peer = f"http://{HOST}:{layout.etcd}", f"http://{HOST}:{layout.etcd_peer}"
    return [
        str(layout.binaries["etcd"]),
        "--name=ring",
        f"--data-dir={layout.folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=ring={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def kube_apiserver(layout: Layout) -> list[str]:
    """Admission and authorization as in a real cluster."""
    return [
        str(layout.binaries["kube-apiserver"]),
        f"--etcd-servers=http://{HOST}:{layout.etcd}",
        f"--bind-address={HOST}",
        f"--advertise-address={HOST}",
        f"--secure-port={layout.api}",
        f"--cert-dir={layout.ca.parent}",
        # The service `kubernetes` may not point to a loopback address, and nothing here would use it.
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=RBAC",
        f"--token-auth-file={layout.tokens}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-signing-key-file={layout.server_key}",
        f"--service-account-key-file={layout.server_key}",
        "--allow-privileged=true",
        "--profiling=false",
    ]


def kube_controller_manager(layout: Layout) -> list[str]:
    """All default controllers, impatient."""
    return [
        str(layout.binaries["kube-controller-manager"]),
        f"--kubeconfig={layout.kubeconfig}",
        f"--bind-address={HOST}",
        f"--secure-port={layout.manager}",
        f"--cert-dir={layout.manager_ca.parent}",
        f"--root-ca-file={layout.ca}",
        f"--service-account-private-key-file={layout.server_key}",
        "--leader-elect=false",
        "--kube-api-qps=1000",
        "--kube-api-burst=2000",
        "--horizontal-pod-autoscaler-sync-period=1s",
        # The stub kubelet sends no heartbeats. A test that wants a dead node writes the node's condition.
        "--node-monitor-grace-period=24h",
        "--profiling=false",
    ]
