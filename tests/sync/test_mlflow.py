"""Models of a real MLflow server: where an alias leads, and that the right bytes come, whatever happens to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sync.azurite import ACCOUNT, CONTAINER, Azurite
from tests.sync.pod import Pod
from tests.sync.proxy import line
from tests.sync.s3 import BUCKET, S3
from tests.sync.test_follow import Clock, follow, followed, nothing
from tests.sync.tracking import Mlflow, saved
from tritium.api.fetch import FetchReason

ONNX = saved("onnx")
REPOSITORY = {"config.pbtxt": b'backend: "python"\n', "1/model.py": b"one", "2/model.py": b"two"}


@pytest.fixture(params=["mlflow", "guarded"])
def tracking(request: pytest.FixtureRequest, pod: Pod) -> Mlflow:
    """A server that answers range requests, and one that does not; its keys are in the pod's Secret."""
    found: Mlflow = request.getfixturevalue(request.param)
    pod.secret = found.keys or {"MLFLOW_TRACKING_TOKEN": "nobody-asks-for-it"}
    return found


async def test_an_alias_is_pinned(tracking: Mlflow, pod: Pod, prefix: str) -> None:
    place, run = tracking.log(ONNX)
    tracking.point(prefix, "champion", first := tracking.register(prefix, place, run))
    wanted = tracking.wants(prefix, alias="champion")
    found = await pod.resolve(wanted)
    assert found.origin
    assert (found.origin.pin, found.origin.uri, found.origin.run_id) == (f"version {first}", place, run)
    assert found == await pod.resolve(wanted)
    tracking.point(prefix, "champion", second := tracking.add(prefix, ONNX | {"model.onnx": b"another"}))
    moved = await pod.resolve(wanted)
    assert moved.origin
    assert moved.origin.pin == f"version {second}"
    assert moved.fingerprint != found.fingerprint
    await pod.fetch(wanted.model_copy(update={"fingerprint": found.fingerprint, "pin": found.origin.pin}))
    assert pod.model()["1/model.onnx"] == ONNX["model.onnx"]
    assert pod.model()["mlflow/MLmodel"] == ONNX["MLmodel"]


async def test_an_alias_is_followed_when_it_moves(mlflow: Mlflow, pod: Pod, prefix: str) -> None:
    mlflow.point(prefix, "champion", mlflow.add(prefix, ONNX))
    source = await followed(pod, mlflow.wants(prefix, alias="champion", credentials=False))
    clock = Clock(nothing, lambda: mlflow.point(prefix, "champion", mlflow.add(prefix, ONNX)))
    (told,) = (await follow(pod, clock, source)).reports
    assert told.before != told.fingerprint
    assert told.failure is None
    assert clock.slept == [60.0, 60.0]


async def test_a_model_that_is_there_already_is_not_fetched_again(mlflow: Mlflow, pod: Pod, prefix: str) -> None:
    version = mlflow.add(prefix, ONNX)
    wanted = mlflow.wants(prefix, version=version, credentials=False)
    first = await pod.resolve_and_fetch(wanted)
    nobody = wanted.source.model_copy(
        update={"mlflow": wanted.source.mlflow.model_copy(update={"tracking_uri": "http://127.0.0.1:1"})}  # type: ignore[union-attr]
    )
    again = await pod.fetch(wanted.model_copy(update={"source": nobody, "fingerprint": first.fingerprint}))
    assert again.digest == first.digest


def test_one_server_answers_range_requests_and_one_does_not(mlflow: Mlflow, guarded: Mlflow, prefix: str) -> None:
    """If that changes, the tests below no longer try both ways."""
    for running, status in ((mlflow, 206), (guarded, 200)):
        place, _ = running.log(ONNX)
        assert running.status_of_a_part(f"{place}/model.onnx") == status


async def test_a_claim_keeps_it_as_it_was_laid_out(mlflow: Mlflow, tmp_path: Path, prefix: str) -> None:
    mlflow.point(prefix, "champion", mlflow.add(prefix, ONNX))
    claim = tmp_path / "claim"
    claim.mkdir()
    cache = {"claimName": "models", "revision": "fraud-00000001"}
    wanted = mlflow.wants(prefix, alias="champion", credentials=False, cache=cache)
    first, second = (Pod(tmp_path / name, claim=claim) for name in ("first", "second"))
    found = await first.resolve_and_fetch(wanted)
    mlflow.ask("DELETE", "mlflow/registered-models/delete", {"name": prefix})
    pinned = wanted.model_copy(update={"fingerprint": found.fingerprint, "pin": "version 1"})
    assert (await second.fetch(pinned)).digest == found.digest
    assert second.model() == first.model()
    assert second.model()["1/model.onnx"] == ONNX["model.onnx"]


async def test_large_files_come_in_parts(tracking: Mlflow, pod: Pod, prefix: str) -> None:
    files = {"1/a.bin": os.urandom(20 << 20), "1/b.bin": os.urandom(17 << 20), "1/model.py": b"", "1/c é.txt": b"c"}
    version = tracking.add(prefix, files)
    result = await pod.resolve_and_fetch(tracking.wants(prefix, version=version))
    assert pod.model() == files
    assert result.files == 4
    assert result.bytes == (37 << 20) + 1


async def test_a_line_that_breaks_costs_time_and_nothing_else(tracking: Mlflow, pod: Pod, prefix: str) -> None:
    files = {"1/a.bin": os.urandom(20 << 20), "1/b.bin": os.urandom(9 << 20), "1/model.py": b""}
    version = tracking.add(prefix, files)
    async with line(tracking.port) as between:

        def heal(passed: int) -> None:
            if passed > 24 << 20:
                between.cut = None

        found = await pod.resolve(tracking.wants(prefix, version=version))
        between.cut, between.watch = 5 << 20, heal
        broken = Mlflow(between.port, tracking.keys).wants(prefix, version=version)
        await pod.fetch(broken.model_copy(update={"fingerprint": found.fingerprint}))
    assert pod.model() == files


async def test_the_same_files_as_another_version_are_another_model(mlflow: Mlflow, pod: Pod, prefix: str) -> None:
    place, run = mlflow.log(ONNX)
    both = [mlflow.register(prefix, place, run) for _ in range(2)]
    found = [await pod.resolve(mlflow.wants(prefix, version=each, credentials=False)) for each in both]
    assert found[0].fingerprint != found[1].fingerprint
    assert found[0].bytes == found[1].bytes


async def test_a_version_number_that_is_given_again_is_noticed(mlflow: Mlflow, pod: Pod, prefix: str) -> None:
    mlflow.add(prefix, ONNX)
    wanted = mlflow.wants(prefix, version=1, credentials=False)
    found = await pod.resolve(wanted)
    mlflow.ask("DELETE", "mlflow/registered-models/delete", {"name": prefix})
    mlflow.add(prefix, ONNX)
    asked = wanted.model_copy(update={"fingerprint": found.fingerprint, "pin": "version 1"})
    assert (await pod.refuses("fetch", asked))[0] is FetchReason.SOURCE_CHANGED


async def test_a_repository_of_triton_is_served_as_it_is(mlflow: Mlflow, pod: Pod, prefix: str) -> None:
    version = mlflow.add(prefix, {f"fraud/{path}": content for path, content in REPOSITORY.items()})
    await pod.resolve_and_fetch(mlflow.wants(prefix, version=version, credentials=False, layout="triton"))
    assert pod.model() == REPOSITORY


async def test_a_bucket_is_read_without_the_server(mlflow: Mlflow, server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, ONNX)
    version = mlflow.register(prefix, f"s3://{BUCKET}/{prefix}")
    wanted = mlflow.wants(prefix, version=version, options={"endpoint": server.endpoint, "allowHttp": "true"})
    result = await pod.resolve_and_fetch(wanted)
    assert pod.model()["1/model.onnx"] == ONNX["model.onnx"]
    found = await pod.resolve(wanted)
    assert found.origin
    assert found.origin.uri == f"s3://{BUCKET}/{prefix}"
    assert found.fingerprint == result.fingerprint
    server.put(f"{prefix}/model.onnx", b"in place")
    assert (await pod.resolve(wanted)).fingerprint != found.fingerprint


async def test_a_container_of_azure_is_read_without_the_server(
    mlflow: Mlflow, azurite: Azurite, pod: Pod, prefix: str
) -> None:
    azurite.put_all(prefix, ONNX)
    pod.secret = azurite.keys
    version = mlflow.register(prefix, f"wasbs://{CONTAINER}@{ACCOUNT}.blob.core.windows.net/{prefix}")
    options = {"endpoint": azurite.endpoint, "allowHttp": "true"}
    await pod.resolve_and_fetch(mlflow.wants(prefix, version=version, options=options))
    assert pod.model()["1/model.onnx"] == ONNX["model.onnx"]


async def test_torchscript_is_told_from_pickled_objects(tracking: Mlflow, pod: Pod, prefix: str) -> None:
    script = tracking.add(prefix, saved("torchscript"))
    objects = tracking.add(prefix, saved("torch-eager"))
    await pod.resolve_and_fetch(tracking.wants(prefix, version=script))
    assert pod.model()["1/model.pt"] == saved("torchscript")["data/model.pth"]
    reason, message = await pod.refuses("resolve", tracking.wants(prefix, version=objects))
    assert reason is FetchReason.MODEL_INVALID
    assert "data/model.pth, which is no TorchScript but objects of Python" in message


async def test_trees_want_a_signature_or_the_users_word(mlflow: Mlflow, pod: Pod, prefix: str) -> None:
    version = mlflow.add(prefix, saved("xgb-unsigned"))
    wanted = mlflow.wants(prefix, version=version, credentials=False)
    reason, message = await pod.refuses("resolve", wanted)
    assert reason is FetchReason.CONFIG_INVALID
    assert "holds trees without a signature of inputs and outputs" in message
    told = "input { name: 'input__0' data_type: TYPE_FP32 dims: 4 }"
    told += "output { name: 'output__0' data_type: TYPE_FP32 dims: 1 }"
    await pod.resolve_and_fetch(mlflow.wants(prefix, version=version, credentials=False, config={"raw": told}))
    assert b"input__0" in pod.model()["config.pbtxt"]


async def test_a_booster_that_answers_a_class_is_told_from_one_that_answers_numbers(
    tracking: Mlflow, pod: Pod, prefix: str
) -> None:
    """In the file alone it says so: the name of the objective, behind its length."""
    numbers = saved("xgb-softprob")
    await pod.resolve(tracking.wants(prefix, version=tracking.add(prefix, numbers)))
    objective = (b"\x0emulti:softprob", b"\x0dmulti:softmax")
    for more in (b"", bytes(200_000)):  # trees before it, as XGBoost has them
        classes = numbers | {"model.ubj": more + numbers["model.ubj"].replace(*objective)}
        assert len(classes["model.ubj"]) == len(numbers["model.ubj"]) + len(more) - 1
        version = tracking.add(prefix, classes)
        reason, message = await pod.refuses("resolve", tracking.wants(prefix, version=version))
        assert reason is FetchReason.MODEL_INVALID
        assert "has model.ubj, trees with the objective multi:softmax, whose answer is a class" in message


async def test_what_triton_cannot_serve_is_refused_before_there_is_a_pod(mlflow: Mlflow, pod: Pod, prefix: str) -> None:
    version = mlflow.add(prefix, saved("sklearn"))
    reason, message = await pod.refuses("resolve", mlflow.wants(prefix, version=version, credentials=False))
    assert reason is FetchReason.MODEL_INVALID
    assert message.startswith(
        f"models:/{prefix}/{version} at {mlflow.endpoint} has an MLmodel with the flavour sklearn"
    )
    assert "skl2onnx" in message
