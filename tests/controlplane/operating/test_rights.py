"""The rights that the chart gives: enough for everything, and each of them used."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.controlplane.behaviour import CrashLoop
from tests.controlplane.operating.harness import MDEP, SERVES, Models, Operator, resolves
from tests.controlplane.operating.story import fetches
from tests.controlplane.waiting import wait_for
from tritium.api import names

if TYPE_CHECKING:
    from tests.controlplane.api import Api, Object
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.proxy import FaultProxy
    from tests.controlplane.ring import ControlPlane

INSTALL = Path(__file__).parents[3] / "manifests" / "install.yaml"
SAID = Path(__file__).parents[2] / "unit" / "core" / "triton_output" / "initialize_raises.txt"
USER = "alice"
NAME = "tritium"
"""Of the operator's Role and ClusterRole; there is another ClusterRole, for the gateways."""
NEVER_ASKED = ("rbac.authorization.k8s.io", "clusterroles", "bind")
"""Checked when a RoleBinding to that role is written: no request of its own."""

Right = tuple[str, str, str]
"""(group, resource or resource/subresource, verb)."""


def rules(kind: str) -> list[Object]:
    """The rules of the operator's Role, or ClusterRole, that the chart makes."""
    objects = (each for each in yaml.safe_load_all(INSTALL.read_text()) if each and each["kind"] == kind)
    (role,) = (each for each in objects if each["metadata"]["name"] == NAME)
    return list(role["rules"])


def rights(rule: Object) -> Iterator[Right]:
    """What one rule allows."""
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                yield group, resource, verb


@pytest.fixture
async def rightful(api: Api, namespace: str) -> None:
    """The user has the chart's rights, and no others."""
    subject = {"kind": "User", "name": USER, "apiGroup": "rbac.authorization.k8s.io"}
    for kind, where in (("ClusterRole", {}), ("Role", {"namespace": namespace})):
        version = "rbac.authorization.k8s.io/v1"
        metadata = {"name": f"operator-{namespace}", **where}
        await api.create({"apiVersion": version, "kind": kind, "metadata": metadata, "rules": rules(kind)})
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": metadata["name"]}
        binding = {"apiVersion": version, "kind": f"{kind}Binding", "metadata": metadata, "subjects": [subject]}
        await api.create({**binding, "roleRef": reference})


@pytest.mark.usefixtures("rightful")
async def test_each_right_is_used_and_none_is_missing(
    control_plane: ControlPlane, faults: FaultProxy, models: Models, kubelet: Kubelet, tmp_path: Path
) -> None:
    credentials = faults.credentials(control_plane.user(USER))
    async with Operator(credentials, tmp_path, models.namespace) as operator:
        await operator.ready()
        await everything(models, kubelet)
    # What earlier tests have left is being deleted, and nothing can be made there by anybody.
    refused = [each for each in faults.requests if each.status == 403 and each.namespace in {"", models.namespace}]
    assert refused == []
    used = {
        (each.group, f"{each.resource}/{each.subresource}" if each.subresource else each.resource, each.verb)
        for each in faults.requests
        if each.resource and each.upstream
    }
    # Server-side apply of what is not there yet asks for both.
    used |= {(group, resource, "create") for group, resource, verb in used if verb == "patch" and "/" not in resource}
    allowed = {right for kind in ("ClusterRole", "Role") for rule in rules(kind) for right in rights(rule)}
    assert used | {NEVER_ASKED} == allowed


async def everything(models: Models, kubelet: Kubelet) -> None:
    """All that the operator ever does to the cluster."""
    rollout: dict[str, Any] = {"rollout": {"bakeTime": "0s"}, "revisionHistoryLimit": 1}
    fetches(kubelet)
    await models.apply(replicas=2, **rollout)
    await models.settled(revision=1)
    for number in (2, 3):
        resolves(kubelet, f"sha256:{number:064}")
        await models.apply(uri=f"s3://models/fraud/{number}", replicas=2, **rollout)
        await models.settled(revision=number)
    await models.apply(uri="s3://models/fraud/3", replicas=1, **rollout)  # no budget any more, and the oldest goes
    await wait_for(lambda: _count(models, "apps/v1/controllerrevisions"), until=lambda count: count == 2)
    await wait_for(lambda: _count(models, "policy/v1/poddisruptionbudgets"), until=lambda count: count == 0)
    await _turned_down_and_tried_again(models, kubelet)
    await _refused_by_a_quota(models)


async def _turned_down_and_tried_again(models: Models, kubelet: Kubelet) -> None:
    resolves(kubelet, "sha256:" + "9" * 64)
    kept: dict[str, Any] = {"rollout": {"bakeTime": "60s"}}
    kubelet.rule(lambda pod: _is_of(pod, models, 4), CrashLoop(message=SAID.read_text()[-2048:], restarts=2))
    await models.apply(uri="s3://models/fraud/4", **kept)
    await models.until("turned down", phase="Aborted")
    before = await _pods(models, 4)
    await models.apply(uri="s3://models/fraud/4", metadata={"annotations": {names.ACTION: "retry@1"}}, **kept)
    await wait_for(lambda: _pods(models, 4), 20, "the pod is replaced", until=lambda now: now and not now & before)


async def _refused_by_a_quota(models: Models) -> None:
    """A Job without a pod: its Events are asked for."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none", "namespace": models.namespace}}
    await models.api.create({**quota, "spec": {"hard": {"pods": "0"}}})
    await models.apply("second")
    await models.until("refused", "second", SourceReady="QuotaExceeded")
    await models.api.delete(MDEP, "second", models.namespace)


def _is_of(pod: Object, models: Models, version: int) -> bool:
    """Whether a pod fetches that version."""
    if not SERVES.items() <= pod["metadata"]["labels"].items():
        return False
    (fetch,) = pod["spec"]["initContainers"]
    return any(f"/fraud/{version}" in variable.get("value", "") for variable in fetch["env"])


async def _pods(models: Models, version: int) -> set[str]:
    """Uids of the pods that fetch that version."""
    return {pod["metadata"]["uid"] for pod in await models.children("v1/pods") if _is_of(pod, models, version)}


async def _count(models: Models, resource: str) -> int:
    await asyncio.sleep(0)
    return len(await models.children(resource))
