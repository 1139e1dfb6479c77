"""An old stored object survives every later CRD: it is read, its status and labels are written, it is edited."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.controlplane.admission.objects import good
from tests.controlplane.admission.schema import whole
from tests.controlplane.api import ApiError
from tests.controlplane.crd import install_crd
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.api.crd import custom_resource_definition

if TYPE_CHECKING:
    from tests.controlplane.api import Api, Object
    from tests.controlplane.ring import ControlPlane

RELEASED = sorted((Path(__file__).parents[2] / "golden" / "crds").glob("*.yaml"))
"""The CRD of every schema number, as it was when the number was given."""


def renamed(crd: dict[str, Any], group: str) -> dict[str, Any]:
    """The CRD under a group of its own, so that the upgrade disturbs no other test."""
    crd = copy.deepcopy(crd)
    crd["metadata"]["name"] = f"{names.PLURAL}.{group}"
    crd["spec"]["group"] = group
    return crd


def looser(crd: dict[str, Any]) -> dict[str, Any]:
    """What the CRD may have looked like before: without a rule, and without a field that came later."""
    older = copy.deepcopy(crd)
    spec = whole(older)["properties"]["spec"]["properties"]
    del spec["server"]["x-kubernetes-validations"]
    del spec["pinRevision"]
    return older


async def settled(api: Api, resource: str, namespace: str) -> Object:
    """The object, once the server serves it with the new schema (it refuses requests while it changes over)."""

    async def served() -> Object | None:
        try:
            return await api.patch(resource, "fraud", namespace, {"spec": {"pinRevision": 1}})
        except ApiError as error:
            if error.status in {404, 429, 503}:
                return None
            raise

    def known(seen: Object | None) -> bool:
        return seen is not None and seen["spec"].get("pinRevision") == 1

    return await wait_for(served, 20, "the new field is known", until=known) or {}


async def test_an_object_that_a_new_rule_refuses_stays_usable(
    control_plane: ControlPlane, api: Api, namespace: str
) -> None:
    group = "upgrade.tritium.dev"
    resource = f"{group}/{names.VERSION}/{names.PLURAL}"
    crd = renamed(custom_resource_definition(), group)
    await install_crd(control_plane, looser(crd))
    old = good(server={"args": ["--http-port=80"]}) | {"apiVersion": f"{group}/{names.VERSION}"}
    await api.create(old, namespace, fieldValidation="Strict")

    await install_crd(control_plane, crd)

    stored = await api.get(resource, "fraud", namespace)
    assert stored["spec"]["server"] == {"args": ["--http-port=80"]}
    assert "pinRevision" not in stored["spec"]
    await api.patch(resource, "fraud", namespace, {"metadata": {"labels": {"team": "risk"}}})
    await api.patch(resource, "fraud", namespace, {"status": {"phase": "Idle"}}, subresource="status")
    await settled(api, resource, namespace)  # a change elsewhere in the spec passes too
    with pytest.raises(ApiError, match="must not set a flag that Tritium sets itself"):
        await api.patch(resource, "fraud", namespace, {"spec": {"server": {"args": ["--grpc-port=80"]}}})


def test_the_current_schema_number_is_kept() -> None:
    """A CRD that changed needs a new number, or, before its release, a new copy under the same one."""
    kept = yaml.safe_load(RELEASED[-1].read_text())
    assert kept["metadata"]["annotations"][names.SCHEMA_ANNOTATION] == str(names.SCHEMA_NUMBER)
    assert kept == custom_resource_definition()


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
async def test_objects_of_every_released_schema_survive(
    path: Path, control_plane: ControlPlane, api: Api, namespace: str
) -> None:
    group = f"{path.stem}.tritium.dev"
    resource = f"{group}/{names.VERSION}/{names.PLURAL}"
    await install_crd(control_plane, renamed(yaml.safe_load(path.read_text()), group))
    old = good(replicas=2, server={"gpu": {"count": 1}}, rollout={"bakeTime": "5m"})
    stored = await api.create(old | {"apiVersion": f"{group}/{names.VERSION}"}, namespace)

    await install_crd(control_plane, renamed(custom_resource_definition(), group))

    after = await api.get(resource, "fraud", namespace)
    assert after["spec"] == stored["spec"]
    assert after["metadata"]["generation"] == stored["metadata"]["generation"]
