"""Completion by kubectl: `kubectl_complete-tritium`, as kubectl runs it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PROGRAM = Path(sys.executable).parent / "kubectl_complete-tritium"


def completed(kubeconfig: Path, *words: str) -> str:
    """What it prints; it has to end, and to say nothing else."""
    environment = {name: value for name, value in os.environ.items() if name != "KUBERNETES_SERVICE_HOST"}
    environment |= {"KUBECONFIG": str(kubeconfig), "HOME": str(kubeconfig.parent)}
    said = subprocess.run([PROGRAM, *words], env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert said.stderr == ""
    return said.stdout


def leads_to(address: str, where: Path) -> Path:
    """A kubeconfig."""
    named = [{"name": "it", "cluster": {"server": address}}]
    contexts = [{"name": "it", "context": {"cluster": "it", "user": "it"}}]
    users = [{"name": "it", "user": {"token": "t"}}]
    found = {"current-context": "it", "clusters": named, "contexts": contexts, "users": users}
    where.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config"} | found))
    return where


def test_a_command_that_is_begun(tmp_path: Path) -> None:
    assert completed(tmp_path / "none", "sta") == "status\tShow what serves, what is being rolled...\n:4\n"


def test_the_columns_by_which_top_sorts(tmp_path: Path) -> None:
    assert completed(tmp_path / "none", "top", "--sort", "p") == "pods\np50\np95\n:4\n"


def test_each_option_has_one_line(tmp_path: Path) -> None:
    lines = completed(tmp_path / "none", "promote", "fraud", "--").splitlines()
    assert lines.pop() == ":4"
    assert [line for line in lines if not line.startswith("--")] == []
    assert len(lines) > 4


@pytest.mark.parametrize("words", [("digest", ""), ("infer", "fraud", "--data", "")])
def test_files_are_completed_by_the_shell(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert completed(tmp_path / "none", *words) == ":0\n"


@pytest.mark.parametrize("words", [("status", ""), ("undo", "fraud", "--to", ""), ("undo", "--to", "")])
def test_without_a_cluster_nothing_is_offered_and_nothing_said(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert completed(tmp_path / "none", *words) == ":4\n"


def test_a_server_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kubeconfig = leads_to(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path / "kubeconfig")
        assert completed(kubeconfig, "status", "") == ":4\n"


def test_a_kubeconfig_that_is_none_says_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "kubeconfig"
    broken.write_text("clusters: [")
    assert completed(broken, "status", "") == ":4\n"
