"""The CRD: missing, of an older version, or upgraded while the operator runs."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import TYPE_CHECKING

from tests.controlplane.api import Api
from tests.controlplane.crd import install_crd
from tests.controlplane.operating.harness import MDEP, Models, Operator, model_deployment
from tests.controlplane.operating.looking import DEPLOYMENTS
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.api.crd import custom_resource_definition

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controlplane.api import Object
    from tests.controlplane.ring import ControlPlane

COMMAND = "tritium crd | kubectl apply --server-side --force-conflicts -f -"


async def test_it_does_not_run_on_another_schema(own_control_plane: ControlPlane, tmp_path: Path) -> None:
    ring = own_control_plane
    code, said = await _ends(Operator(ring.admin, tmp_path, "default", name="missing"))
    assert code == 1
    assert f"the CRD {names.CRD_NAME} is not installed; run: {COMMAND}" in said

    older = custom_resource_definition()
    older["metadata"]["annotations"][names.SCHEMA_ANNOTATION] = str(names.SCHEMA_NUMBER - 1)
    await install_crd(ring, older)
    code, said = await _ends(Operator(ring.admin, tmp_path, "default", name="older"))
    assert code == 1
    assert f"has schema {names.SCHEMA_NUMBER - 1}, and this version needs {names.SCHEMA_NUMBER}" in said
    assert COMMAND in said

    # The number is right and the schema is not, as after an apply of which somebody else owned a part.
    pruning = custom_resource_definition()
    status = pruning["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    del status["properties"]["phase"]
    await install_crd(ring, pruning)
    async with Api(ring.admin) as api:
        await api.create(model_deployment("default", "fraud", "s3://models/fraud/1"))
        code, said = await _ends(Operator(ring.admin, tmp_path, "default", name="pruning"))
        assert code == 1
        assert f"the server does not keep phase; run: {COMMAND}" in said
        assert await api.list(DEPLOYMENTS, "default") == []

        await install_crd(ring, custom_resource_definition())
        async with Operator(ring.admin, tmp_path, "default", name="right") as operator:
            await operator.ready()

            async def phase() -> object:
                return (await api.get(MDEP, "fraud", "default")).get("status", {}).get("phase")

            await wait_for(phase, 30, "it works", until=lambda found: found == "Initial")


async def test_an_upgrade_of_the_crd_does_not_disturb_it(
    operator: Operator, models: Models, control_plane: ControlPlane
) -> None:
    await models.apply()
    await models.settled(revision=1)
    await install_crd(control_plane, _next(custom_resource_definition()))
    try:
        await asyncio.sleep(2)  # the API server ends the watches of the old schema
        await models.apply(uri="s3://models/fraud/2")
        await models.settled(revision=2)
        await models.apply("another")
        await models.settled("another", revision=1)
        assert operator.process
        assert operator.process.returncode is None
    finally:
        await install_crd(control_plane, custom_resource_definition())


def _next(crd: Object) -> Object:
    """The CRD as a later version of Tritium may have it: one more field in spec and status."""
    later = deepcopy(crd)
    later["metadata"]["annotations"][names.SCHEMA_ANNOTATION] = str(names.SCHEMA_NUMBER + 1)
    properties = later["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    for part in ("spec", "status"):
        properties[part]["properties"]["later"] = {"type": "string"}
    return later


async def _ends(operator: Operator) -> tuple[int, str]:
    """Start it, and wait until it gives up; returns its exit code and what it wrote."""
    await operator.start()
    assert operator.process
    async with asyncio.timeout(30):
        code = await operator.process.wait()
    return code, operator.log.read_text()
