"""What a command took is what all its processes took."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.used import used

CHILD = """
import time
held = bytearray(b"x") * (64 << 20)
while time.process_time() < 0.5:
    pass
"""
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"


def test_a_childs_memory_and_cpu_count(tmp_path: Path) -> None:
    took = used([sys.executable, "-c", PARENT, CHILD], os.environ, tmp_path, tmp_path / "log")

    assert took.memory > 64 << 20
    assert took.cpu >= 0.5
    assert took.durable >= took.seconds > 0.3


def test_a_command_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        used([sys.executable, "-c", "raise SystemExit('no bucket')"], os.environ, tmp_path, tmp_path / "log")

    assert caught.value.output == "no bucket\n"
