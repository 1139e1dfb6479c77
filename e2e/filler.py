"""A program for a pod of the operator's image: writes a model with very many bytes into the namespace's bucket.

    python3 filler.py ENDPOINT PREFIX COUNT SMALL LARGE

COUNT files of SMALL bytes and one of LARGE, with bytes that anybody can make again: nothing large has to travel through
a port-forward. The keys of the bucket are in the environment.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Iterator

import obstore
from obstore.store import S3Store

PIECE = 8 << 20
"""Bytes of a file that are made at a time."""


def content(seed: int, size: int) -> Iterator[bytes]:
    """The bytes of a file, in pieces.

    >>> [len(piece) for piece in content(0, 9 << 20)]
    [8388608, 1048576]
    """
    source = random.Random(seed)  # noqa: S311 - no secret
    for start in range(0, size, PIECE):
        yield source.randbytes(min(PIECE, size - start))


def sizes(count: int, small: int, large: int) -> dict[str, int]:
    """Where each file lies in the model's version, and how many bytes it has; a file's seed is its place.

    >>> sizes(2, 10, 1000)
    {'data/0.bin': 10, 'data/1.bin': 10, 'large.bin': 1000}
    """
    return {f"data/{number}.bin": small for number in range(count)} | {"large.bin": large}


async def main(endpoint: str, prefix: str, *amounts: str) -> None:
    """Write them all."""
    store = S3Store(
        "models",
        endpoint=endpoint,
        region="us-east-1",
        access_key_id=os.environ["ROOT_ACCESS_KEY"],
        secret_access_key=os.environ["ROOT_SECRET_KEY"],
        client_options={"allow_http": True},
    )
    slots = asyncio.Semaphore(8)

    async def put(seed: int, path: str, size: int) -> None:
        async with slots:
            pieces = content(seed, size)
            await obstore.put_async(store, f"{prefix}/{path}", pieces if size > PIECE else b"".join(pieces))

    files = sizes(*map(int, amounts)).items()
    await asyncio.gather(*(put(seed, path, size) for seed, (path, size) in enumerate(files)))
    print(f"{len(files)} files are there")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
    sys.stdout.flush()
    # Threads of the object store's library may still run: an interpreter taken down under them aborts now and then.
    os._exit(0)
