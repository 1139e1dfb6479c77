"""What threads work on is not closed before all of them are done."""

from __future__ import annotations

import asyncio
import time

import pytest

from tritium.sync.disk import to_their_end


async def test_cancelled_it_waits_for_the_slowest() -> None:
    done: list[str] = []

    def work(name: str, seconds: float) -> None:
        time.sleep(seconds)  # as a disk does
        done.append(name)

    both = asyncio.create_task(to_their_end(lambda: work("quick", 0.1), lambda: work("slow", 0.4)))
    await asyncio.sleep(0.05)
    both.cancel()
    with pytest.raises(asyncio.CancelledError):
        await both
    assert done == ["quick", "slow"]


async def test_what_one_fails_with_is_told_when_the_other_is_done() -> None:
    done: list[str] = []

    def fails() -> None:
        raise OSError("no space left on device")

    def goes_on() -> None:
        time.sleep(0.2)
        done.append("done")

    with pytest.raises(OSError, match="no space left"):
        await to_their_end(fails, goes_on)
    assert done == ["done"]
