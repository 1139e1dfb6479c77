"""What Triton says when it cannot serve a model, and what is made of it: as a kubelet hands it on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.behaviour import CrashLoop
from tests.controlplane.podstatus import pod_status
from tests.dataplane.runtime import Runtime
from tests.dataplane.triton import Triton, repository
from tritium.core.diagnosis import pod_seen
from tritium.core.reasons import Reason
from tritium.core.seen import Trouble

LOAD, CRASH = Reason.MODEL_LOAD_FAILED, Reason.SERVER_CRASHED


def crashed(code: int, message: str) -> dict[str, Any]:
    """A pod whose Triton ended like that for the second time."""
    pod: dict[str, Any] = {
        "metadata": {
            "name": "pod",
            "uid": "u",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"serving.tritium.dev/revision": "0a1b2c3d"},
        },
        "spec": {"containers": [{"name": "triton", "image": "triton"}]},
    }
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return pod | {"status": pod_status(pod, CrashLoop(code, message), now, now, ip="10.0.0.1", host_ip="192.0.2.1")}


@dataclass(frozen=True, slots=True)
class Case:
    """A model, what is done to it, and what is to come of it."""

    model: str
    reason: Reason
    says: str
    change: Callable[[Path], None] = lambda _: None
    flags: tuple[str, ...] = ()


def config(old: str, new: str) -> Callable[[Path], None]:
    """Write something else into the model's configuration."""

    def change(model: Path) -> None:
        path = model / "config.pbtxt"
        path.write_text(path.read_text().replace(old, new))

    return change


def onnx(model: Path) -> None:
    """A model for a backend that the image does not have."""
    config('backend: "python"', 'backend: "onnxruntime"')(model)
    (model / "1" / "model.py").rename(model / "1" / "model.onnx")


CASES = [
    Case("raises", LOAD, "ValueError: the weights have 3 layers, and 4 are expected"),
    Case("adder", LOAD, 'config.pbtxt (5:46: Expected ",", found "}".)', config("dims: [ 2 ]", "dims: [ 2")),
    Case("adder", LOAD, "unable to find backend library for backend 'fancy'", config('"python"', '"fancy"')),
    Case("adder", LOAD, "unable to find backend library for backend 'onnxruntime'", onnx),
    Case("adder", CRASH, "a flag that it does not know", flags=("--no-such-flag=1",)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.says))
def test_a_server_that_ends(triton_runtime: Runtime, tmp_path: Path, case: Case) -> None:
    models = repository(tmp_path / "models", case.model)
    case.change(models / case.model)
    code, message = Triton(triton_runtime, models, tmp_path / "log", *case.flags).run_to_its_end()
    found = pod_seen(crashed(code, message)).trouble
    assert code == 1
    assert found is not None
    assert found == Trouble("triton", case.reason, found.message, "pod", rejects=case.reason is LOAD)
    assert case.says in found.message
