"""Makes Debian root file systems with mmdebstrap: the node's, kube-proxy's, and the base of our Python images.

They take the place of published base images. The mirrors are those that the machine's own apt uses by default.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from e2e.cluster import cache, requirements, settings
from e2e.cluster.steps import step

NO_PAGES: Final = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
"""What nobody reads inside a container."""


@dataclass(frozen=True)
class Rootfs:
    """What a root file system is made of."""

    packages: str
    variant: str = "minbase"


ROOTFS: Final[Mapping[str, Rootfs]] = {
    "node": Rootfs(
        "systemd,systemd-sysv,dbus,conntrack,iptables,nftables,iproute2,ethtool,util-linux,mount,kmod,libseccomp2,"
        "pigz,bash,ca-certificates,curl,jq,procps,e2fsprogs,socat"
    ),
    "kube-proxy": Rootfs("iptables,nftables,conntrack,kmod,ipset", variant="essential"),
    "python": Rootfs("python3,libpython3.11,libexpat1,libstdc++6,ca-certificates", variant="essential"),
}


def ensure(name: str) -> Path:
    """Make a root file system, or find it in the cache; return its tar file."""
    recipe = ROOTFS[name]

    def build(folder: Path) -> None:
        requirements.demand("root", "mmdebstrap")
        with step(f"root file system of {name}", "40 s") as run:
            run("mmdebstrap", *options(recipe), settings.DEBIAN, folder / "root.tar")

    return cache.artefact(f"rootfs-{name}", cache.key(settings.DEBIAN, *options(recipe)), build) / "root.tar"


def options(recipe: Rootfs) -> list[str]:
    """Write a recipe as mmdebstrap's options."""
    return [
        "--quiet",
        f"--variant={recipe.variant}",
        f"--include={recipe.packages}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in NO_PAGES),
    ]
