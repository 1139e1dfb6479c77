"""Bad objects, one for each way to be wrong, and what the server has to say about each."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from tritium.api import names

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bad:
    """A value at a path of an otherwise good object.

    Attributes:
        path: where the value goes, below the object's root: `spec.model.source.uri`.
        value: what makes the object wrong.
        says: words that the refusal must have.
        at: the path that the refusal must name; by default the path of the value. Relative to it with a leading
            `.` or `[`.
        besides: further members of the spec, by path, that the case needs.
    """

    path: str
    value: Any
    says: str
    at: str = ""
    besides: tuple[tuple[str, Any], ...] = ()

    @property
    def named(self) -> str:
        """The path that the refusal must name."""
        return self.path + self.at if self.at.startswith((".", "[")) else self.at or self.path

    def object(self) -> Object:
        """The bad object."""
        bad = good()
        for path, value in (*self.besides, (self.path, self.value)):
            put(bad, path, value)
        return bad

    def __str__(self) -> str:
        """A name for the test's report."""
        return f"{self.path}={self.value!r:.40}"


def good(name: str = "fraud", **spec: Any) -> Object:
    """The shortest good object."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {"name": name},
        "spec": {"model": {"source": {"uri": "s3://models/fraud/7"}}, **spec},
    }


def put(target: Object, path: str, value: Any) -> None:
    """Set, or with None remove, the member at a dotted path.

    >>> target = {"a": {"b": 1}}
    >>> put(target, "a.c.d", 2), put(target, "a.b", None), target
    (None, None, {'a': {'c': {'d': 2}}})
    """
    *parents, last = path.split(".")
    for parent in parents:
        target = target.setdefault(parent, {})
    if value is None:
        target.pop(last, None)
    else:
        target[last] = copy.deepcopy(value)
