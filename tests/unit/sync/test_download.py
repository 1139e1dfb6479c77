"""What a thread of a download works on outlives the download that was given up."""

import asyncio
import threading

import pytest

from tritium.sync.download import _to_its_end


async def test_a_thread_is_waited_for_though_nobody_wants_its_work_any_more() -> None:
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert go_on.wait(10)
        done.set()

    working = asyncio.create_task(_to_its_end(work))
    await asyncio.to_thread(begun.wait, 10)
    working.cancel()
    await asyncio.sleep(0.05)
    assert not working.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert done.is_set()
