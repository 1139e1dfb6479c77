"""`tritium infer` with a real Triton, through a real API server and straight."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.controlplane.cli.services import service
from tests.controlplane.operating.harness import MDEP, Models
from tests.dataplane.runtime import runtime
from tests.dataplane.triton import Triton, repository
from tests.unit.cli.samples import IDLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.controlplane.cli.command import Command

INPUTS = [
    {"name": "A", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]},
    {"name": "B", "datatype": "FP32", "shape": [1, 2], "data": [3, 4]},
]


@pytest.fixture(scope="module")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    """A server with the model adder: SUM = A + B."""
    folder = tmp_path_factory.mktemp("triton")
    with Triton(
        runtime(tmp_path_factory.mktemp("triton-runtime")), repository(folder / "models", "adder"), folder / "log"
    ) as server:
        yield server


@pytest.fixture
async def fraud(models: Models) -> Models:
    """A ModelDeployment whose model is called adder for its clients."""
    await models.apply(model={"name": "adder", "smokeTest": [{"inputs": INPUTS}]})
    await models.api.patch(MDEP, "fraud", models.namespace, {"status": IDLE["status"]}, subresource="status")
    return models


async def test_through_the_api_server(tritium: Command, fraud: Models, triton: Triton, tmp_path: Path) -> None:
    request = tmp_path / "request.json"
    request.write_text(json.dumps({"inputs": INPUTS}))
    async with service(fraud.api, fraud.namespace, "fraud", 8000, leads_to=triton.http):
        of_the_smoke_test = await tritium.ok("infer", "fraud")
        typed = await tritium.json("infer", "fraud", "--input", "A=[1, 2]", "--input", "B=[[10, 20]]")
        of_a_file = await tritium.json("infer", "fraud", "--data", str(request))
        of_a_pipe = await tritium.json("infer", "fraud", "--data=-", stdin=request.read_text())
        refused = await tritium.refused("infer", "fraud", "-i", "A=[-1, 2]", "-i", "B=[1, 1]")
    assert of_the_smoke_test.splitlines()[1].split() == ["SUM", "FP32", "[1,", "2]", "4.0,", "6.0"]
    assert typed["answer"]["outputs"][0]["data"] == [11, 22]
    assert of_a_file["answer"]["outputs"][0]["data"] == of_a_pipe["answer"]["outputs"][0]["data"] == [4, 6]
    assert "A must not be negative" in refused


async def test_straight(tritium: Command, fraud: Models, triton: Triton) -> None:
    url = f"http://127.0.0.1:{triton.http}/"
    assert (await tritium.json("infer", "fraud", f"--url={url}"))["answer"]["outputs"][0]["data"] == [4, 6]
    said = await tritium.refused("infer", "fraud", f"--url={url}", "-i", "C=1")
    assert said == "tritium: the model has no input C; its inputs are: A, B"


async def test_a_service_that_leads_nowhere(tritium: Command, fraud: Models) -> None:
    said = await tritium.refused("infer", "fraud")
    assert f"the API server does not reach Service {fraud.namespace}/fraud" in said
    assert f"kubectl port-forward svc/fraud 8000 -n {fraud.namespace}" in said


async def test_a_model_that_has_no_address_yet(tritium: Command, models: Models) -> None:
    await models.apply()
    assert "fraud has no address yet: nothing serves" in await tritium.refused("infer", "fraud")
