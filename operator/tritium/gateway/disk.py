"""The last good facts, on the volume of the pod: what a new agent goes on with while no API server answers.

The file has two lines: what it is, and the facts. It is replaced as a whole or not at all; one that is not what this
agent wrote for this namespace is of no use, and says so.
"""

import hashlib
import os
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from tritium.gateway.facts import Facts

FORMAT: Final = 1
"""Goes up when the meaning of the facts changes."""

_FACTS: Final = TypeAdapter(Facts)


class Unusable(ValueError):
    """The file is there, and cannot be used; the text says why."""


class _Head(BaseModel):
    """What a file is.

    Attributes:
        sha256: of the second line.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = FORMAT
    namespace: str
    sha256: str


def save(path: Path, namespace: str, facts: Facts) -> None:
    """Replace the file; what was there stays until all of it is written.

    Raises:
        OSError: it cannot be written.
    """
    body = _FACTS.dump_json(facts, by_alias=True, exclude_none=True)
    head = _Head(namespace=namespace, sha256=hashlib.sha256(body).hexdigest())
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(head.model_dump_json().encode() + b"\n" + body + b"\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load(path: Path, namespace: str) -> Facts | None:
    """The facts in the file; None if there is no file.

    Raises:
        Unusable: it is cut off, changed, of another namespace, or of an agent that means something else by it.
        OSError: it cannot be read.
    """
    try:
        written = path.read_bytes()
    except FileNotFoundError:
        return None
    first, _, body = written.removesuffix(b"\n").partition(b"\n")
    try:
        head = _Head.model_validate_json(first)
    except ValidationError as error:
        raise Unusable(f"{path} begins with something else than this agent writes: {_brief(error)}") from error
    if head.namespace != namespace:
        raise Unusable(f"{path} is of namespace {head.namespace}")
    if head.sha256 != hashlib.sha256(body).hexdigest():
        raise Unusable(f"{path} is not as it was written")
    try:
        return _FACTS.validate_json(body)
    except ValidationError as error:
        raise Unusable(f"{path} holds something that is not understood: {_brief(error)}") from error


def _brief(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
