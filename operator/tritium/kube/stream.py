"""A watch as it comes over the network: lines of JSON without end, and a peer that may be gone without a word."""

import json
import socket
from collections.abc import AsyncGenerator
from typing import Any, Final

import aiohttp

from tritium.kube.errors import Asked, Unavailable, error

_KEEP_ALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)
"""A peer that does not even answer the kernel is given up after 30 s."""


def keep_alive(answer: aiohttp.ClientResponse) -> None:
    """Have the kernel ask whether the other side is still there."""
    transport = answer.connection.transport if answer.connection else None
    connected = transport.get_extra_info("socket") if transport else None
    if connected is not None:
        for level, option, value in _KEEP_ALIVE:
            connected.setsockopt(level, option, value)


async def lines(content: aiohttp.StreamReader) -> AsyncGenerator[bytes]:
    """Lines of any length, without their ends; what is cut off in the middle is none."""
    parts: list[bytes] = []
    async for chunk in content.iter_any():
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            yield b"".join((*parts, end))
            parts = []
        parts.append(rest)


def event(asked: Asked, line: bytes) -> tuple[str, dict[str, Any]]:
    """One event: (ADDED, MODIFIED, DELETED or BOOKMARK, object).

    Raises:
        ApiError: it tells of an error.

    >>> from tritium.kube.kinds import PODS
    >>> event(Asked("watch", PODS, "a", None), b'{"type": "ERROR", "object": {"code": 410, "message": "too old"}}')
    Traceback (most recent call last):
    tritium.kube.errors.Unavailable: cannot watch Pod a: too old (410 Gone)
    """
    try:
        told = json.loads(line)
        kind, obj = str(told["type"]), dict(told["object"])
    except (ValueError, TypeError, KeyError) as broken:
        message = "what comes is no event: is this the API server?"
        raise Unavailable.because(asked, "NotJson", message) from broken
    if kind == "ERROR":
        raise error(asked, int(obj.get("code") or 0), obj)
    return kind, obj
