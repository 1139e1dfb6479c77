"""Installing a custom resource definition so that it can be used at once."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.controlplane.api import Api, ApiError, Object
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from tests.controlplane.ring import ControlPlane

CRDS = "apiextensions.k8s.io/v1/customresourcedefinitions"


async def install_crd(control_plane: ControlPlane, crd: dict[str, Any], *, collected: bool = False) -> None:
    """Apply a CRD; return when it is Established and each of its served versions can be listed.

    The garbage collector learns of new kinds every 30 s only, so it may take 45 s until it notices that an
    owner of a new kind is gone. With `collected` the controller manager is restarted (1 to 2 s) if the CRD
    was not there before.

    It has a client of its own, so a synchronous session fixture may call it by `asyncio.run`. Installing the
    same CRD again, also from several test processes at once, changes nothing.
    """
    name, spec = crd["metadata"]["name"], crd["spec"]
    served = [version["name"] for version in spec["versions"] if version["served"]]
    async with Api(control_plane.admin) as api:

        async def conditions() -> dict[str, str]:
            status = (await api.get(CRDS, name)).get("status", {})
            return {each["type"]: each["status"] for each in status.get("conditions") or []}

        async def listed(version: str) -> Object | None:
            resource = f"{spec['group']}/{version}/{spec['names']['plural']}"
            try:
                return {"items": await api.list(resource)}
            except ApiError as error:
                if error.status in {404, 429, 503}:  # not yet; storage is (re)initializing
                    return None
                raise

        is_new = await api.find(CRDS, name) is None
        await api.apply(crd, force=True)
        await wait_for(conditions, 20, f"CRD {name} established", until=lambda seen: seen.get("Established") == "True")
        for version in served:
            await wait_for(partial(listed, version), 20, f"{name} {version} served")
    if collected and is_new:
        await asyncio.to_thread(control_plane.restart_controller_manager)
