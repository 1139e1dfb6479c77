"""A revision says who made it and why, by the API server's own record of field managers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.controlplane.operating.harness import MDEP, model_deployment
from tests.controlplane.operating.looking import REVISIONS
from tritium.api import names

if TYPE_CHECKING:
    from tests.controlplane.operating.harness import Models, Operator

WHY = {names.CHANGE_CAUSE: "retrained in February"}


async def test_who_made_a_revision_and_why(operator: Operator, models: Models) -> None:
    first = model_deployment(models.namespace, "fraud", "s3://models/fraud/1", server={"shmSize": "64Mi"})
    await models.api.apply(first, manager="helm")
    await models.settled(revision=1)
    # No edit of model or server, and no cause of what is there already.
    more = {"metadata": {"annotations": WHY}, "spec": {"replicas": 2}}
    await models.api.patch(MDEP, "fraud", models.namespace, more)
    await models.settled(revision=1)
    second = model_deployment(models.namespace, "fraud", "s3://models/fraud/2")
    await models.api.apply(second, manager="argocd-controller", force=True)
    await models.settled(revision=2)
    found = {each["revision"]: each["metadata"]["annotations"] for each in await models.children(REVISIONS)}
    said = {number: (noted.get(names.CHANGED_BY), noted.get(names.CHANGE_CAUSE)) for number, noted in found.items()}
    assert said == {1: ("helm", None), 2: ("argocd-controller", "retrained in February")}
