"""A look into a file at its source, where its name does not say enough, before all of the model is fetched."""

import asyncio
from typing import Final

from tritium.sync.errors import Failed
from tritium.sync.listing import Listing, RemoteFile
from tritium.sync.places import NotAModel
from tritium.sync.sources import Store

_LARGEST: Final = 4 << 20
"""Bytes of a text: an MLmodel has some kilobytes."""
_END: Final = 64 << 10
"""Bytes at either end of a file."""
_TRIES: Final = 3


async def text(store: Store, listing: Listing, path: str) -> str:
    """All of a small text file.

    Raises:
        NotAModel: it is no text, or too large.
        Failed: it cannot be read.
    """
    file = _file(listing, path)
    if file.size > _LARGEST:
        raise NotAModel(f"has a file {path} of more than {_LARGEST >> 20} MiB; check what it holds")
    try:
        return (await _part(store, file, 0, file.size)).decode()
    except UnicodeDecodeError as error:
        raise NotAModel(f"has a file {path} that is not text in UTF-8; check what it holds") from error


async def is_torchscript(store: Store, listing: Listing, path: str) -> bool:
    """Whether a file that PyTorch saved is a program: its archive then has `constants.pkl` at the end.

    Raises:
        Failed: it cannot be read.
    """
    file = _file(listing, path)
    return b"/constants.pkl" in await _part(store, file, max(file.size - _END, 0), file.size)


async def answers_a_class(store: Store, listing: Listing, path: str) -> bool:
    """Whether trees that XGBoost saved answer the number of a class, and not what speaks for each.

    JSON and UBJSON name the objective at the end, the binary format of old at the beginning.

    Raises:
        Failed: it cannot be read.
    """
    file = _file(listing, path)
    ends = (0, min(file.size, _END)), (max(file.size - _END, 0), file.size)
    return any([b"multi:softmax" in await _part(store, file, start, end) for start, end in ends])


def _file(listing: Listing, path: str) -> RemoteFile:
    return next(file for file in listing.files if file.path == path)


async def _part(store: Store, file: RemoteFile, start: int, end: int) -> bytes:
    for left in reversed(range(_TRIES)):
        try:
            return b"".join([piece async for piece in store.read(file, start, end)])
        except Failed as failure:
            if not failure.transient or not left:
                raise
            await asyncio.sleep(0.5)
    raise AssertionError("returned or raised before")
