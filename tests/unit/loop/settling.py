"""Waiting for tasks of this process, where nothing but they themselves is waited for: no network, no clock."""

from __future__ import annotations

import asyncio


async def settle() -> None:
    """Let all that can go on go on."""
    for _ in range(50):
        await asyncio.sleep(0)
