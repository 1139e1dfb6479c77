"""Why a model is not served: each cause by its reason, first without and then beside a version that serves.

Each case is a model of its own, and all cases of a test happen at the same time: first a bad version, then a good
one, then a bad one again, and in the end another good one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.controlplane.behaviour import (
    Behaviour,
    CannotStart,
    CrashLoop,
    Failed,
    ImagePullBackOff,
    InitFailure,
    NeverReady,
    OOMKilled,
    Ready,
)
from tests.controlplane.operating.harness import RESOLVES, Models, Operator, condition, resolves
from tests.controlplane.operating.looking import JOBS, failed, in_each, is_told, pods_of, reached, told
from tests.controlplane.waiting import wait_for
from tritium.api.fetch import FetchReason

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.kubelet import Kubelet

TRITON_SAID = Path(__file__).parents[2] / "unit/core/triton_output"
REJECTS = {"DigestMismatch", "SourceChanged", "ModelInvalid", "ConfigInvalid", "ModelLoadFailed", "SignatureInvalid"}


def _said(name: str) -> str:
    """As a kubelet keeps it: the end of a log."""
    return (TRITON_SAID / f"{name}.txt").read_text(errors="replace")[-2048:]


SERVING: dict[str, tuple[str, Behaviour]] = {
    "image": ("ImagePullFailed", ImagePullBackOff()),
    "secret": ("ContainerConfigInvalid", CannotStart()),
    "memory": ("OutOfMemory", OOMKilled()),
    "crash": ("ServerCrashed", CrashLoop(message=_said("port_taken"))),
    "load": ("ModelLoadFailed", CrashLoop(message=_said("initialize_raises"))),
    "config": ("ModelLoadFailed", CrashLoop(message=_said("broken_config"))),
}
"""By case: the reason, and what the pods of a bad version do."""
FETCHING: dict[str, tuple[str, Behaviour]] = {
    reason.lower(): (reason, InitFailure(message=failed(reason))) for reason in FetchReason
}


@pytest.mark.parametrize("cases", [SERVING, FETCHING], ids=["serving", "fetching"])
async def test_a_pod_that_fails(
    operator: Operator, models: Models, kubelet: Kubelet, cases: dict[str, tuple[str, Behaviour]]
) -> None:
    async def check(name: str) -> None:
        reason, behaviour = cases[name]
        shown_by = "SourceReady" if cases is FETCHING else "ModelLoaded"
        component = "fetch" if cases is FETCHING else "triton"
        kubelet.rule(pods_of(name, "bad"), behaviour)

        await models.apply(name, f"s3://models/{name}/bad-1")
        status = await models.until("the first version fails", name, Ready=reason, phase="Initial")
        assert condition(status, "Ready")["status"] == condition(status, shown_by)["status"] == "False"
        assert condition(status, shown_by)["reason"] == reason
        assert status["candidate"]["revision"] == 1
        _failed_by(status, component, reason)
        await is_told(models, reason, name)

        await models.apply(name, f"s3://models/{name}/good-1")
        await models.settled(name, revision=2)
        before = await reached(models, name)
        assert before.pods

        await models.apply(name, f"s3://models/{name}/bad-2")
        if reason in REJECTS:
            status = await models.until("it is turned down", name, phase="Aborted", Released="Aborted")
            assert condition(status, "Stalled")["status"] == "True"
            assert [(each["revision"], each["reason"]) for each in status["rejectedRevisions"]] == [(3, reason)]
            await is_told(models, "Aborted", name)
        else:
            status = await models.until("it waits", name, phase="Blocked", Released="RollingOut")
            assert status["candidate"]["revision"] == 3
            assert "rejectedRevisions" not in status
        assert condition(status, shown_by)["reason"] == reason
        _failed_by(status, component, reason)
        assert status["stable"]["revision"] == 2
        assert condition(status, "Ready")["status"] == "True"
        assert await reached(models, name) == before

        await models.apply(name, f"s3://models/{name}/good-2")
        status = await models.settled(name, revision=4)
        assert condition(status, shown_by)["status"] == "True"
        assert condition(status, "Stalled")["status"] == "False"

    await in_each(cases, check)


async def test_a_source_that_cannot_be_listed(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    async def check(name: str) -> None:
        reason = FETCHING[name][0]
        kubelet.rule(pods_of(name, "bad", RESOLVES), Failed(1, failed(reason, f"{name} is the test's")))

        await models.apply(name, f"s3://models/{name}/bad-1")

        def is_told_why(status: Object) -> bool:
            return str(condition(status, "Released").get("message")).startswith(f"{reason}: {name} is the test's")

        # Its Job may be heard of before its pod, which says why: of so many at once by some seconds.
        await wait_for(lambda: models.status(name), 60, "no revision is made", until=is_told_why)
        status = await models.until("it is told", name, Released="ResolveFailed", SourceReady=reason)
        assert condition(status, "Ready")["reason"] == condition(status, "SourceReady")["reason"] == reason
        _failed_by(status, "resolve", reason)
        await is_told(models, reason, name)

        await models.apply(name, f"s3://models/{name}/good")
        await models.settled(name, revision=1)
        before = await reached(models, name)

        await models.apply(name, f"s3://models/{name}/bad-2")
        status = await models.until("it waits", name, phase="Blocked", Released="ResolveFailed", SourceReady=reason)
        _failed_by(status, "resolve", reason)
        assert status["stable"]["revision"] == 1
        assert condition(status, "Ready")["status"] == "True"
        assert await reached(models, name) == before

        await models.apply(name, f"s3://models/{name}/good")
        await models.settled(name, revision=1)
        assert await reached(models, name) == before

    await in_each(FETCHING, check)


async def test_a_source_is_listed_again_by_itself(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    """The Secret is made after the object that names it, as a `kubectl apply` of a folder may do."""
    kubelet.rule(RESOLVES, Failed(1, failed("SecretMissing")))
    credentials = {"credentials": {"secretRef": {"name": "store"}}}
    model = {"source": {"uri": "s3://models/fraud/1", **credentials}}
    await models.apply(model=model)
    await models.until("it says what is missing", Ready="SecretMissing", Released="ResolveFailed")
    (job,) = await models.children(JOBS)
    resolves(kubelet)
    await models.settled(revision=1)
    assert job["metadata"]["annotations"]["serving.tritium.dev/attempt"] == "1"
    assert sorted(reason for _, reason, _ in await told(models)) == ["Promoted", "RevisionCreated", "SecretMissing"]


async def test_a_slow_start_is_no_failure(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    kubelet.rule(pods_of("fraud", "slow"), NeverReady())
    await models.apply(uri="s3://models/slow/1")
    await models.until("it starts", Ready="Starting", ModelLoaded="Starting", phase="Initial")
    await models.apply(uri="s3://models/fraud/1")
    await models.settled(revision=2)
    before = await reached(models)
    await models.apply(uri="s3://models/slow/2")

    def loading(status: Object) -> bool:
        return "does not report that it is ready" in condition(status, "Released")["message"]

    status = await wait_for(models.status, 30, "the next starts", until=loading)
    assert condition(status, "ModelLoaded")["reason"] == "Starting"
    assert status["phase"] == "Preparing"
    assert "lastFailure" not in status
    assert await reached(models) == before
    assert condition(status, "Ready")["status"] == "True"
    kubelet.rule(pods_of("fraud", "slow"), Ready())
    await models.settled(revision=3)


def _failed_by(status: Object, component: str, reason: str) -> None:
    failure = status["lastFailure"]
    assert (failure["component"], failure["reason"]) == (component, reason), failure
    assert failure["pod"]
    assert failure["message"]
