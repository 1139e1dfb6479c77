"""What the chart allows the operator to do is this, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tritium.api import names
from tritium.app import LEASE
from tritium.resources.gateway.network import MODELS

TEMPLATE = Path(__file__).parents[3] / "charts" / "tritium" / "templates" / "rbac.yaml"
READ = {"get", "list", "watch"}
OWN = READ | {"create", "patch", "delete"}
FOLLOW = {"list", "watch"}
APPLY = {"get", "create", "patch"}
"""What server-side apply of an object asks for; its name is known then, so it can be restricted by it."""
RBAC = "rbac.authorization.k8s.io"

Allowed = dict[tuple[str, str, str], set[str]]
"""Verbs by API group, resource and name of the object; an empty name is any."""

EVERYWHERE: Allowed = {
    (names.GROUP, names.PLURAL, ""): READ,
    (names.GROUP, f"{names.PLURAL}/status", ""): {"patch"},
    ("apiextensions.k8s.io", "customresourcedefinitions", names.CRD_NAME): {"get"},
    ("apps", "deployments", ""): OWN,
    ("apps", "controllerrevisions", ""): OWN,
    ("batch", "jobs", ""): OWN,
    ("", "services", ""): OWN,
    ("", "configmaps", ""): OWN,
    ("policy", "poddisruptionbudgets", ""): OWN,
    ("", "pods", ""): {"list", "watch", "delete"},
    ("", "events", ""): {"create", "list"},
    ("", "serviceaccounts", ""): FOLLOW,
    ("", "serviceaccounts", names.GATEWAY): APPLY,
    (RBAC, "rolebindings", ""): FOLLOW,
    (RBAC, "rolebindings", names.GATEWAY): APPLY,
    ("networking.k8s.io", "networkpolicies", ""): FOLLOW,
    ("networking.k8s.io", "networkpolicies", names.GATEWAY): APPLY,
    ("networking.k8s.io", "networkpolicies", MODELS): APPLY,
    (RBAC, "clusterroles", names.GATEWAY): {"bind"},
}
BESIDE_ITSELF: Allowed = {
    ("coordination.k8s.io", "leases", LEASE): {"get", "update"},
    ("coordination.k8s.io", "leases", ""): {"create"},
}
AGENT: Allowed = {
    (names.GROUP, names.PLURAL, ""): FOLLOW,
    ("discovery.k8s.io", "endpointslices", ""): FOLLOW,
}
ROLES = {
    ("ClusterRole", "rendered"): EVERYWHERE,
    ("Role", "rendered"): BESIDE_ITSELF,
    ("ClusterRole", names.GATEWAY): AGENT,
}
"""By kind and name; that of the operator's own is the release's."""


def documents() -> list[dict[str, Any]]:
    """The objects in the chart's template, with a word in the place of what helm would fill in."""
    return list(yaml.safe_load_all(re.sub(r"\{\{.*?\}\}", "rendered", TEMPLATE.read_text())))


def roles() -> dict[tuple[str, str], Allowed]:
    """The rules of each role. They hold nothing that helm would fill in."""
    found = (each for each in documents() if "rules" in each)
    return {(each["kind"], each["metadata"]["name"]): allowed(each["rules"]) for each in found}


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


@pytest.mark.parametrize("role", ROLES)
def test_the_rules_are_exactly_these(role: tuple[str, str]) -> None:
    assert roles()[role] == ROLES[role]


def test_there_are_no_other_roles() -> None:
    assert roles().keys() == ROLES.keys()


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_allowed_that_an_intruder_would_look_for(role: tuple[str, str]) -> None:
    """Whoever edits the tables above meets this."""
    for (group, resource, name), verbs in roles()[role].items():
        assert "*" not in {group, resource, *verbs}
        assert not verbs & {"escalate", "impersonate", "deletecollection"}
        assert resource not in {"secrets", "nodes"}
        assert "/" not in resource or resource == f"{names.PLURAL}/status"
        if "bind" in verbs or (verbs - FOLLOW and (group == RBAC or resource == "serviceaccounts")):
            assert name == names.GATEWAY


def test_what_the_agents_may_do_outlives_the_operator() -> None:
    (role,) = (
        each for each in documents() if (each["kind"], each["metadata"]["name"]) == ("ClusterRole", names.GATEWAY)
    )
    assert role["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
