"""`tritium top`, by what a person may read: statuses alone, or the operator's metrics by the API server as well."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.controlplane.cli.command import Command
from tests.controlplane.cli.services import service
from tests.controlplane.operating.requests import EACH, EVERY, Requests
from tests.controlplane.scheduling import Node

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controlplane.api import Api
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models, Operator
    from tests.controlplane.ring import ControlPlane

USER = "carol"
RATE = 2 * EACH / EVERY
"""Requests a second, at most, through both pods of the gateway."""
RBAC = "rbac.authorization.k8s.io"
LISTS = {"apiGroups": ["serving.tritium.dev"], "resources": ["modeldeployments"], "verbs": ["list"]}
READS = {
    "apiGroups": [""],
    "resources": ["services/proxy"],
    "resourceNames": ["tritium-metrics:8080"],
    "verbs": ["get"],
}
"""As docs/cli.md has it."""


async def allow(api: Api, namespace: str, name: str, rule: dict[str, Any]) -> None:
    """Let that person do this."""
    about = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": name, "namespace": namespace}}
    await api.create({**about, "kind": "Role", "rules": [rule]})
    subject = {"kind": "User", "name": USER, "apiGroup": RBAC}
    reference = {"kind": "Role", "name": name, "apiGroup": RBAC}
    await api.create({**about, "kind": "RoleBinding", "subjects": [subject], "roleRef": reference})


async def test_each_sees_what_he_may_and_is_told_what_is_missing(
    control_plane: ControlPlane, operator: Operator, models: Models, kubelet: Kubelet, tmp_path: Path
) -> None:
    space = models.namespace
    carol = Command(control_plane.user(USER).kubeconfig(tmp_path / "carol.kubeconfig", space))
    assert f"you may not list modeldeployments.serving.tritium.dev in namespace {space}" in await carol.refused("top")
    assert "in all namespaces: ask for a Role" in await carol.refused("top", "-A")
    await allow(models.api, space, "models", LISTS)
    assert "there is no ModelDeployment in this namespace" in await carol.ok("top")

    await kubelet.add_node(Node("gpus", {"nvidia.com/gpu": 4}))
    await models.apply(scaling={"min": 2, "max": 4, "capacityRps": RATE}, server={"gpu": {"count": 2}})
    await models.settled(revision=1)
    where = f"--operator={space}/tritium-metrics"
    async with Requests(kubelet.gateways, space, fails={1: 10}):
        screen = await carol.ok("top", where)
        assert " 2-4 " in screen
        name, _, *numbers = screen.splitlines()[1].split()
        assert (name, numbers[:2]) == ("fraud", ["1", "2/2"])
        forbidden = f"you may not get services/proxy in namespace {space} (tritium-metrics:8080)"
        assert f"not shown: errors, p50, p95, in flight, waiting, GPU use: {forbidden}: ask for a Role" in screen
        seen = await carol.json("top", where)
        assert (seen["models"][0]["gpus"], "errors" in seen["models"][0]) == (4, False)
        assert forbidden in seen["missing"]

        await allow(models.api, space, "metrics", READS)
        said = (await carol.json("top", where))["missing"]
        assert said == f"namespace {space} has no Service tritium-metrics: name the operator's with --operator"
        async with service(models.api, space, "tritium-metrics", 8080, leads_to=operator.port):
            seen = await carol.json("top", where)
            assert "missing" not in seen
            (line,) = seen["models"]
            assert 0.3 * RATE < line["requestsPerSecond"] < 1.7 * RATE
            assert 0.08 < line["errors"] < 0.12
            assert 0 < line["p50Ms"] <= line["p95Ms"] <= 5
            assert 3.5 < line["gpus"] < 4.5
            assert "byStatus" not in line
            plugin = replace(carol, program=control_plane.binaries["kubectl"])
            head, shown = (await plugin.ok("tritium", "top", where, "--sort=requests")).splitlines()
            assert "ERRORS" in head
            assert shown.startswith("fraud ")
            await follows(carol, where)


async def follows(command: Command, where: str) -> None:
    """A pipe gets an object for each look: the first at once, some seconds later with what was counted meanwhile."""
    following = await command.start("top", where, "--watch", "--output=json")
    try:
        assert following.stdout
        first = json.loads(await following.stdout.readline())
        assert "errors" not in first["models"][0]
        async with asyncio.timeout(60):
            async for each in following.stdout:
                if "errors" in json.loads(each)["models"][0]:
                    break
    finally:
        following.kill()
        await following.communicate()
