# ruff: noqa: ASYNC109  # the timeout bounds a condition that is read again and again, not one await
"""Waiting for something to become true, with a failure that says what was seen instead."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import TYPE_CHECKING, Any, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

T = TypeVar("T")


@overload
async def wait_for(
    read: Callable[[], Awaitable[T]], timeout: float = ..., what: str = ..., *, until: Callable[[T], object] = ...
) -> T: ...
@overload
async def wait_for(
    read: Callable[[], T], timeout: float = ..., what: str = ..., *, until: Callable[[T], object] = ...
) -> T: ...
async def wait_for(
    read: Callable[[], Any],
    timeout: float = 10,
    what: str = "the condition",
    *,
    until: Callable[[Any], object] = bool,
) -> Any:
    """Read again and again until `until(value)` is true, and return that value.

    What is read is kept apart from what is expected of it, so that the failure can show the last value.
    Exceptions of `read` are not swallowed: a condition that may not exist yet reads `None`.
    """
    began = time.monotonic()
    deadline = began + timeout
    while True:
        seen = read()
        value = await seen if inspect.isawaitable(seen) else seen
        if until(value):
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout:g} s; last seen: {value!r}")
        # What takes long is asked for less often: to ask is half of the work of a test that waits.
        await asyncio.sleep(min(0.25, 0.05 + (time.monotonic() - began) / 20))


async def to_its_end(beginning: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns; whoever is cancelled meanwhile waits for it.

    For what listens: asyncio and gRPC forget a server that was cancelled while it started, and it is there for ever.
    """
    task = asyncio.create_task(beginning)
    try:
        return await asyncio.shield(task)
    finally:
        await asyncio.wait([task])
