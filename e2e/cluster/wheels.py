"""Fetches Python packages for the images: for their Python, not for the one that runs this.

pip works on the host, because a container here has neither name resolution nor trust for a package registry.
"""

from collections.abc import Callable
from pathlib import Path

from e2e.cluster import cache, requirements, settings
from e2e.cluster.steps import Runner, step

TARGET = (
    "--only-binary=:all:",
    f"--python-version={settings.PYTHON}",
    "--implementation=cp",
    # glibc of the images' Debian is 2.36, so every older platform will do as well.
    *(f"--platform={name}_x86_64" for name in ("manylinux_2_35", "manylinux_2_28", "manylinux_2_17", "manylinux2014")),
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
    packages = (settings.PYTRITON, settings.NUMPY)

    def fetch(run: Runner, pip: list[str], folder: Path) -> None:
        site = folder / "venv" / "lib" / f"python{settings.PYTHON}" / "site-packages"
        run(*pip, "install", "--no-deps", "--no-compile", *TARGET, "--target", site, *packages)
        stubs = site / "pytriton" / "tritonserver" / "python_backend_stubs"
        others = [stub for stub in stubs.iterdir() if stub.name != settings.PYTHON]
        run("rm", "-rf", site / "bin", *others)

    return ensure("triton", cache.key(*packages, *TARGET), fetch)


def operator_dependencies() -> Path:
    """Download what the operator's lock names, hashes checked, and pip itself to install it with."""
    lock = settings.ROOT / "requirements" / "runtime.txt"

    def fetch(run: Runner, pip: list[str], folder: Path) -> None:
        run(*pip, "download", "--no-deps", *TARGET, "--require-hashes", "-r", lock, "--dest", folder / "wheels")
        run(*pip, "download", "--no-deps", *TARGET, settings.PIP, "--dest", folder / "pip")

    return ensure("operator", cache.key(lock, settings.PIP, *TARGET), fetch)


def operator() -> Path:
    """Build the project's own wheel."""
    root = settings.ROOT
    files = [path for name in ("pyproject.toml", "README.md", "LICENSE") if (path := root / name).exists()]

    def fetch(run: Runner, pip: list[str], folder: Path) -> None:
        run(*pip, "wheel", "--no-deps", "--wheel-dir", folder, root)

    return ensure("tritium", cache.key(*files, root / "operator"), fetch)
