"""A folder that somebody writes newer models into: each becomes a revision, and none needs the folder to go back."""

from __future__ import annotations

import obstore
import pytest

from e2e import adders, serving
from e2e.kubectl import Kubectl
from e2e.waiting import await_status, condition
from tritium.api import names

NAME = "adder"
LATEST = "adder/latest"
POLLED = {"pollInterval": "5s"}
LOOK = f"{names.COMPONENT}={names.Component.FOLLOW}"


@pytest.fixture(scope="module")
def followed(shared: Kubectl) -> Kubectl:
    """Version 1 lies in the folder, and is served."""
    serving.start_store(shared)
    serving.put(shared, adders.files(LATEST, offset=1))
    shared.apply(serving.small(shared, NAME, LATEST, source=POLLED, rollout={"bakeTime": "2m"}))
    shared.wait("mdep", NAME, "condition=Released")
    return shared


def test_what_is_written_into_the_folder_is_rolled_out_and_what_comes_back_is_the_old_revision(
    followed: Kubectl,
) -> None:
    assert serving.answer(followed, NAME) == [[5.0, 7.0]]
    serving.put(followed, adders.files(LATEST, offset=2))
    await_status(followed, NAME, serving.serves(2))
    assert serving.answer(followed, NAME) == [[6.0, 8.0]]

    serving.put(followed, adders.files(LATEST, offset=1))
    status = await_status(followed, NAME, serving.serves(1))
    assert serving.answer(followed, NAME) == [[5.0, 7.0]]
    assert [each["revision"] for each in status["revisions"]] == [1, 2], "no third one for what was there before"
    said = [each["reason"] for each in followed.items("events", "") if each["involvedObject"]["name"] == NAME]
    assert "SourceMoved" in said


def test_without_the_bucket_what_serves_goes_on_and_the_way_to_a_warm_revision_is_open(followed: Kubectl) -> None:
    serving.put(followed, adders.files(LATEST, offset=3))
    number = await_status(followed, NAME, serving.serves(3))["stable"]["revision"]
    with serving.bucket(followed) as store:
        obstore.delete(store, [f"{LATEST}/{each}" for each in ("config.pbtxt", "1/model.py")])
    followed("delete", "pod", "s3")
    status = await_status(followed, NAME, lambda status: condition(status, "SourceReady")["status"] == "False")
    assert "What was fetched goes on" in condition(status, "SourceReady")["message"]
    assert condition(status, "Ready")["status"] == "True"
    assert serving.answer(followed, NAME) == [[7.0, 9.0]]
    followed("patch", "mdep", NAME, "--type=merge", "-p", f'{{"spec": {{"pinRevision": {number - 2}}}}}')
    await_status(followed, NAME, serving.serves(1), seconds=30)
    assert serving.answer(followed, NAME) == [[5.0, 7.0]]
    # One pod has looked all the time, and goes with the last model.
    assert len(followed.items("jobs", LOOK)) >= 1
    followed("delete", "mdep", NAME)
    followed("wait", "jobs", f"--selector={LOOK}", "--for=delete", "--timeout=60s")
