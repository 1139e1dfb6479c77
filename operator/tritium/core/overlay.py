"""An arm's model: the base's with changes."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

Json = Any

_OF_ANOTHER_PLACE: Final = frozenset({"uri", "mlflow", "digest"})
"""Of the base's source, what says nothing of another place: where it is, and which bytes are there."""

_OF_ANOTHER_VERSION: Final = frozenset({"version", "alias"})
"""Of the base's registered model, what says nothing of another version of it."""


def overlaid(spec: Mapping[str, Json], overlay: Mapping[str, Json]) -> dict[str, Json]:
    """The spec that an arm is made from.

    Args:
        spec: `spec` of the ModelDeployment as the API server stores it.
        overlay: `model` of the arm.

    >>> source = {"uri": "s3://m/1", "digest": "sha256:a", "options": {"region": "x"}}
    >>> base = {"model": {"source": source}, "replicas": 2}
    >>> overlaid(base, {"source": {"uri": "s3://m/2"}})["model"]
    {'source': {'options': {'region': 'x'}, 'uri': 's3://m/2'}}
    >>> overlaid(base, {}) == base
    True
    >>> registered = {"trackingUri": "https://mlflow.example.com", "name": "fraud"}
    >>> of_mlflow = {"model": {"source": {"mlflow": {**registered, "alias": "champion"}}}}
    >>> overlaid(of_mlflow, {"source": {"mlflow": {"version": 8}}})["model"]["source"]["mlflow"]
    {'trackingUri': 'https://mlflow.example.com', 'name': 'fraud', 'version': 8}
    """
    other = overlay.get("source")
    if not other:
        return dict(spec)
    model = spec["model"]
    shared = {name: value for name, value in model["source"].items() if name not in _OF_ANOTHER_PLACE}
    if "mlflow" in other:
        registered = {
            name: value for name, value in model["source"].get("mlflow", {}).items() if name not in _OF_ANOTHER_VERSION
        }
        other = {**other, "mlflow": {**registered, **other["mlflow"]}}
    return {**spec, "model": {**model, "source": {**shared, **other}}}


def overlay_hash(overlay: Mapping[str, Json]) -> str:
    """Sixteen characters by which an overlay that was changed is noticed.

    >>> overlay_hash({"source": {"uri": "s3://m/2"}}) == overlay_hash({"source": {"uri": "s3://m/3"}})
    False
    """
    text = json.dumps(overlay, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"tritium/overlay/v1\n{text}".encode()).hexdigest()[:16]


def overlay_of(spec: Mapping[str, Json], arm: str) -> Mapping[str, Json]:
    """The overlay of an arm, by its name."""
    arms = (spec.get("experiment") or {}).get("arms") or ()
    return next((each.get("model") or {} for each in arms if each["name"] == arm), {})
