"""Listings with folder markers, and those of a server that is not to be trusted."""

from __future__ import annotations

import pytest

from tests.sync.listings import listing
from tests.sync.pod import Pod, request
from tritium.api.fetch import FetchReason

MODEL = "s3://b/f/7"


async def test_keys_that_only_mark_a_folder_are_no_files(pod: Pod) -> None:
    objects = [("f/7/", 0), ("f/7/1/", 0), ("f/7/1/model.onnx", 3), ("f/7/1/assets/", 0), ("f/7/1/__init__.py", 0)]
    with listing(*objects, known=("__init__.py",)) as endpoint:
        found = await pod.resolve(request(endpoint, MODEL))
    assert (found.files, found.bytes) == (2, 3)


@pytest.mark.parametrize(
    "key",
    ["f/7/1/../../../etc/passwd", "f/7//1/model.onnx", "f/7/./1/model.onnx", "etc/passwd", "f/70/1/model.onnx", "f/7"],
)
async def test_a_key_that_lies_elsewhere_is_refused(pod: Pod, key: str) -> None:
    with listing(("f/7/1/model.onnx", 3), (key, 3)) as endpoint:
        reason, _ = await pod.refuses("resolve", request(endpoint, MODEL))
    assert reason == FetchReason.MODEL_INVALID


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("f/7/1/model.onnx", 3), "lists the same file twice"),
        (("f/7/1/model.onnx/x", 3), "both as a file and as a folder"),
        (("f/7/1/\x7f", 3), "whose name cannot be used"),
    ],
)
async def test_names_that_cannot_lie_side_by_side_are_refused(pod: Pod, more: tuple[str, int], said: str) -> None:
    with listing(("f/7/1/model.onnx", 3), more) as endpoint:
        wanted = request(endpoint, MODEL)
        reason, message = await pod.refuses("resolve", wanted)
    assert reason == FetchReason.MODEL_INVALID
    assert said in message


@pytest.mark.parametrize("count", [10_001, 20_001])
async def test_a_whole_bucket_is_no_model(pod: Pod, count: int) -> None:
    with listing(*((f"f/7/1/{number}", 3) for number in range(count))) as endpoint:
        wanted = request(endpoint, MODEL)
        reason, message = await pod.refuses("resolve", wanted)
    assert reason == FetchReason.MODEL_INVALID
    assert "10000 files" in message
