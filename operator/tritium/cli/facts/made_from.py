"""What a revision was made from, out of its ControllerRevision: its source, and the pods it has."""

import json
from collections.abc import Mapping
from typing import Any

from tritium.api import names
from tritium.api.fetch import REQUEST_VARIABLE

_OF_EACH = "REVISION"
"""Stands for the revision's own name, which differs whatever it was made from."""


def made_from(obj: Mapping[str, Any]) -> dict[str, Any]:
    """The members that tell revisions apart, without those that only name them.

    Args:
        obj: a ControllerRevision as the API server stores it.

    Returns:
        source, layout, config and warm-up as the user wrote them, what was found there, and the pod template.
    """
    data = obj["data"]
    asked = _request(data["template"])
    found = {name: data.get(name) for name in ("model", "fingerprint", "files", "bytes")}
    found |= {"origin": data["origin"]} if "origin" in data else {}
    written: dict[str, Any] = {name: asked[name] for name in ("source", "layout", "config", "warmup") if name in asked}
    return {**written, **found, "template": _nameless(data["template"], obj["metadata"]["name"])}


def image(made: Mapping[str, Any]) -> str:
    """Triton's image."""
    for container in made["template"].get("spec", {}).get("containers") or ():
        if container.get("name") == "triton":
            return str(container.get("image", ""))
    return ""


def address(made: Mapping[str, Any]) -> str:
    """Where the model lies.

    >>> address({"source": {"uri": "s3://models/fraud/1", "options": {"region": "eu-1"}}})
    's3://models/fraud/1'
    >>> address({"source": {"mlflow": {"trackingUri": "http://mlflow:5000", "name": "fraud", "alias": "champion"}}})
    'models:/fraud@champion at http://mlflow:5000'
    """
    source = made.get("source") or {}
    registered = source.get("mlflow")
    if not registered:
        return str(source.get("uri") or "")
    which = f"/{registered['version']}" if "version" in registered else f"@{registered['alias']}"
    return f"models:/{registered['name']}{which} at {registered['trackingUri']}"


def led_to(made: Mapping[str, Any]) -> str:
    """Where the source's moving reference led; empty where it has none.

    >>> led_to({"origin": {"pin": "version 7", "uri": "s3://mlflow/1/models/m-2", "runId": "8f2c"}})
    'version 7 · s3://mlflow/1/models/m-2 · run 8f2c'
    """
    origin = made.get("origin") or {}
    parts = [str(origin[name]) for name in ("pin", "uri") if name in origin]
    return " · ".join([*parts, *([f"run {origin['runId']}"] if "runId" in origin else [])])


def _request(template: Mapping[str, Any]) -> dict[str, Any]:
    """What its pods are to fetch."""
    for container in template.get("spec", {}).get("initContainers") or ():
        for variable in container.get("env") or ():
            if variable.get("name") == REQUEST_VARIABLE:
                return dict(json.loads(variable["value"]))
    return {}


def _nameless(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _nameless(each, name) for key, each in value.items() if key != names.REVISION}
    if isinstance(value, list):
        return [_nameless(each, name) for each in value if not _is_request(each)]
    return _OF_EACH if value == name else value


def _is_request(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("name") == REQUEST_VARIABLE
