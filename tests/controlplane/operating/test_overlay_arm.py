"""An arm that is the base's model with changes, by the operator itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.controlplane.operating.harness import condition
from tests.controlplane.operating.test_experiment import BAKE, FIRST, SECOND, THIRD, arm, has, pods

if TYPE_CHECKING:
    from tests.controlplane.operating.harness import Models, Operator

OTHER = "s3://models/fraud/other"


def experiment(uri: str = OTHER) -> dict[str, Any]:
    return {"arms": [{"name": "d", "model": {"source": {"uri": uri}}, "weight": 20}]}


async def test_it_is_listed_made_and_served_and_stays_while_the_base_changes(
    operator: Operator, models: Models
) -> None:
    await models.apply(uri=FIRST, rollout=BAKE)
    await models.settled(revision=1)
    await models.apply(uri=FIRST, rollout=BAKE, experiment=experiment())
    status = await has(models, r1=80, r2=20)
    assert (arm(status, "d")["revision"], arm(status, "d")["weight"]) == (2, 20)
    assert await pods(models, 2) == 1
    revisions = await models.children("apps/v1/controllerrevisions")
    requests = {each["revision"]: str(each["data"]["template"]["spec"]["initContainers"]) for each in revisions}
    assert OTHER in requests[2]
    assert OTHER not in requests[1]

    await models.apply(uri=SECOND, rollout=BAKE, experiment=experiment(), server={"args": ["--log-verbose=1"]})
    await models.until("the rollout waits", phase="Blocked", reason="ExperimentRunning")
    status = await has(models, r1=80, r2=20)
    assert (arm(status, "d")["revision"], len(status["revisions"])) == (2, 3)

    await models.apply(uri=THIRD, rollout=BAKE)
    status = await models.settled(revision=4)
    assert condition(status, "Ready")["status"] == "True"
    assert "arms" not in status
