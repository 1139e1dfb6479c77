"""Makes Triton runnable on this machine: the wheels that the cluster's image has, and links around them.

The wheels lie in the user's cache, made once for each content of their lock. The links are made anew by each run.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Final

from e2e.cluster import settings, steps, wheels
from e2e.cluster.steps import Failed

ASK: Final = """
import ctypes, json, os, sys, sysconfig
library = sysconfig.get_config_var("INSTSONAME") or ""
folder = sysconfig.get_config_var("LIBDIR") or ""
name = f"libpython{sys.version_info[0]}.{sys.version_info[1]}.so.1.0"
found = os.path.exists(os.path.join(folder, name))
if not found:
    folder = ""
    ctypes.CDLL(name)
version = "%d.%d" % sys.version_info[:2]
print(json.dumps({"version": version, "program": os.path.realpath(sys.executable), "libraries": folder}))
"""
"""Fails if the shared library is nowhere: what Triton starts for each model is linked to it."""


@dataclass(frozen=True, slots=True)
class Python:
    """The Python that models run in.

    Attributes:
        program: the interpreter itself, no link and no shim.
        libraries: the folder of its shared library; empty where the system finds that by itself.
    """

    program: Path
    libraries: str


@dataclass(frozen=True, slots=True)
class Runtime:
    """How Triton is started here.

    Attributes:
        command: the program and the flags that it cannot do without.
        environment: variables beside those of this process.
    """

    command: tuple[str, ...]
    environment: dict[str, str]


def runtime(folder: Path) -> Runtime:
    """Link together what Triton needs; the first call on a machine fetches the wheels.

    Args:
        folder: an empty one, for the links.
    """
    python, packages = find_python(), wheels.triton() / "venv" / "lib"
    home = packages / f"python{settings.PYTHON}" / "site-packages" / "pytriton" / "tritonserver"
    # What serves a model takes its packages from the environment of the first `python3` on PATH.
    programs = folder / "venv" / "bin"
    programs.mkdir(parents=True)
    (folder / "venv" / "pyvenv.cfg").write_text(f"home = {python.program.parent}\n")
    (programs / "python3").symlink_to(python.program)
    (folder / "venv" / "lib").symlink_to(packages)
    # The wheel keeps the programs for each version of Python apart from the backend, which looks beside itself.
    backend = folder / "backends" / "python"
    backend.mkdir(parents=True)
    stub = home / "python_backend_stubs" / settings.PYTHON / "triton_python_backend_stub"
    for part in (*(home / "backends" / "python").iterdir(), stub):
        (backend / part.name).symlink_to(part)
    program = (str(home / "bin" / "tritonserver"), f"--backend-directory={backend.parent}")
    return Runtime(program, _environment(programs, python))


def _environment(programs: Path, python: Python) -> dict[str, str]:
    libraries = [each for each in (python.libraries, os.environ.get("LD_LIBRARY_PATH", "")) if each]
    paths = {"PATH": f"{programs}:{os.environ['PATH']}"}
    return paths | ({"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {})


def find_python() -> Python:
    """The interpreter of the version that the wheels are for, with its shared library."""
    for candidate in _candidates():
        said = steps.ask(candidate, "-c", ASK)
        facts = json.loads(said) if said else {}
        if facts.get("version") == settings.PYTHON:
            return Python(Path(facts["program"]), facts["libraries"])
    raise Failed(
        f"Triton runs models in Python {settings.PYTHON} with its shared library, which is not here: on Debian "
        f"apt-get install python{settings.PYTHON} libpython{settings.PYTHON}, with pyenv "
        f"PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install {settings.PYTHON}"
    )


def _candidates() -> Iterator[str]:
    for name in (f"python{settings.PYTHON}", "python3"):
        if found := which(name):
            yield found
    yield f"/usr/bin/python{settings.PYTHON}"
