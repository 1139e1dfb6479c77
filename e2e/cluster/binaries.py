"""Builds the Go programs of the cluster from the modules under `go/`, each pinned by its go.mod and go.sum.

One module per project, because they disagree about versions and build tags. Tests that need only a control plane
(kube-apiserver, etcd, kube-controller-manager) take it from here too, with no container engine.
"""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from e2e.cluster import cache, gomod, requirements, settings
from e2e.cluster.steps import Failed, step

COMPONENT: Final = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Flags:
    """How one module is built; the default is a small static program."""

    tags: str = ""
    ldflags: str = ""
    gcflags: str = ""
    cgo: bool = False
    usual: str = ""
    """How long it takes on two cores with nothing cached, for the person who waits."""


def kubernetes_version() -> str:
    """Linker flags with the version, which Kubernetes' programs otherwise do not know."""
    version = settings.KUBERNETES
    major, minor, _ = version.removeprefix("v").split(".", 2)
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return " ".join(f"-X {COMPONENT}.{name}={value}" for name, value in values.items())


FLAGS: Final[Mapping[str, Flags]] = {
    "kubernetes": Flags(ldflags=kubernetes_version(), usual="5 min"),
    "etcd": Flags(usual="1 min"),
    "moby": Flags(tags="exclude_graphdriver_btrfs exclude_graphdriver_zfs", usual="2 min"),
    "containerd": Flags(tags="no_btrfs no_aufs no_zfs no_devmapper", usual="1 min"),
    # seccomp needs libseccomp, a C library; linked statically, so that the program runs in the node as well.
    "runc": Flags(tags="seccomp netgo osusergo", ldflags="-extldflags -static", cgo=True),
    # The client has no go.mod of its own, for which Go assumes a language of long ago.
    "docker": Flags(gcflags="github.com/docker/cli/...=-lang=go1.26"),
    "coredns": Flags(usual="2 min"),
    "distribution": Flags(usual="2 min"),
    "fake-gcs-server": Flags(usual="1 min"),
    "helm": Flags(usual="2 min"),
    "s5cmd": Flags(usual="1 min"),
    # Of all that can tell it what to scrape only files are needed.
    "prometheus": Flags(tags="remove_all_sd netgo", usual="4 min"),
}


@dataclass(frozen=True)
class Catalogue:
    """All modules, and which of them has which program."""

    modules: Mapping[str, gomod.GoModule]
    owner: Mapping[str, str] = field(default_factory=dict)


def catalogue() -> Catalogue:
    """Read the modules under `go/`."""
    modules = {each.name: each for each in map(gomod.read, sorted(settings.GO.iterdir()))}
    return Catalogue(modules, {tool: each.name for each in modules.values() for tool in each.tools})


def ensure(*names: str) -> dict[str, Path]:
    """Build these programs, or find them in the cache; return where they are.

    With no names: all of them.
    """
    known = catalogue()
    wanted = names or tuple(known.owner)
    if unknown := [name for name in wanted if name not in known.owner]:
        raise Failed(f"no such program: {', '.join(unknown)}. Known: {', '.join(sorted(known.owner))}")
    folders = {name: ensure_module(name) for name in dict.fromkeys(known.owner[each] for each in wanted)}
    return {name: folders[known.owner[name]] / name for name in wanted}


def module_key(module: gomod.GoModule) -> str:
    """Hash what decides a module's programs.

    The version of Go is left out on purpose: a new patch release of the compiler is no reason to wait ten minutes.
    """
    flags = FLAGS.get(module.name, Flags())
    how = f"{flags.tags}|{flags.ldflags}|{flags.gcflags}|{flags.cgo}|{platform.machine()}"
    return cache.key(module.folder / "go.mod", module.folder / "go.sum", how)


def module_path(name: str) -> Path:
    """Where a module's programs are, or will be."""
    return cache.path(f"go-{name}", module_key(gomod.read(settings.GO / name)))


def ensure_module(name: str) -> Path:
    """Build a module's programs; return their folder."""
    module = catalogue().modules[name]

    def build(folder: Path) -> None:
        requirements.demand("go", *(["cgo"] if FLAGS.get(name, Flags()).cgo else []))
        compile_module(module, FLAGS.get(name, Flags()), folder)

    return cache.artefact(f"go-{name}", module_key(module), build)


def compile_module(module: gomod.GoModule, flags: Flags, folder: Path) -> None:
    """Compile all tools of a module into a folder."""
    title = f"compile {module.name}: {', '.join(module.tools)}"
    with step(title if len(title) < 80 else f"compile {module.name}", flags.usual) as run:
        run(
            *("go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly"),
            *("-tags", flags.tags, "-ldflags", f"-s -w {flags.ldflags}".strip(), "-gcflags", flags.gcflags),
            *("-o", f"{folder}/", "tool"),
            # Collecting garbage less often takes a fifth off the compiler's time, for memory that is there.
            env={"CGO_ENABLED": str(int(flags.cgo)), "GOWORK": "off", "GOGC": os.environ.get("GOGC", "400")},
            cwd=module.folder,
        )
    for name, package in module.tools.items():
        (folder / gomod.executable(package)).rename(folder / name)


def path_with(*programs: str) -> str:
    """Return a PATH on which these programs come first."""
    folders = dict.fromkeys(str(each.parent) for each in ensure(*programs).values())
    return os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])
