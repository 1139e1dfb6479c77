"""What is generated is what the API says now; drift is named."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def check(root: Path) -> subprocess.CompletedProcess[str]:
    """Compare the generated files below a folder with the API."""
    command = [sys.executable, "-m", "hack.generate", "--check"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_the_generated_files_are_fresh() -> None:
    report = check(ROOT)
    assert report.returncode == 0, report.stdout


def test_a_stale_file_is_named(tmp_path: Path) -> None:
    for folder in ("hack", "crds", "docs", "charts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    crd = next((tmp_path / "crds").glob("*.yaml"))
    crd.write_text(crd.read_text().replace("maxItems: 64", "maxItems: 63"))
    report = check(tmp_path)
    assert report.returncode == 1
    assert report.stdout == f"crds/{crd.name} is not what operator/tritium/api says: run `make generate`\n"
