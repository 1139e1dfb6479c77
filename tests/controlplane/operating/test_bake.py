"""What has become stable is judged on by the operator itself, and what does not come further waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.behaviour import NeverReady, Ready
from tests.controlplane.operating.harness import SERVES, condition
from tests.controlplane.operating.looking import PODS
from tests.controlplane.operating.requests import Requests
from tests.controlplane.operating.test_steps import NEXT, act, has_part, share
from tests.controlplane.waiting import wait_for
from tritium.api import names

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.gateways import Gateways
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models, Operator

IN_STEPS = {"steps": [{"weight": 20, "minDuration": "1s"}], "bakeTime": "60s"}
AT_ONCE = {"strategy": "blueGreen", "bakeTime": "60s"}


@pytest.mark.parametrize("rollout", [IN_STEPS, AT_ONCE], ids=["in steps", "at once"])
async def test_what_fails_with_all_of_the_traffic_goes_back_by_itself(
    operator: Operator, models: Models, gateways: Gateways, rollout: dict[str, Any]
) -> None:
    await models.apply(rollout=rollout)
    await models.settled(revision=1)
    async with Requests(gateways, models.namespace) as requests:
        await wait_for(lambda: requests.of(1) > 200, 30, "it serves")
        await models.apply(uri=NEXT, rollout=rollout)
        await wait_for(lambda: requests.of(2) > 200, 60, "the next one serves")
        await models.until("it bakes", phase="Promoting", Released="True")
        requests.fails[2] = 4
        status = await models.until("it is taken back", phase="Aborted", reason="BakeFailed", Ready="True")
    assert (status["stable"]["revision"], share(status)) == (1, 0)
    (rejected,) = status["rejectedRevisions"]
    assert "requests failed: " in rejected["message"]
    assert (status["lastRollback"]["reason"], status["lastRollback"]["toRevision"]) == ("BakeFailed", 1)
    assert rejected["message"] in condition(status, "Released")["message"]
    pods = await models.children(PODS)
    assert {each["metadata"]["labels"][names.REVISION] for each in pods} == {
        each["name"].rpartition("-")[2] for each in status["revisions"]
    }, "its pods stay to be looked at"


async def test_a_new_operator_does_not_take_back_what_it_knows_nothing_of(
    operator: Operator, models: Models, gateways: Gateways
) -> None:
    """Both fail as much: with the old one's past forgotten, a limit alone would say that the new one is at fault."""
    await models.apply(rollout=AT_ONCE)
    await models.settled(revision=1)
    async with Requests(gateways, models.namespace, fails={1: 4, 2: 4}) as requests:
        await wait_for(lambda: requests.of(1) > 200, 30, "it serves")
        await models.apply(uri=NEXT, rollout=AT_ONCE)
        await models.until("it bakes", phase="Promoting", Released="True")
        await operator.kill()
        await operator.start()
        before = requests.of(2)
        await wait_for(lambda: requests.of(2) > before + 1_000, 60, "the new operator has seen many requests")
        status = await models.status()
    assert (status["stable"]["revision"], status["phase"]) == (2, "Promoting")


async def test_pods_that_do_not_get_ready_make_the_rollout_wait_for_a_person(
    operator: Operator, models: Models, kubelet: Kubelet, gateways: Gateways
) -> None:
    rollout = {"strategy": "canary", "progressDeadline": "3s"}
    await models.apply(rollout=rollout)
    serves = (await models.settled(revision=1))["revisions"][0]["name"].rpartition("-")[2]

    def is_next(pod: Object) -> bool:
        labels = pod["metadata"]["labels"]
        return bool(labels.items() >= SERVES.items() and labels[names.REVISION] != serves)

    kubelet.rule(is_next, NeverReady())
    await models.apply(uri=NEXT, rollout=rollout)
    status = await models.until("it waits", phase="Paused", reason="ProgressDeadlineExceeded", Ready="True")
    assert "rollout.progressDeadline" in condition(status, "Stalled")["message"]
    assert "resume@1" in condition(status, "Released")["message"]
    kubelet.rule(is_next, Ready())
    await act(models, "resume@1")
    await has_part(models, 5)
