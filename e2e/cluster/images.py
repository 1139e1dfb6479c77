"""Builds container images so that an image that is up to date is never built again.

Each carries, as a label, the hash of all it was made from. They are made from files in the cache (programs, root
file systems, wheels) in seconds, so the engine's own store is their only one.
"""

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from e2e.cluster import cache
from e2e.cluster.engine import docker
from e2e.cluster.steps import Runner, ask, say, step

LABEL: Final = "dev.tritium.made-from"

IMPORT: Final = ("ctr", "-n", "k8s.io", "images", "import", "--all-platforms", "--digests")
"""Run in a node, has its containerd take an image from standard input, where the kubelet looks."""


@dataclass(frozen=True)
class Image:
    """An image: its name, the hash of what it is made from, how it is made."""

    name: str
    key: str
    make: Callable[[Runner], None]


def ensure(image: Image) -> str:
    """Build an image unless the engine has it; return its id."""
    with cache.locked(f"image-{image.name.replace('/', '-').replace(':', '-')}"):
        if label(image.name) != image.key:
            with step(f"image {image.name}") as run:
                before = identity(image.name)
                image.make(run)
                if before and before != identity(image.name):
                    # Nothing refers to it any more. What the builder may use again stays.
                    ask(*docker("image", "rm", "--no-prune", before))
            say(f"{image.name} has {size(image.name)}")
    return identity(image.name) or ""


def label(name: str) -> str | None:
    """Return the hash that the engine's image of that name was made from."""
    return ask(*docker("image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', name))


def identity(name: str) -> str | None:
    """Return the id of the engine's image of that name."""
    return ask(*docker("image", "inspect", "--format", "{{.Id}}", name))


def size(name: str) -> str:
    """Say how large an image is when it travels, where its layers are compressed."""
    with subprocess.Popen(docker("save", name), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as saving:
        stream = cast("IO[bytes]", saving.stdout)
        return f"{sum(map(len, iter(lambda: stream.read(2**20), b''))) / 1e6:.0f} MB"


def build(run: Runner, name: str, context: Path, dockerfile: Path, key: str = "", **arguments: str) -> None:
    """Run a Dockerfile with the classic builder, which is the only one in our engine's client."""
    values = [part for arg, value in arguments.items() for part in ("--build-arg", f"{arg}={value}")]
    run(
        *docker("build", "--tag", name, "--label", f"{LABEL}={key}", *values, "--file", dockerfile, context),
        env={"DOCKER_BUILDKIT": "0"},
    )


def from_tar(run: Runner, name: str, tar: Path, key: str = "", **options: object) -> None:
    """Turn a root file system into an image."""
    run(*docker("import", *changes(key, options), tar, name))


def from_files(run: Runner, name: str, files: Mapping[str, Path], key: str = "", **options: object) -> None:
    """Make an image that holds nothing but these files (path in the image to path here)."""
    command = docker("import", *changes(key, options), "-", name)
    with run.log.open("ab") as log, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log) as process:
        with tarfile.open(fileobj=cast("IO[bytes]", process.stdin), mode="w|") as tar:
            for target, source in files.items():
                tar.add(source, target, filter=as_root)
        cast("IO[bytes]", process.stdin).close()
    if process.returncode:
        raise run.failed(f"`docker import` ended with {process.returncode}")


def as_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Have a file in an image belong to root, whoever built it."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def changes(key: str, options: Mapping[str, object]) -> list[str]:
    r"""Write `docker import` options: the label, and Dockerfile instructions named in lower case.

    >>> changes("k", {"entrypoint": ["/x"]})[-1]
    'ENTRYPOINT ["/x"]'
    """
    lines = [f"LABEL {LABEL}={key}"]
    for name, value in options.items():
        lines.append(f"{name.upper()} {value if isinstance(value, str) else json.dumps(value)}")
    return [part for line in lines for part in ("--change", line)]


@contextmanager
def context() -> Iterator[Path]:
    """Give a folder to build from."""
    cache.contexts().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.contexts()) as folder:
        yield Path(folder)


def place(source: Path, target: Path, mode: int | None = None) -> None:
    """Put a file, or a folder, into a build context."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        for entry in sorted(source.iterdir()):
            place(entry, target / entry.name, mode)
    elif mode is None:
        os.link(source, target)
    else:
        shutil.copyfile(source, target)
        target.chmod(mode)
