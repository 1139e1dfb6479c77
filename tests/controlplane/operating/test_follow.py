"""Changes at a source, on a real API server: who looks for them, and what comes of what is told."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.behaviour import ImagePullBackOff, Ready, Succeeded
from tests.controlplane.operating.harness import Models, Operator, condition, resolves
from tests.controlplane.operating.looking import DEPLOYMENTS
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.api.follow import FollowRequest

if TYPE_CHECKING:
    from tests.controlplane.kubelet import Kubelet

Object = dict[str, Any]

JOBS = "batch/v1/jobs"
FOLLOW = {names.COMPONENT: names.Component.FOLLOW.value}
SELECTOR = f"{names.COMPONENT}={names.Component.FOLLOW.value}"
SECOND, THIRD = "sha256:" + "cd" * 32, "sha256:" + "ef" * 32
POLLED = {"source": {"uri": "s3://models/fraud/latest", "pollInterval": "5s"}}


@pytest.fixture(autouse=True)
def who_looks_goes_on(kubelet: Kubelet) -> None:
    """Until there is something to tell."""
    kubelet.rule(FOLLOW, Ready())


async def followers(models: Models) -> list[Object]:
    """The Jobs that look for changes, and do not end."""
    jobs = await models.api.list(JOBS, models.namespace, labelSelector=SELECTOR)
    return [each for each in jobs if not (each.get("status") or {}).get("completionTime")]


def asked(job: Object) -> FollowRequest:
    (variable,) = job["spec"]["template"]["spec"]["containers"][0]["env"]
    return FollowRequest.model_validate_json(variable["value"])


async def looks_for(models: Models, *known: str) -> Object:
    """Wait until one Job looks for changes of these states, by the models' names."""

    async def state() -> list[list[str | None]]:
        return [[each.request.fingerprint for each in asked(job).sources] for job in await followers(models)]

    await wait_for(state, 30, f"one Job holds {known} against the source", until=lambda found: found == [list(known)])
    return (await followers(models))[0]


async def tells(models: Models, kubelet: Kubelet, status: Object, name: str = "fraud", **news: Any) -> None:
    """The Job that looks for changes ends with news of the state that the status has.

    Kubernetes has seconds for times, and a look comes at the earliest five after a listing.
    """
    second = int(time.time())
    await wait_for(lambda: int(time.time()) > second, 2, "another second has begun")
    (job,) = await followers(models)
    source = status["source"]
    report = {"name": name, "written": source["written"], "before": source["fingerprint"], **news}
    of_job = {"batch.kubernetes.io/job-name": job["metadata"]["name"]}
    kubelet.rule(of_job, Succeeded(json.dumps({"reports": [report]})))


async def test_a_change_becomes_a_revision_and_the_way_back_another_pointer(
    operator: Operator, models: Models, kubelet: Kubelet
) -> None:
    await models.apply(model=POLLED)
    first = await models.settled(revision=1)
    known = first["source"]["fingerprint"]
    await looks_for(models, known)

    resolves(kubelet, SECOND)
    await tells(models, kubelet, first, fingerprint=SECOND)
    second = await models.settled(revision=2)
    assert second["source"]["fingerprint"] == SECOND
    assert [each["written"] for each in second["revisions"]] == [first["source"]["written"]] * 2, "nobody edited it"
    await looks_for(models, SECOND)

    resolves(kubelet, known)
    await tells(models, kubelet, second, fingerprint=known)
    third = await models.settled(revision=1)
    assert len(third["revisions"]) == 2
    assert third["lastRollback"]["fromRevision"] == 2
    await looks_for(models, known)
    assert await models.children(JOBS) == []


async def test_one_job_looks_for_all_that_have_the_same_credentials_and_it_goes_with_them(
    operator: Operator, models: Models
) -> None:
    await models.apply("churn", model=POLLED)
    await models.apply("fraud", model=POLLED)
    await models.apply("still")
    known = (await models.settled("churn", revision=1))["source"]["fingerprint"]
    await models.settled("fraud", revision=1)
    job = await looks_for(models, known, known)
    assert [each.name for each in asked(job).sources] == ["churn", "fraud"]
    await models.api.delete(f"{names.API_VERSION}/{names.PLURAL}", "churn", models.namespace)
    job = await looks_for(models, known)
    assert [each.name for each in asked(job).sources] == ["fraud"]
    await models.apply("fraud", model={"source": {"uri": "s3://models/fraud/latest"}})
    await wait_for(lambda: followers(models), 30, "nobody looks any more", until=lambda found: found == [])


async def test_what_a_listing_cannot_find_again_leaves_what_serves(
    operator: Operator, models: Models, kubelet: Kubelet
) -> None:
    await models.apply(model=POLLED)
    status = await models.settled(revision=1)
    failure = {"reason": "SourceUnreachable", "message": "s3://models does not answer"}
    await tells(models, kubelet, status, failure=failure)
    status = await models.until("it is told", SourceReady="SourceUnreachable")
    assert "What was fetched goes on" in condition(status, "SourceReady")["message"]
    job = await looks_for(models, status["source"]["fingerprint"])
    assert [each.failing for each in asked(job).sources] == [True]
    status = await models.settled(revision=1)
    assert condition(status, "Ready")["status"] == "True"
    assert [each["spec"]["replicas"] for each in await models.children(DEPLOYMENTS)] == [1]

    await tells(models, kubelet, status)
    status = await models.until("it can be listed again", SourceReady="True")
    await looks_for(models, status["source"]["fingerprint"])


async def test_news_survive_the_operator(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    await models.apply(model=POLLED)
    status = await models.settled(revision=1)
    await looks_for(models, status["source"]["fingerprint"])
    await operator.kill()
    resolves(kubelet, THIRD)
    await tells(models, kubelet, status, fingerprint=THIRD)
    await wait_for(lambda: followers(models), 30, "it has ended", until=lambda found: found == [])
    await operator.start()
    assert (await models.settled(revision=2))["source"]["fingerprint"] == THIRD


async def test_why_nobody_can_look_is_told(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    kubelet.rule(FOLLOW, ImagePullBackOff())
    await models.apply(model=POLLED)
    await models.settled(revision=1)
    status = await models.until("it is told", SourceReady="ImagePullFailed")
    assert condition(status, "Ready")["status"] == "True"
    kubelet.rule(FOLLOW, Ready())
    await models.until("somebody looks", SourceReady="True")
