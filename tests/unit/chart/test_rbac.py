"""What the chart allows the operator to do is this, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tritium.api import names
from tritium.app import LEASE

TEMPLATE = Path(__file__).parents[3] / "charts" / "tritium" / "templates" / "rbac.yaml"
READ = {"get", "list", "watch"}
OWN = READ | {"create", "patch", "delete"}

Allowed = dict[tuple[str, str, str], set[str]]
"""Verbs by API group, resource and name of the object; an empty name is any."""

EVERYWHERE: Allowed = {
    (names.GROUP, names.PLURAL, ""): READ,
    (names.GROUP, f"{names.PLURAL}/status", ""): {"patch"},
    ("apiextensions.k8s.io", "customresourcedefinitions", names.CRD_NAME): {"get"},
    ("apps", "deployments", ""): OWN,
    ("apps", "controllerrevisions", ""): OWN,
    ("batch", "jobs", ""): OWN,
    ("", "services", ""): OWN - {"delete"},
    ("", "configmaps", ""): OWN,
    ("policy", "poddisruptionbudgets", ""): OWN,
    ("", "pods", ""): {"list", "watch", "delete"},
    ("", "events", ""): {"create", "list"},
}
BESIDE_ITSELF: Allowed = {
    ("coordination.k8s.io", "leases", LEASE): {"get", "update"},
    ("coordination.k8s.io", "leases", ""): {"create"},
}


def roles() -> dict[str, Allowed]:
    """The rules in the chart's template, by the kind of role; they hold nothing that helm would fill in."""
    text = re.sub(r"\{\{.*?\}\}", "rendered", TEMPLATE.read_text())
    return {each["kind"]: allowed(each["rules"]) for each in yaml.safe_load_all(text) if "rules" in each}


def allowed(rules: list[dict[str, Any]]) -> Allowed:
    """Take rules apart, into one entry for each thing that they are about."""
    found: Allowed = {}
    for rule in rules:
        assert rule.keys() <= {"apiGroups", "resources", "resourceNames", "verbs"}
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for name in rule.get("resourceNames", [""]):
                    found.setdefault((group, resource, name), set()).update(rule["verbs"])
    return found


@pytest.mark.parametrize(("kind", "expected"), [("ClusterRole", EVERYWHERE), ("Role", BESIDE_ITSELF)])
def test_the_rules_are_exactly_these(kind: str, expected: Allowed) -> None:
    assert roles()[kind] == expected


def test_there_are_no_other_roles() -> None:
    assert set(roles()) == {"ClusterRole", "Role"}


@pytest.mark.parametrize("kind", ["ClusterRole", "Role"])
def test_nothing_is_allowed_that_an_intruder_would_look_for(kind: str) -> None:
    """Whoever edits the tables above meets this."""
    for (group, resource, _), verbs in roles()[kind].items():
        assert "*" not in {group, resource, *verbs}
        assert not verbs & {"bind", "escalate", "impersonate", "deletecollection"}
        assert resource not in {"secrets", "serviceaccounts", "nodes"}
        assert "/" not in resource or resource == f"{names.PLURAL}/status"
        assert group != "rbac.authorization.k8s.io"
