"""What a ModelDeployment says of itself, waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from e2e.kubectl import Kubectl

Object = dict[str, Any]


def condition(status: Object, kind: str) -> Object:
    """A condition, or an empty one."""
    none = {"status": "", "reason": "", "message": ""}
    return next((each for each in status.get("conditions", []) if each["type"] == kind), none)


def await_status(namespace: Kubectl, name: str, is_so: Callable[[Object], bool], seconds: float = 90) -> Object:
    """The status, once it is so; of a status that does not become so, what it is instead."""
    until = time.monotonic() + seconds
    while True:
        status: Object = namespace.get("mdep", name).get("status", {})
        if is_so(status):
            return status
        assert time.monotonic() < until, namespace("describe", "mdep", name)
        time.sleep(0.5)
