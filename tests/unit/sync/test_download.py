"""What a thread of a download works on outlives a download that was given up; a file of another length is refused."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from tritium.api.fetch import FetchReason
from tritium.sync.claim import Claim
from tritium.sync.disk import to_its_end
from tritium.sync.download import Download, Patience, Progress
from tritium.sync.errors import Failed
from tritium.sync.exact import Exact


async def test_a_thread_is_waited_for_though_nobody_wants_its_work_any_more() -> None:
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert go_on.wait(10)
        done.set()

    working = asyncio.create_task(to_its_end(work))
    await asyncio.to_thread(begun.wait, 10)
    working.cancel()
    await asyncio.sleep(0.05)
    assert not working.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert done.is_set()


async def test_a_file_that_is_longer_than_it_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "model.onnx").write_bytes(b"weights")
    (tmp_path / "target").write_bytes(b"weights and more")
    store = Exact(Claim("pvc://models", tmp_path / "source", ()), "pvc://models")
    download = Download(store, Patience(), Progress())
    with pytest.raises(Failed, match=r"16 bytes lie on the disk where 7 of model\.onnx") as caught:
        await download.run((await store.files()).files, {"model.onnx": tmp_path / "target"})
    assert caught.value.reason == FetchReason.FETCH_FAILED


async def test_of_a_download_that_failed_nothing_stays_open(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    for number in range(100):
        (tmp_path / "source" / f"{number:02}").write_bytes(b"weights")
    store = Exact(Claim("pvc://models", tmp_path / "source", ()), "pvc://models")
    files = (await store.files()).files
    (tmp_path / "source" / "99").write_bytes(b"other weights")
    targets = {each.path: tmp_path / f"target-{each.path}" for each in files}
    with pytest.raises(Failed) as caught:
        await Download(store, Patience(), Progress()).run(files, targets)
    assert caught.value.reason == FetchReason.SOURCE_CHANGED
    opened = [os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()]
    assert not [each for each in opened if each.startswith(str(tmp_path))]
