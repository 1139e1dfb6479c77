"""The CRD as a user meets it: explained, printed in columns, scaled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.admission.objects import good
from tests.controlplane.admission.schema import nodes, whole
from tritium.api import names
from tritium.api.crd import custom_resource_definition

if TYPE_CHECKING:
    from tests.controlplane.api import Api
    from tests.controlplane.ring import ControlPlane

pytestmark = pytest.mark.usefixtures("installed")
RESOURCE = f"{names.API_VERSION}/{names.PLURAL}"


def explained() -> list[str]:
    """Every object of the schema, as `kubectl explain` takes it. Its members are shown with it."""
    paths = ["mdep"]
    for part in ("spec", "status"):
        for path, node in nodes(whole(custom_resource_definition())["properties"][part], part):
            if node.get("properties"):
                paths.append(f"mdep.{path.replace('[]', '')}")
    return paths


@pytest.mark.parametrize("path", explained())
def test_kubectl_explain_has_text_for_every_member(path: str, installed: ControlPlane) -> None:
    shown = installed.kubectl("explain", path).stdout
    assert "FIELDS:" in shown
    assert "<no description>" not in shown


def test_kubectl_explain_shows_what_the_model_says(installed: ControlPlane) -> None:
    shown = " ".join(installed.kubectl("explain", "modeldeployments.spec.model.source.uri").stdout.split())
    assert (
        "The model's folder or file: s3://bucket/path, gs://bucket/path, az://container/path, hf://owner/name" in shown
    )


async def test_kubectl_get_shows_the_columns(installed: ControlPlane, api: Api, namespace: str) -> None:
    await api.create(good(), namespace)
    status = {
        "phase": "Progressing",
        "reason": "RollingOut",
        "replicas": 2,
        "stable": {"revision": 7},
        "candidate": {"revision": 8, "weight": 25},
        "conditions": [
            {
                "type": kind,
                "status": state,
                "reason": "Testing",
                "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
            for kind, state in (("Ready", "True"), ("Released", "False"))
        ],
    }
    await api.patch(RESOURCE, "fraud", namespace, {"status": status}, subresource="status")
    header, row = installed.kubectl("get", "mdep", "-n", namespace).stdout.splitlines()
    columns = "NAME READY RELEASED PHASE REASON STABLE CANDIDATE WEIGHT REPLICAS AGE"
    assert header.split() == columns.split()
    assert row.split()[:-1] == ["fraud", "True", "False", "Progressing", "RollingOut", "7", "8", "25", "2"]


async def test_an_autoscaler_can_scale_it(api: Api, namespace: str) -> None:
    await api.create(good(replicas=1), namespace)
    status = {"replicas": 1, "selector": "app.kubernetes.io/instance=fraud"}
    await api.patch(RESOURCE, "fraud", namespace, {"status": status}, subresource="status")
    scale = await api.patch(RESOURCE, "fraud", namespace, {"spec": {"replicas": 3}}, subresource="scale")
    assert (scale["spec"]["replicas"], scale["status"]["selector"]) == (3, "app.kubernetes.io/instance=fraud")
    assert (await api.get(RESOURCE, "fraud", namespace))["spec"]["replicas"] == 3


async def test_free_form_parts_keep_what_they_are_given(api: Api, namespace: str) -> None:
    server: dict[str, Any] = {
        "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}}],
        "tolerations": [{"key": "gpu", "operator": "Exists", "inTheFuture": 1}],
        "affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"namespaceSelector": {}}]}},
        "podTemplate": {"spec": {"containers": [{"name": "triton", "volumeMounts": []}]}},
    }
    stored = await api.create(good(server=server), namespace, fieldValidation="Strict")
    assert json.loads(json.dumps(stored["spec"]["server"])) == server
