"""Knows what this machine must have, and says for each missing thing, in one line, what to do about it.

Debian packages are installed from here, which is said beforehand: only as root, and only when the cluster is
built from source. Everything else is the person's to change.
"""

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from e2e.cluster import cache, gomod, settings
from e2e.cluster.steps import Failed, ask, step

DISK_GIB: Final = 20
"""Of it Go's caches take 11 GiB, what is built 2, the engine's images 2 and more with each rebuild."""


@dataclass(frozen=True)
class Need:
    """One thing that must be there."""

    missing: Callable[[], str]
    """Say what is missing; nothing when all is well."""
    remedy: str
    packages: tuple[str, ...] = ()
    """The Debian packages that bring it."""


def no_linux() -> str:
    """Only amd64 Linux is built for."""
    machine = f"{platform.system()} {platform.machine()}"
    return "" if machine == "Linux x86_64" else f"this is {machine}, and the cluster is built for Linux x86_64"


def no_root() -> str:
    """An engine, mmdebstrap and apt need root."""
    return "" if os.geteuid() == 0 else "you are not root, which a container engine and its images need"


def no_disk() -> str:
    """Count what is free where the cache is, unless the big things are already there."""
    folder = settings.cache()
    folder.mkdir(parents=True, exist_ok=True)
    built = (folder / "built").is_dir() and len(list((folder / "built").iterdir())) > 10
    return too_full(folder, shutil.disk_usage(folder).free / 2**30, 5 if built else DISK_GIB)


def too_full(folder: Path, free: float, enough: float) -> str:
    """Judge what is free, in GiB.

    >>> too_full(Path("/cache"), 1.2, 20), too_full(Path("/cache"), 20, 20)
    ('/cache has 1 GiB free, and 20 are needed', '')
    """
    return "" if free >= enough else f"{folder} has {free:.0f} GiB free, and {enough:.0f} are needed"


def no_go() -> str:
    """Compare Go's version with the newest one that a go.mod asks for."""
    wanted = max(go_version(each) for each in settings.GO.iterdir())
    return too_old(ask("go", "env", "GOVERSION"), wanted)


def too_old(found: str | None, wanted: tuple[int, ...]) -> str:
    """Judge the Go that was found.

    >>> too_old("go1.22.1", (1, 26, 6)), too_old(None, (1, 26, 6)), too_old("go1.26.8", (1, 26, 6))
    ('go1.22.1 is too old (1.26.6 or newer)', 'Go is missing (1.26.6 or newer)', '')
    """
    if found is None:
        return f"Go is missing ({dotted(wanted)} or newer)"
    have = tuple(int(part) for part in re.findall(r"\d+", found)[:3])
    return "" if have >= wanted else f"{found} is too old ({dotted(wanted)} or newer)"


def go_version(folder: Path) -> tuple[int, ...]:
    """The version of Go that a module asks for."""
    (line,) = gomod.directives((folder / "go.mod").read_text(), "go")
    return tuple(int(part) for part in line.split("."))


def dotted(version: tuple[int, ...]) -> str:
    """Write a version.

    >>> dotted((1, 26, 0))
    '1.26.0'
    """
    return ".".join(map(str, version))


def no_program(*names: str) -> Callable[[], str]:
    """Look for programs on PATH."""

    def missing() -> str:
        absent = [name for name in names if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
        return f"{' and '.join(absent)} missing" if absent else ""

    return missing


def no_seccomp() -> str:
    """Ask pkg-config for libseccomp's headers."""
    absent = no_program("gcc", "pkg-config")()
    if not absent and ask("pkg-config", "--exists", "libseccomp") is None:
        return "libseccomp's headers are missing"
    return absent


def no_pip() -> str:
    """Look for any pip: the virtual environment has none when uv made it."""
    return "" if pip() else "pip is missing"


def pip() -> list[str]:
    """Return a command that runs pip; empty if there is none."""
    beside_uv = Path(os.environ.get("TRITIUM_UV", "/nowhere/uv")).with_name("python")
    tools = sorted(settings.cache().glob("tools-*/bin/python"))
    for python in (sys.executable, str(beside_uv), *map(str, tools), "python3"):
        if ask(python, "-m", "pip", "--version"):
            return [python, "-m", "pip"]
    return []


NEEDS: Final[Mapping[str, Need]] = {
    "linux": Need(no_linux, "use such a machine, or CLUSTER_FROM=registry"),
    "root": Need(no_root, "run as root, or start Docker where a registry can be reached (CLUSTER_FROM=registry)"),
    "disk": Need(no_disk, "free some, or set TRITIUM_CACHE to a folder on a larger disk"),
    "go": Need(no_go, "install it and put it on PATH"),
    "cgo": Need(no_seccomp, "", ("gcc", "libc6-dev", "libseccomp-dev", "pkg-config")),
    "mmdebstrap": Need(no_program("mmdebstrap"), "", ("mmdebstrap",)),
    "iptables": Need(no_program("iptables"), "", ("iptables",)),
    "docker": Need(no_program("docker"), "install and start Docker, or CLUSTER_FROM=source builds an engine"),
    "npm": Need(no_program("node", "npm"), "install Node.js 20 or newer, and put it on PATH"),
    "pip": Need(no_pip, "`make .venv/.ready` brings one"),
}
SOURCE: Final = ("linux", "root", "disk", "go", "cgo", "mmdebstrap", "iptables", "pip")
REGISTRY: Final = ("docker", "go", "pip")


def missing(*names: str, needs: Mapping[str, Need] = NEEDS) -> dict[str, str]:
    """Say what of these is missing, each with its remedy."""
    found = {name: needs[name].missing() for name in names}
    return {name: f"{why}: {remedy(needs[name])}" for name, why in found.items() if why}


def remedy(need: Need) -> str:
    """Say what to do."""
    return need.remedy or f"apt-get install {' '.join(need.packages)} (`up` does it)"


def demand(*names: str, needs: Mapping[str, Need] = NEEDS) -> None:
    """Make sure that these are there: install what Debian packages bring, fail for the rest."""
    absent = missing(*names, needs=needs)
    installable = [name for name in absent if needs[name].packages]
    if hopeless := [absent[name] for name in absent if name not in installable]:
        raise Failed("\n".join(hopeless))
    if installable:
        install(dict.fromkeys(package for name in installable for package in needs[name].packages))
        if still := missing(*installable, needs=needs):
            raise Failed("\n".join(still.values()))


def not_ours(packages: Sequence[str], *, root: bool, apt: bool) -> str:
    """Why we may not install these; nothing when we may.

    >>> not_ours(["iptables"], root=False, apt=True)
    'iptables missing: install them as root (apt-get install iptables)'
    >>> not_ours(["iptables"], root=True, apt=True)
    ''
    """
    listed = " ".join(packages)
    return "" if root and apt else f"{listed} missing: install them as root (apt-get install {listed})"


def install(packages: Mapping[str, None]) -> None:
    """Install Debian packages, if that is ours to do."""
    names = list(packages)
    if why := not_ours(names, root=os.geteuid() == 0, apt=shutil.which("apt-get") is not None):
        raise Failed(why)
    with cache.locked("apt"), step(f"install Debian packages: {' '.join(names)}") as run:
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        patient = ("-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120")
        run("apt-get", "update", "-qq", env=quiet)
        run("apt-get", "install", *patient, *names, env=quiet)
