"""The `tritium` command, as a user types it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml
from typer.testing import CliRunner

import tritium
from tritium.api import names
from tritium.cli.main import app

ROOT = Path(__file__).parents[3]
runner = CliRunner()


def test_both_commands_of_the_package_are_this_one() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {
        "tritium": "tritium.cli.main:app",
        "kubectl-tritium": "tritium.cli.main:app",
        "kubectl_complete-tritium": "tritium.cli.plugin_completion:main",
    }


def test_what_needs_no_cluster_does_not_load_a_client_for_it() -> None:
    """That takes longer than all the rest."""
    loaded = "import sys, tritium.cli.main; print('kubernetes' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_version() -> None:
    assert runner.invoke(app, ["version"]).stdout == f"{tritium.__version__}\n"


def test_crd_prints_what_kubectl_can_apply() -> None:
    crd = yaml.safe_load(runner.invoke(app, ["crd"]).stdout)
    assert crd["metadata"]["name"] == names.CRD_NAME


def test_digest_is_what_anybody_can_work_out_by_hand(tmp_path: Path) -> None:
    """sha256sum and stat give the same lines, sorted."""
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "model.py").write_bytes(b"weights")
    (tmp_path / "config.pbtxt").write_bytes(b"")
    lines = sorted(
        [
            f"{hashlib.sha256(b'weights').hexdigest()} 7 1/model.py\n",
            f"{hashlib.sha256(b'').hexdigest()} 0 config.pbtxt\n",
        ]
    )
    expected = "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()
    result = runner.invoke(app, ["digest", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (0, f"{expected}\n")


def test_digest_refuses_a_link(tmp_path: Path) -> None:
    (tmp_path / "model.py").symlink_to("/etc/hostname")
    result = runner.invoke(app, ["digest", str(tmp_path)])
    assert result.exit_code == 1
    assert f"{tmp_path}/model.py is not a regular file" in result.stderr


def test_digest_of_a_folder_that_is_not_there_names_it(tmp_path: Path) -> None:
    result = runner.invoke(app, ["digest", str(tmp_path / "missing")])
    assert result.exit_code == 2
    assert "does not exist" in " ".join(result.stderr.replace("│", " ").split())
