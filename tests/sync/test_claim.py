"""Models on a volume: what is read of it, and what never is."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sync.pod import Pod, request
from tritium.api.fetch import FetchReason, FetchRequest
from tritium.sync import claim as claims
from tritium.sync.download import CHUNK
from tritium.sync.errors import Failed

MODEL = {"config.pbtxt": b'backend: "onnxruntime"\n', "1/model.onnx": os.urandom(CHUNK + 7), "1/deep/er/a.txt": b""}


@pytest.fixture
def volume(pod: Pod) -> Path:
    """The claim, with a model on it."""
    folder = pod.mounts.source / "models" / "fraud"
    for path, content in MODEL.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (pod.root / "secret").write_bytes(b"of the node")
    return pod.mounts.source


def wanted(path: str = "models/fraud", **more: str) -> FetchRequest:
    return request("", f"pvc://claim/{path}", options={}, credentials=False, **more)


@pytest.mark.parametrize("path", ["models/fraud", "models/fraud/", "models//fraud", "./models/fraud"])
async def test_a_folder(pod: Pod, volume: Path, path: str) -> None:
    result = await pod.resolve_and_fetch(wanted(path))
    assert pod.model() == MODEL
    assert result.files == 3
    assert {each.name for each in volume.iterdir()} == {"models"}, "nothing is written there"


async def test_one_file_and_the_whole_claim(pod: Pod, volume: Path, tmp_path: Path) -> None:
    (volume / "model.onnx").write_bytes(b"weights")
    await pod.resolve_and_fetch(wanted("model.onnx"))
    assert pod.model()["1/model.onnx"] == b"weights"
    whole = Pod(tmp_path / "whole")
    (whole.mounts.source / "lost+found").mkdir(parents=True)
    (whole.mounts.source / "model.onnx").write_bytes(b"weights")
    await whole.resolve_and_fetch(wanted(""))
    assert whole.model()["1/model.onnx"] == b"weights"


HOSTILE: dict[str, Callable[[Path, Path], object]] = {
    "a link to a file": lambda folder, secret: (folder / "1" / "x").symlink_to(secret),
    "a link to a folder": lambda folder, secret: (folder / "1" / "x").symlink_to(secret.parent),
    "a link within the model": lambda folder, _: (folder / "1" / "x").symlink_to("model.onnx"),
    "a link to nothing": lambda folder, _: (folder / "1" / "x").symlink_to("nowhere"),
    "a pipe": lambda folder, _: os.mkfifo(folder / "1" / "x"),
    "a socket": lambda folder, _: bound(folder / "1" / "x"),
}


def bound(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)


@pytest.mark.parametrize("what", list(HOSTILE))
async def test_nothing_but_files_and_folders(pod: Pod, volume: Path, what: str) -> None:
    HOSTILE[what](volume / "models" / "fraud", pod.root / "secret")
    async with asyncio.timeout(5):
        reason, message = await pod.refuses("resolve", wanted())
    assert reason == FetchReason.MODEL_INVALID
    assert "'1/x'" in message
    assert "links are not followed" in message


@pytest.mark.parametrize("place", ["models", "models/fraud"])
async def test_no_link_on_the_way(pod: Pod, volume: Path, place: str) -> None:
    (volume / place).rename(volume / "elsewhere")
    (volume / place).symlink_to(volume / "elsewhere")
    reason, message = await pod.refuses("resolve", wanted())
    assert reason == FetchReason.SOURCE_NOT_FOUND
    assert "symbolic link" in message


async def test_a_file_that_becomes_a_link_after_it_was_listed(pod: Pod, volume: Path) -> None:
    found = await pod.resolve(wanted())
    weights = volume / "models" / "fraud" / "1" / "model.onnx"
    listing = await claims.claim(wanted().source, volume).files()
    [remote] = [each for each in listing.files if each.path == "1/model.onnx"]
    weights.unlink()
    weights.symlink_to(pod.root / "secret")
    with pytest.raises(Failed, match="symbolic link"):
        async for _ in claims.claim(wanted().source, volume).read(remote, 0, 5):
            pass
    reason, _ = await pod.refuses("fetch", wanted(fingerprint=found.fingerprint or ""))
    assert reason == FetchReason.MODEL_INVALID
    assert not pod.ready.exists()


@pytest.mark.parametrize("content", [b"other", MODEL["1/model.onnx"][::-1], MODEL["1/model.onnx"] + b"more"])
async def test_what_changed_since_it_was_listed(pod: Pod, volume: Path, content: bytes) -> None:
    found = await pod.resolve(wanted())
    (volume / "models" / "fraud" / "1" / "model.onnx").write_bytes(content)
    reason, message = await pod.refuses("fetch", wanted(fingerprint=found.fingerprint or ""))
    assert reason == FetchReason.SOURCE_CHANGED
    assert "put the new one at another path" in message


async def test_what_is_written_while_it_is_read(pod: Pod, volume: Path) -> None:
    model = claims.claim(wanted().source, volume)
    [remote] = [each for each in (await model.files()).files if each.path == "1/model.onnx"]
    pieces = model.read(remote, 0, remote.size)
    assert await anext(pieces)
    os.utime(volume / "models" / "fraud" / "1" / "model.onnx", (1, 1))
    with pytest.raises(Failed) as caught:
        await anext(pieces)
    assert caught.value.reason == FetchReason.SOURCE_CHANGED


@pytest.mark.parametrize("path", ["models/nothing", "models/fraud/config.pbtxt/x"])
@pytest.mark.usefixtures("volume")
async def test_nothing_there(pod: Pod, path: str) -> None:
    reason, message = await pod.refuses("resolve", wanted(path))
    assert reason == FetchReason.SOURCE_NOT_FOUND
    assert message.startswith(f"pvc://claim/{path}: ")


async def test_an_empty_folder(pod: Pod, volume: Path) -> None:
    (volume / "empty").mkdir()
    assert (await pod.refuses("resolve", wanted("empty")))[0] == FetchReason.SOURCE_NOT_FOUND


@pytest.mark.parametrize("more", [{"options": {"region": "eu"}}, {"credentials": True}])
@pytest.mark.usefixtures("volume")
async def test_nothing_that_is_written_is_passed_over(pod: Pod, more: dict[str, Any]) -> None:
    given: dict[str, Any] = {"options": {}, "credentials": False} | more
    asked = request("", "pvc://claim/models/fraud", **given)
    reason, message = await pod.refuses("resolve", asked)
    assert reason == FetchReason.FETCH_FAILED
    assert "takes neither options nor a Secret" in message
