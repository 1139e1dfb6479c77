"""The command line of the gateway's pod, before the real Envoy."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from e2e.cluster import wheels
from tests.unit.resources.golden import RENDERING
from tritium.api.gateway import BOOTSTRAP_FILE
from tritium.resources.gateway.identity import Gateway
from tritium.resources.gateway.pod import pod_template


def test_envoy_takes_the_arguments(tmp_path: Path) -> None:
    bootstrap = tmp_path / "envoy.json"
    bootstrap.write_text(json.dumps({"node": {"id": "a", "cluster": "b"}}))
    (envoy,) = pod_template(Gateway("ml", "0-1"), RENDERING)["spec"]["containers"]
    arguments = [str(bootstrap) if each == BOOTSTRAP_FILE else each for each in envoy["args"]]
    assert arguments != envoy["args"]
    ended = subprocess.run(
        [str(wheels.envoy()), *arguments, "--mode", "validate"], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
