"""Parts that bad objects are made of, and the sentences that refuse them."""

from __future__ import annotations

from typing import Any, Final

SOURCE = "spec.model.source"
DURATION = "must be a duration such as 500ms, 30s or 1h30m"
QUANTITY = "must be a quantity of zero or more, such as 2, 500m or 16Gi"
OBJECT_NAME = "must be a Kubernetes object's name"
LIMIT = "must be a duration above zero, such as 500ms, 30s or 1h30m"
DELAY = "must be a short duration such as 100us, 5ms or 1s"
STEPS = ("spec.rollout.steps", [{"weight": 5}])
DNS_LABEL = "must be lower-case letters, digits and -, such as control"
HEADER = "must be an HTTP header's name"
DIGEST = "must be sha256: and 64 lower-case hexadecimal digits; `tritium digest DIR` prints it"
TENSOR: Final = {"name": "x", "datatype": "FP32", "shape": [1], "data": [1.5]}
QUERY: Final = {"name": "a", "query": "up", "max": 1}
ARM: Final = {"name": "a", "revision": 1, "weight": 10}
MLFLOW: Final = {"trackingUri": "https://mlflow.example.com", "name": "fraud", "version": 7}
LOGGED = (("spec.logging", {"uri": "s3://logs", "sampleRate": 0.1}),)
NO_URI = ((f"{SOURCE}.uri", None),)


def many(entry: Any, count: int) -> list[Any]:
    """A list that is one too long."""
    return [entry] * count


def named(entry: dict[str, Any], count: int) -> list[Any]:
    """A list that is one too long, of entries that differ by name."""
    return [entry | {"name": f"n{number}"} for number in range(count)]


def keys(count: int, value: Any = "1") -> dict[str, Any]:
    """A map that is one too large."""
    return {f"k{number}": value for number in range(count)}
