"""Reading requests as the API server does."""

from __future__ import annotations

import pytest

from tests.controlplane.faults import Match
from tests.controlplane.request import parse

CR = "/apis/tritium.example/v1/namespaces/a/models"


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("GET", "/api/v1/pods", {}, ("list", "", "pods", "", "", "")),
        ("GET", "/api/v1/pods", {"watch": "1"}, ("watch", "", "pods", "", "", "")),
        ("GET", "/api/v1/pods", {"watch": "false"}, ("list", "", "pods", "", "", "")),
        ("GET", f"{CR}/b", {}, ("get", "tritium.example", "models", "", "a", "b")),
        ("GET", f"{CR}/b/scale", {}, ("get", "tritium.example", "models", "scale", "a", "b")),
        ("PUT", f"{CR}/b/status", {}, ("update", "tritium.example", "models", "status", "a", "b")),
        ("POST", CR, {}, ("create", "tritium.example", "models", "", "a", "")),
        ("DELETE", CR, {}, ("deletecollection", "tritium.example", "models", "", "a", "")),
        ("DELETE", f"{CR}/b", {}, ("delete", "tritium.example", "models", "", "a", "b")),
        ("POST", "/api/v1/namespaces", {}, ("create", "", "namespaces", "", "", "")),
        ("GET", "/api/v1/namespaces/a", {}, ("get", "", "namespaces", "", "a", "a")),
        ("PUT", "/api/v1/namespaces/a/finalize", {}, ("update", "", "namespaces", "finalize", "a", "a")),
        (
            "POST",
            "/api/v1/namespaces/a/serviceaccounts/b/token",
            {},
            ("create", "", "serviceaccounts", "token", "a", "b"),
        ),
        ("GET", "/api/v1/nodes/n", {}, ("get", "", "nodes", "", "", "n")),
        ("GET", "/api/v1/namespaces/a/pods/b/proxy/x/y", {}, ("get", "", "pods", "proxy", "a", "b")),
        ("GET", "/version", {}, ("get", "", "", "", "", "")),
        ("GET", "/apis", {}, ("get", "", "", "", "", "")),
        ("GET", "/api/v1", {"watch": "true"}, ("get", "", "", "", "", "")),
    ],
)
def test_what_a_request_is_about(method: str, path: str, query: dict[str, str], expected: tuple[str, ...]) -> None:
    seen = parse(method, path, query)
    assert (seen.verb, seen.group, seen.resource, seen.subresource, seen.namespace, seen.name) == expected


@pytest.mark.parametrize(
    ("content_type", "patch"),
    [
        ("application/apply-patch+yaml", "apply"),
        ("application/merge-patch+json; charset=utf-8", "merge"),
        ("application/json-patch+json", "json"),
        ("application/strategic-merge-patch+json", "strategic"),
        ("application/json", ""),
    ],
)
def test_the_kinds_of_patches(content_type: str, patch: str) -> None:
    assert parse("PATCH", f"{CR}/b", {}, {"Content-Type": content_type}).patch == patch
    assert parse("POST", CR, {}, {"Content-Type": content_type}).patch == ""


@pytest.mark.parametrize(("body", "parsed"), [(b'{"a": 1}', {"a": 1}), (b"", None), (b"k8s\x00\xff", b"k8s\x00\xff")])
def test_the_body(body: bytes, parsed: object) -> None:
    assert parse("POST", CR, {}, {}, body).body == parsed


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        (Match(), True),
        (Match(verb="patch", patch="apply", write=True), True),
        (Match(patch="merge"), False),
        (Match(write=False), False),
        (Match(watch=True), False),
        (Match(watch=False), True),
        (Match(group="apps", resource="deployments", namespace="a", name="b"), True),
        (Match(group=""), False),
        (Match(name="c"), False),
        (Match(subresource=""), True),
        (Match(subresource="status"), False),
        (Match(path="/deployments/b$"), True),
        (Match(path="^/deployments"), False),
        (Match(user_agent="^op"), True),
        (Match(user_agent="kubectl"), False),
    ],
)
def test_matching(match: Match, *, fits: bool) -> None:
    headers = {"Content-Type": "application/apply-patch+yaml", "User-Agent": "operator"}
    request = parse("PATCH", "/apis/apps/v1/namespaces/a/deployments/b", {}, headers)
    assert match.fits(request) is fits
