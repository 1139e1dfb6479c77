"""Installs programs of Node.js from the locks under `locks/`, each package by its hash, into the cache."""

from pathlib import Path
from typing import Final

from e2e.cluster import cache, requirements, settings
from e2e.cluster.steps import step

LOCKS: Final = settings.HERE / "locks"


def ensure(name: str, program: str) -> Path:
    """Install the packages of one lock, or find them in the cache; return where a program of theirs is."""
    lock = LOCKS / name

    def build(folder: Path) -> None:
        requirements.demand("npm")
        for each in ("package.json", "package-lock.json"):
            (folder / each).write_bytes((lock / each).read_bytes())
        # No package's own scripts: what they would compile or load is not needed.
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional")
        with step(f"install {name} with npm", "1 min") as run:
            run("npm", "ci", *quiet, cwd=folder)

    return cache.artefact(f"npm-{name}", cache.key(lock), build) / "node_modules" / ".bin" / program
