"""What an alert reads of a rollout: the operator that leads tells it, whichever that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.controlplane.operating.harness import MDEP, Operator
from tests.controlplane.operating.requests import Requests
from tests.controlplane.waiting import wait_for
from tritium.api import names

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controlplane.gateways import Gateways
    from tests.controlplane.operating.harness import Models
    from tests.controlplane.ring import ControlPlane

STEPS = {"steps": [{"weight": 20, "minDuration": "60s"}], "bakeTime": "1s"}
ON, OUT = {("phase", "Progressing"): 1.0, ("step", ""): 1.0}, {("phase", "Aborted"): 1.0, ("step", ""): 0.0}
COUNTED = {("aborts_total", "AbortedByHand"): 1.0}


async def test_a_rollout_that_is_aborted_as_prometheus_reads_it(
    operator: Operator, models: Models, gateways: Gateways, control_plane: ControlPlane, tmp_path: Path
) -> None:
    await models.apply(rollout=STEPS)
    await models.settled(revision=1)
    async with Requests(gateways, models.namespace):
        await models.apply(uri="s3://models/fraud/2", rollout=STEPS)
        await _tells(operator, models, ON)
        async with Operator(control_plane.admin, tmp_path, models.namespace, name="operator-1") as heir:
            await wait_for(lambda: _state(heir), 30, "it stands by", until=lambda text: text == "standing by")
            annotations = {names.ACTION: "abort@1"}
            await models.api.patch(MDEP, "fraud", models.namespace, {"metadata": {"annotations": annotations}})
            await _tells(operator, models, OUT | COUNTED)
            assert await _told(heir, models) == {}, "who does not lead says nothing"
            await operator.stop()
            await heir.ready()
            await _tells(heir, models, OUT)
            await models.api.delete(MDEP, "fraud", models.namespace)
            await _tells(heir, models, {})


async def _tells(operator: Operator, models: Models, wanted: dict[tuple[str, str], float]) -> None:
    await wait_for(lambda: _told(operator, models), 30, f"it tells {wanted}", until=lambda found: found == wanted)


async def _told(operator: Operator, models: Models) -> dict[tuple[str, str], float]:
    """By metric and its third label; phases and reasons that are 0 left out."""
    text = (await operator.get("/metrics")).text
    found = {
        (each.name.removeprefix("tritium_rollout_"), each.labels.get("phase") or each.labels.get("reason") or ""): (
            each.value
        )
        for family in text_string_to_metric_families(text)
        for each in family.samples
        if each.name.startswith("tritium_rollout_") and each.labels["namespace"] == models.namespace
    }
    return {what: value for what, value in found.items() if value or not what[1]}


async def _state(operator: Operator) -> str:
    try:
        return (await operator.get("/readyz")).text.strip()
    except httpx.TransportError:
        return ""
