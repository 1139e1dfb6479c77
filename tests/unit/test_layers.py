"""The layers are enforced: a module that breaks one on purpose is refused, by name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint_imports(source: Path) -> subprocess.CompletedProcess[str]:
    """Run the linter with the project's contracts over the package below a folder."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--config", str(ROOT / "pyproject.toml"), "--no-cache"],
        env=os.environ | {"PYTHONPATH": str(source), "PYTHONSAFEPATH": "1"},
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, to be broken."""
    shutil.copytree(ROOT / "operator" / "tritium", tmp_path / "tritium")
    return tmp_path


def test_the_package_keeps_its_layers(copy: Path) -> None:
    report = lint_imports(copy)
    assert report.returncode == 0, report.stdout
    assert "0 broken" in report.stdout


@pytest.mark.parametrize(
    ("module", "statement", "broken"),
    [
        ("core/revision.py", "import tritium.kube", "tritium.core is not allowed to import tritium.kube"),
        ("api/names.py", "import tritium.core.revision", "tritium.api is not allowed to import tritium.core"),
        ("kube/__init__.py", "import tritium.probes", "tritium.kube is not allowed to import tritium.probes"),
        (
            "gateway/__init__.py",
            "import tritium.resources",
            "tritium.gateway is not allowed to import tritium.resources",
        ),
        ("cli/main.py", "import tritium.sync", "tritium.cli is not allowed to import tritium.sync"),
        ("cli/main.py", "import tritium.resources", "tritium.cli is not allowed to import tritium.resources"),
        ("cli/views/status.py", "import time", "tritium.cli.views is not allowed to import time"),
        ("core/manifest.py", "import time", "tritium.core is not allowed to import time"),
        (
            "resources/__init__.py",
            "from kubernetes import client",
            "tritium.resources is not allowed to import kubernetes",
        ),
        ("gateway/snapshot/routes.py", "import time", "tritium.gateway.snapshot is not allowed to import time"),
        ("api/values.py", "from os import environ", "tritium.api is not allowed to import os"),
    ],
)
def test_a_broken_layer_is_refused(copy: Path, module: str, statement: str, broken: str) -> None:
    path = copy / "tritium" / module
    path.write_text(f"{path.read_text()}\n{statement}\n")
    report = lint_imports(copy)
    assert report.returncode == 1
    assert broken in report.stdout


def test_the_source_root_is_no_package() -> None:
    """With an `__init__.py` there, `operator` would shadow the module of that name in the standard library."""
    assert not (ROOT / "operator" / "__init__.py").exists()
