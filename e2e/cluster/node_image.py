"""Builds the node image: Debian with systemd, containerd, the kubelet, and the images of the control plane.

The same result as kind's own image build, which does not work where nothing can be pulled.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from e2e.cluster import binaries, cache, gomod, images, node_files, rootfs, settings
from e2e.cluster.engine import docker
from e2e.cluster.images import Image
from e2e.cluster.steps import Failed, Runner, ask

MODULES: Final = ("kubernetes", "etcd", "coredns", "cni", "containerd", "runc", "kind")
STATIC: Final = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
CNI: Final = ("bridge", "ptp", "host-local", "loopback", "portmap")
BASE: Final = f"tritium.dev/node-base:{settings.KUBERNETES}"
BUILDER: Final = "tritium-node-image"
"""The container in which the node image is put together."""


def ensure() -> str:
    """Build the node image unless the engine has it; return its id."""
    return images.ensure(Image(settings.NODE_IMAGE, image_key(), make))


def image_key() -> str:
    """Hash everything that goes into the node image, this recipe included."""
    modules = binaries.catalogue().modules
    return cache.key(
        *(binaries.module_key(modules[name]) for name in MODULES),
        *(str(rootfs.ROOTFS[name]) for name in ("node", "kube-proxy")),
        settings.FILES / "node.Dockerfile",
        settings.FILES / "kube-proxy.Dockerfile",
        settings.FILES / "10-bridge.conflist",
        # Not a part of the image, but a cluster made with another configuration is to be made anew.
        settings.FILES / "kind-source.yaml",
        Path(__file__),
    )


def make(run: Runner) -> None:
    """Put a node image together."""
    modules = binaries.catalogue().modules
    programs = binaries.ensure(*(tool for name in MODULES for tool in modules[name].tools))
    contents = [*static_images(run, programs), kube_proxy(run, programs), pause(run)]
    base(run, programs)
    with builder(run):
        run(*docker("exec", "-d", BUILDER, "containerd"))
        run(*docker("exec", BUILDER, "sh", "-c", "until ctr version >/dev/null 2>&1; do sleep 0.2; done"))
        for name in contents:
            # Not unpacked, or each would be in the node image twice.
            run.piped(docker("save", name), docker("exec", "-i", BUILDER, *images.IMPORT, "--no-unpack", "-"))
        run(*docker("exec", BUILDER, "sh", "-c", "pkill -x containerd; while pgrep -x containerd; do sleep 0.2; done"))
        entrypoint = json.dumps(["/usr/local/bin/entrypoint", "/sbin/init"])
        label = f"LABEL {images.LABEL}={image_key()}"
        run(*docker("commit", "--change", f"ENTRYPOINT {entrypoint}", "--change", label, BUILDER, settings.NODE_IMAGE))


@contextmanager
def builder(run: Runner) -> Iterator[None]:
    """Run the base image idle, to be filled; a container left over by a cut run goes first."""
    ask(*docker("rm", "-f", BUILDER))
    run(*docker("run", "-d", "--privileged", "--name", BUILDER, "--entrypoint", "sleep", BASE, "infinity"))
    try:
        yield
    finally:
        ask(*docker("rm", "-f", BUILDER))


def base(run: Runner, programs: dict[str, Path]) -> None:
    """Build what kind calls its base image, with the kubelet on it."""
    debian = f"{BASE}-debian"
    images.from_tar(run, debian, rootfs.ensure("node"))
    kind = node_files.ensure() / "base"
    with images.context() as context:
        root = context / "root"
        images.place(kind / "etc", root / "etc", 0o644)
        images.place(kind / "kind", root / "kind", 0o644)
        images.place(kind / "kind/bin", root / "kind/bin", 0o755)
        images.place(kind / "usr/local/bin", root / "usr/local/bin", 0o755)
        images.place(settings.FILES / "10-bridge.conflist", root / "etc/cni/net.d/10-bridge.conflist", 0o644)
        for folder, names in {
            "usr/local/bin": ("containerd", "containerd-shim-runc-v2", "ctr"),
            "usr/local/sbin": ("runc",),
            "opt/cni/bin": CNI,
            "usr/bin": ("kubeadm", "kubelet", "kubectl"),
        }.items():
            for name in names:
                images.place(programs[name], root / folder / name)
        (root / "kind" / "version").write_text(settings.KUBERNETES)
        images.build(run, BASE, context, settings.FILES / "node.Dockerfile", BASE_IMAGE=debian)


def published_names(programs: dict[str, Path]) -> dict[str, str]:
    """Ask kubeadm for the images that a node must hold: last part of the name to full name."""
    said = ask(programs["kubeadm"], "config", "images", "list", "--kubernetes-version", settings.KUBERNETES)
    return {short_name(line): line for line in (said or "").splitlines()}


def short_name(image: str) -> str:
    """Take an image name's last part.

    >>> short_name("registry.example/coredns/coredns:v1")
    'coredns'
    """
    return image.rsplit("/", 1)[-1].split(":", 1)[0]


def static_images(run: Runner, programs: dict[str, Path]) -> Iterator[str]:
    """Make the images that are one static program each."""
    names = published_names(programs)
    check_versions(names)
    for name in STATIC:
        images.from_files(run, names[name], {f"/usr/local/bin/{name}": programs[name]}, env="PATH=/usr/local/bin")
        yield names[name]
    images.from_files(run, names["coredns"], {"/coredns": programs["coredns"]}, entrypoint=["/coredns"])
    yield names["coredns"]


def check_versions(names: dict[str, str]) -> None:
    """Make sure that the pinned etcd and CoreDNS are those that this Kubernetes names."""
    for module, path in {"etcd": "go.etcd.io/etcd/server/v3", "coredns": "github.com/coredns/coredns"}.items():
        pinned = gomod.read(settings.GO / module).version(path).removeprefix("v")
        if pinned not in names[module]:
            raise Failed(f"go/{module}/go.mod pins {pinned}, and this Kubernetes wants {names[module]}")


def kube_proxy(run: Runner, programs: dict[str, Path]) -> str:
    """Make kube-proxy's image, which needs the firewall's programs around it."""
    name = published_names(programs)["kube-proxy"]
    debian = f"tritium.dev/kube-proxy-base:{settings.DEBIAN}"
    images.from_tar(run, debian, rootfs.ensure("kube-proxy"))
    with images.context() as context:
        images.place(programs["kube-proxy"], context / "kube-proxy")
        images.build(run, name, context, settings.FILES / "kube-proxy.Dockerfile", BASE_IMAGE=debian)
    return name


def pause(run: Runner) -> str:
    """Make the image that holds a pod's namespaces, named as the node's containerd asks for it."""
    files = node_files.ensure()
    found = re.search(r'sandbox_image = "(.+)"', (files / "base/etc/containerd/config.toml").read_text())
    if found is None:
        raise Failed("kind's containerd configuration names no sandbox image: has its format changed?")
    images.from_files(run, found[1], {"/pause": files / "pause"}, entrypoint=["/pause"])
    return found[1]
