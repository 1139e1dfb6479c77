"""What is taken from the API server's objects, and what stays when they say nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tritium.api.traffic_status import TrafficStatus
from tritium.gateway.facts import ModelFacts, kept, model_facts, slice_facts
from tritium.gateway.table import Endpoint


def model_deployment(**status: Any) -> dict[str, Any]:
    metadata = {"name": "fraud", "uid": "u1", "creationTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": "7"}
    return {"metadata": metadata, "spec": {"model": {}}, "status": status}


def endpoint_slice(*endpoints: dict[str, Any], **members: Any) -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": "fraud-aaaaaaaa"}
    ports = [{"name": "http", "port": 8000}, {"name": "grpc", "port": 8001}]
    return {
        "metadata": {"name": "fraud-aaaaaaaa-x", "uid": "s1", "labels": labels},
        "addressType": "IPv4",
        "ports": ports,
        "endpoints": list(endpoints),
        **members,
    }


def at(address: str, **conditions: bool) -> dict[str, Any]:
    return {"addresses": [address], "conditions": conditions}


TRAFFIC = {
    "version": 4,
    "port": 10_012,
    "model": "fraud",
    "revisions": [{"revision": 2, "service": "fraud-bbbbbbbb", "weight": 500, "later": {"a": 1}}],
}


def test_the_traffic_of_a_model_deployment() -> None:
    """Members that only a newer agent knows are ignored."""
    found = model_facts(model_deployment(traffic=TRAFFIC | {"newer": True}, phase="Idle"))
    assert (found.name, found.uid, found.created, found.trouble) == ("fraud", "u1", "2026-01-01T00:00:00Z", "")
    assert found.traffic is not None
    assert (found.traffic.version, found.traffic.port) == (4, 10_012)
    assert [each.service for each in found.traffic.revisions or ()] == ["fraud-bbbbbbbb"]


@pytest.mark.parametrize(
    ("traffic", "trouble"),
    [
        (TRAFFIC | {"port": None}, "it has no port"),
        (TRAFFIC | {"port": 0}, "port: Input should be greater than or equal to 1"),
        (TRAFFIC | {"revisions": [{"revision": 1}]}, "revisions.0.service: Field required"),
        (TRAFFIC | {"revisions": TRAFFIC["revisions"] * 2}, "revision 2 is in it twice"),  # type: ignore[operator]
        ("later", "Input should be"),
        ({}, "version: Field required"),
    ],
    ids=str,
)
def test_traffic_that_cannot_be_understood(traffic: Any, trouble: str) -> None:
    found = model_facts(model_deployment(traffic=traffic))
    assert found.traffic is None
    assert trouble in found.trouble


@pytest.mark.parametrize("status", [{}, {"traffic": None}, {"traffic": {"version": 5}}])
def test_the_last_traffic_stays(status: dict[str, Any]) -> None:
    before = model_facts(model_deployment(traffic=TRAFFIC))
    assert kept(before, model_facts(model_deployment(**status))).traffic == before.traffic
    assert kept(None, model_facts(model_deployment(**status))).traffic is None


def test_another_object_of_the_same_name_inherits_nothing() -> None:
    before = model_facts(model_deployment(traffic=TRAFFIC))
    assert kept(before, ModelFacts("fraud", "u2", "")).traffic is None
    later = TrafficStatus(version=1, port=10_000)
    assert kept(before, ModelFacts("fraud", "u1", "", later)).traffic == later


@pytest.mark.parametrize(
    ("conditions", "takes"),
    [
        ({"ready": True, "serving": True, "terminating": False}, True),
        ({}, True),
        ({"ready": False, "serving": False, "terminating": False}, False),
        ({"ready": False, "serving": True, "terminating": True}, False),
        ({"ready": True, "terminating": True}, False),
    ],
    ids=str,
)
def test_who_takes_requests(conditions: dict[str, bool], takes: bool) -> None:  # noqa: FBT001 - a table's column
    found = slice_facts(endpoint_slice(at("10.0.0.7", **conditions)))
    assert found is not None
    assert found.endpoints == ((Endpoint("10.0.0.7", 8000, 8001),) if takes else ())
    assert found.leaving == (frozenset({"10.0.0.7"}) if conditions.get("terminating") else frozenset())


def test_addresses() -> None:
    found = slice_facts(endpoint_slice(at("fd00:0:0::7"), at("x"), {"addresses": []}, addressType="IPv6"))
    assert found is not None
    assert [each.address for each in found.endpoints] == ["fd00::7"]
    assert slice_facts(endpoint_slice(at("host.example"), addressType="FQDN")) is None
    assert slice_facts(endpoint_slice(at("10.0.0.7")) | {"metadata": {"name": "a", "uid": "b"}}) is None


@pytest.mark.parametrize(
    "ports", [[], None, [{"name": "http", "port": 8000}], [{"name": "http"}, {"name": "grpc", "port": 8001}]]
)
def test_an_endpoint_needs_both_ports(ports: Any) -> None:
    found = slice_facts(endpoint_slice(at("10.0.0.7"), ports=ports))
    assert found is not None
    assert found.endpoints == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70_000) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*TRAFFIC, "weight"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_nothing_in_a_status_ends_the_agent(traffic: Any) -> None:
    found = model_facts(model_deployment(traffic=traffic))
    assert found.traffic is None or found.traffic.port
