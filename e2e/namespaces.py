"""Namespaces of tests: made, remembered for the report of a failure, and removed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Final

import pytest

from e2e.kubectl import Kubectl

RESTRICTED: Final = {"pod-security.kubernetes.io/enforce": "restricted"}
INSIDE: Final = pytest.StashKey[list[Kubectl]]()
"""On a test or its module: the namespaces it has."""


def fresh(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """Kubectl in a namespace of its own, under the Pod Security Standard `restricted`; for a fixture to yield from."""
    name = f"e2e-{secrets.token_hex(4)}"
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}})
    inside = kubectl.within(name)
    request.node.stash.setdefault(INSIDE, []).append(inside)
    yield inside
    kubectl("delete", "namespace", name, "--wait=false")


def of(item: pytest.Item) -> list[Kubectl]:
    """The namespaces of a test, and those that it shares with others of its module."""
    return [each for node in item.listchain() for each in node.stash.get(INSIDE, [])]
