"""An alias of MLflow is moved, and moved back: the rollout begins by itself, and none needs the server to go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e import adders, serving, tracking
from e2e.kubectl import Kubectl
from e2e.waiting import await_status, condition
from tests.sync.tracking import Mlflow

NAME = "adder"
MODEL = "sums"
ALIAS = "champion"


@pytest.fixture(scope="module")
def registry(shared: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlflow]:
    """Two versions of a registered model, of which the alias names the first."""
    with tracking.beside(shared, tmp_path_factory.mktemp("mlflow")) as running:
        for offset in (1, 2):
            assert running.add(MODEL, adders.files(NAME, offset=offset)) == offset
        running.point(MODEL, ALIAS, 1)
        yield running


def test_a_moved_alias_is_rolled_out_and_one_that_is_moved_back_is_the_old_revision(
    shared: Kubectl, registry: Mlflow
) -> None:
    obj = serving.small(shared, NAME, "", rollout={"bakeTime": "2m"})
    obj["spec"]["model"]["source"] = tracking.source(shared, MODEL, ALIAS) | {"pollInterval": "5s"}
    shared.apply(obj)
    await_status(shared, NAME, serving.serves(1), seconds=240)
    assert serving.answer(shared, NAME) == [[5.0, 7.0]]

    registry.point(MODEL, ALIAS, 2)
    await_status(shared, NAME, serving.serves(2), seconds=120)
    assert serving.answer(shared, NAME) == [[6.0, 8.0]]

    registry.point(MODEL, ALIAS, 1)
    status = await_status(shared, NAME, serving.serves(1), seconds=120)
    assert serving.answer(shared, NAME) == [[5.0, 7.0]]
    assert [each["revision"] for each in status["revisions"]] == [1, 2], "no third one for what was there before"
    said = [each["reason"] for each in shared.items("events", "") if each["involvedObject"]["name"] == NAME]
    assert said.count("SourceMoved") >= 1
    kept = {each["revision"]: each["data"]["origin"] for each in shared.items("controllerrevisions", "")}
    assert {number: origin["pin"].rpartition(" ")[2] for number, origin in kept.items()} == {1: "1", 2: "2"}
    assert all(origin["runId"] for origin in kept.values()), "who made it is known"


def test_an_alias_that_is_gone_stops_nothing(shared: Kubectl, registry: Mlflow) -> None:
    registry.ask("DELETE", "mlflow/registered-models/alias", {"name": MODEL, "alias": ALIAS})
    status = await_status(
        shared, NAME, lambda status: condition(status, "SourceReady")["status"] == "False", seconds=120
    )
    assert "there is no alias" in condition(status, "SourceReady")["message"]
    assert condition(status, "Ready")["status"] == "True"
    assert serving.answer(shared, NAME) == [[5.0, 7.0]]
