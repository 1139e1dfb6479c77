"""A version with other tensors than the one that serves: held before it has any request, or let through and told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.controlplane.operating.harness import condition
from tests.controlplane.operating.requests import Requests
from tests.controlplane.operating.test_steps import NEXT, rollout, share
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from tests.controlplane.gateways import Gateways
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models, Operator
    from tests.controlplane.tritons import Tritons

FIRST = "s3://models/fraud/1"
OTHER = ({"X": ("FP32", [-1, 3])}, {"Y": ("FP32", [-1, 1])})
SAYS = "input X is FP32 [-1, 3], and was FP32 [-1, 2]"


@pytest_asyncio.fixture
async def tritons(kubelet: Kubelet) -> Tritons:
    """What answers in the place of the model pods; the second version has other tensors than the first."""
    kubelet.tritons.tensors[NEXT] = OTHER
    return kubelet.tritons


@pytest.mark.parametrize("asked", [rollout(), {"bakeTime": "1s"}], ids=["in steps", "all at once"])
async def test_it_is_held_and_says_why_until_somebody_allows_it(
    operator: Operator, models: Models, gateways: Gateways, tritons: Tritons, asked: dict[str, Any]
) -> None:
    await models.apply(rollout=asked)
    await models.settled(revision=1)
    assert tritons.asked == [], "nobody is asked before there is something to compare"
    async with Requests(gateways, models.namespace):
        await models.apply(uri=NEXT, rollout=asked)
        status = await models.until("it is held", phase="Blocked", reason="SignatureChanged", Ready="True")
        assert (share(status), share(status, 1), status.get("rejectedRevisions")) == (0, 100, None)
        for kind, wanted in {"Released": "False", "Stalled": "True", "Reconciling": "False"}.items():
            assert condition(status, kind)["status"] == wanted
        assert SAYS in condition(status, "Released")["message"]
        assert "rollout.compatibility: Warn" in condition(status, "Stalled")["message"]
        assert sorted(tritons.asked) == [FIRST, NEXT], "once of each version"
        before = await _at_rest(models)
        await operator.kill()
        await operator.start()
        await operator.ready()
        await wait_for(lambda: _asked(tritons), 20, "another operator asks again", until=lambda number: number >= 4)
        status = await models.until("it is still held", phase="Blocked", reason="SignatureChanged")
        assert (await models.get())["metadata"]["resourceVersion"] == before
        await models.apply(uri=NEXT, rollout=asked | {"compatibility": "Warn"})
        await models.settled(revision=2, timeout=60)
    events = await models.api.list("v1/events", models.namespace)
    told = [each["message"] for each in events if each["reason"] == "SignatureChanged"]
    assert sorted("Warn lets it through" in each for each in told) == [False, True]
    assert all(SAYS in each for each in told)


async def _at_rest(models: Models) -> str:
    """The version of the object, once nothing has been written for a second: what a gateway says may come later."""
    versions: list[str] = []

    async def same_again() -> bool:
        versions.append((await models.get())["metadata"]["resourceVersion"])
        return len(versions) > 10 and len(set(versions[-10:])) == 1

    await wait_for(same_again, 20, "nothing is written any more")
    return versions[-1]


async def test_who_goes_back_is_not_held(
    operator: Operator, models: Models, gateways: Gateways, tritons: Tritons
) -> None:
    await models.apply(rollout={"bakeTime": "1s"})
    await models.settled(revision=1)
    async with Requests(gateways, models.namespace):
        await models.apply(uri=NEXT, rollout={"bakeTime": "1s", "compatibility": "Warn"})
        await models.settled(revision=2)
        asked = list(tritons.asked)
        await models.apply(rollout={"bakeTime": "1s"})
        await models.settled(revision=1)
    assert tritons.asked == asked


async def test_a_version_that_cannot_be_asked_waits_and_says_why(
    operator: Operator, models: Models, gateways: Gateways, tritons: Tritons
) -> None:
    tritons.tensors.clear()
    tritons.silent.add(NEXT)
    await models.apply()
    await models.settled(revision=1)
    await models.apply(uri=NEXT)
    status = await models.until("it cannot be asked", phase="Blocked", reason="SignatureUnknown", Ready="True")
    assert "no model is ready" in condition(status, "Released")["message"]
    tritons.silent.clear()
    await models.settled(revision=2)


async def _asked(tritons: Tritons) -> int:
    return len(tritons.asked)
