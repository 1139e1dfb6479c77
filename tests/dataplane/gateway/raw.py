"""HTTP/1.1 as bytes: many requests at once on one connection, and requests that no library sends."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from typing import Final

from tests.ports import HOST

_REVISION: Final = re.compile(rb"\r\ntritium-revision: ([0-9]+)\r\n")
_STATUS: Final = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: ([0-9]+)\r\n", re.IGNORECASE)
_CHUNK: Final = 2**18


def get(path: str, **headers: str) -> bytes:
    """One request."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nhost: gateway\r\n{lines}\r\n".encode()


async def say(port: int, message: bytes, *, within: float = 10) -> bytes:
    """Send bytes on a connection of their own; return all that comes until the other side closes it.

    It closes after an answer to a request that says `connection: close`, and after anything malformed.
    """
    reader, writer = await asyncio.open_connection(HOST, port, limit=_CHUNK)
    try:
        async with asyncio.timeout(within):
            sending = asyncio.create_task(_send(writer, message))
            answer = await reader.read(-1)
            await sending
    except ConnectionError:
        return b""
    finally:
        writer.close()
    return answer


async def ask(port: int, message: bytes, *, within: float = 10) -> bytes:
    """The same, and return the first answer, or less if the connection is closed before it is whole."""
    reader, writer = await asyncio.open_connection(HOST, port, limit=_CHUNK)
    answer = bytearray()
    try:
        async with asyncio.timeout(within):
            writer.write(message)
            while not _is_whole(answer) and (more := await reader.read(_CHUNK)):
                answer += more
    except ConnectionError:
        pass
    finally:
        writer.close()
    return bytes(answer)


async def revisions(port: int, requests: Sequence[bytes], *, connections: int = 4, within: float = 60) -> list[int]:
    """The revision that answered each request, in their order; each must be answered with 200."""
    size = -(-len(requests) // connections)
    parts = [requests[start : start + size] for start in range(0, len(requests), size)]
    answers = await asyncio.gather(*(say(port, _closing(part), within=within) for part in parts))
    statuses = {status for answer in answers for status in _STATUS.findall(answer)}
    assert statuses == {b"200"}, statuses
    found = [int(number) for answer in answers for number in _REVISION.findall(answer)]
    assert len(found) == len(requests), (len(found), len(requests))
    return found


def status(answer: bytes) -> int:
    """Status of the first answer; 0 if the connection was closed without one."""
    found = _STATUS.match(answer)
    return int(found[1]) if found else 0


def _is_whole(answer: bytearray) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head + end)
    return bool(end) and length is not None and len(body) >= int(length[1])


def _closing(requests: Iterable[bytes]) -> bytes:
    *rest, last = requests
    return b"".join(rest) + last.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1)


async def _send(writer: asyncio.StreamWriter, message: bytes) -> None:
    for start in range(0, len(message), _CHUNK):
        writer.write(message[start : start + _CHUNK])
        await writer.drain()
