"""The gateway's objects: who owns them, whom they select, and what they must agree on with each other."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.resources.golden import OPERATOR, gateway, objects, owner_of, sample
from tritium.api import names
from tritium.api.fetch import KEPT_KEY
from tritium.api.gateway import FIRST_PORT, LAST_PORT, preview_port
from tritium.api.names import APPLIED
from tritium.core.ports import Ports
from tritium.resources.gateway.anchor import NotAnAnchor, anchor, read_ports
from tritium.resources.gateway.identity import Gateway
from tritium.resources.gateway.network import gateway_policy
from tritium.resources.service import service

Object = dict[str, Any]

FRAUD = owner_of(sample("short"))
DETECTOR = owner_of(sample("gpu"), uid="00000000-0000-0000-0000-000000000002")
PORTS = Ports({"detector": 10013, "fraud": 10012}, {10001: datetime(2026, 1, 1, tzinfo=UTC)})
MODEL = objects(FRAUD, sample("short")["spec"])


def of_kind(kind: str, built: list[Object], name: str = names.GATEWAY) -> Object:
    return next(each for each in built if each["kind"] == kind and each["metadata"]["name"] == name)


def pod_labels(built: list[Object]) -> Any:
    """The labels of the pods of the Deployment among these."""
    (deployment,) = (each for each in built if each["kind"] == "Deployment")
    return deployment["spec"]["template"]["metadata"]["labels"].items()


def selects(selector: Object, labels: Any) -> bool:
    return bool(labels >= selector.items())


class TestAnchor:
    def test_the_ports_are_read_as_they_were_written(self) -> None:
        assert read_ports(anchor("ml", [FRAUD], PORTS)) == PORTS
        assert read_ports(anchor("ml", [FRAUD], Ports())) == Ports()

    def test_the_order_of_anything_makes_no_other_anchor(self) -> None:
        turned = Ports(dict(sorted(PORTS.given.items(), reverse=True)), PORTS.released)
        assert anchor("ml", [FRAUD, DETECTOR], PORTS) == anchor("ml", [DETECTOR, FRAUD], turned)

    def test_every_model_deployment_owns_it_and_none_alone(self) -> None:
        references = anchor("ml", [FRAUD, DETECTOR], PORTS)["metadata"]["ownerReferences"]
        assert {each["uid"] for each in references} == {FRAUD.uid, DETECTOR.uid}
        assert not any(each.get("controller") or each["blockOwnerDeletion"] for each in references)

    def test_it_says_to_caches_which_revisions_are_kept(self) -> None:
        kept = anchor("ml", [FRAUD], PORTS, ["fraud-0000000b", "fraud-0000000a"])
        assert kept["data"][KEPT_KEY] == "fraud-0000000a\nfraud-0000000b\n"
        assert read_ports(kept) == PORTS
        assert KEPT_KEY not in anchor("ml", [FRAUD], PORTS)["data"]

    def test_there_is_none_for_nobody(self) -> None:
        """Kubernetes never collects what names no owner."""
        with pytest.raises(ValueError, match="namespace ml"):
            anchor("ml", [], PORTS)

    @pytest.mark.parametrize(
        "data",
        [
            None,
            {},
            {"ports.json": "{"},
            {"ports.json": "[]"},
            {"ports.json": '{"given": {"a": "b"}, "released": {}}'},
            {"ports.json": '{"given": {}, "released": {"10001": "2026-01-01T00:00:00"}}'},
            {"ports.json": '{"given": {}, "released": {"10001": 5}}'},
        ],
    )
    def test_what_somebody_else_wrote_is_named(self, data: Object | None) -> None:
        with pytest.raises(NotAnAnchor, match=r"tritium-gateway .* ports\.json"):
            read_ports({"data": data})


@pytest.mark.parametrize("obj", gateway("0-1"), ids=lambda obj: f"{obj['kind']}-{obj['metadata']['name']}")
def test_the_anchor_controls_all_the_rest_and_the_store_can_find_it(obj: Object) -> None:
    (reference,) = obj["metadata"]["ownerReferences"]
    assert (reference["kind"], reference["name"], reference["uid"]) == ("ConfigMap", names.GATEWAY, "0-1")
    assert reference["controller"]
    labels = obj["metadata"]["labels"]
    assert (labels[names.MANAGED_BY], labels[names.GATEWAY_LABEL]) == (names.FIELD_MANAGER, "true")
    assert names.OWNER not in labels


def test_a_gateway_is_that_of_its_anchor() -> None:
    stored = anchor("ml", [FRAUD], PORTS)
    stored["metadata"]["uid"] = "0-1"
    assert Gateway.of(stored) == Gateway("ml", "0-1")


def test_all_selectors_select_the_gateways_pods_and_no_others() -> None:
    built = gateway("0-1")
    selectors = [
        of_kind("Deployment", built)["spec"]["selector"]["matchLabels"],
        of_kind("PodDisruptionBudget", built)["spec"]["selector"]["matchLabels"],
        of_kind("Service", built)["spec"]["selector"],
        of_kind("NetworkPolicy", built)["spec"]["podSelector"]["matchLabels"],
        service(FRAUD, port=10012, number=1)["spec"]["selector"],
    ]
    for selector in selectors:
        assert selects(selector, pod_labels(built))
        assert not selects(selector, pod_labels(MODEL))


def test_the_policy_of_the_models_is_about_their_pods_and_lets_the_gateway_in() -> None:
    policy = of_kind("NetworkPolicy", gateway("0-1"), "tritium-models")["spec"]
    (component,) = policy["podSelector"]["matchExpressions"]
    assert (component["key"], component["operator"], component["values"]) == (names.COMPONENT, "In", ["model", "log"])
    assert selects(policy["podSelector"]["matchLabels"], pod_labels(MODEL))
    assert dict(pod_labels(MODEL))[names.COMPONENT] == "model"
    assert dict(pod_labels(gateway("0-1")))[names.COMPONENT] == "gateway"
    requests, questions, metrics = policy["ingress"]
    (sender,) = requests["from"]
    assert sender.keys() == {"podSelector"}  # of the same namespace
    assert selects(sender["podSelector"]["matchLabels"], pod_labels(gateway("0-1")))
    assert [each["port"] for each in requests["ports"]] == [8000, 8001, 9000]
    assert [each["port"] for each in questions["ports"]] == [8000, 8001, 19002]
    assert "from" not in metrics


def test_both_selectors_of_a_sender_hold_at_once() -> None:
    """As two entries either would do: any pod of the operator's namespace, and any of this one with such labels."""
    _, told = gateway_policy(Gateway("ml", "0-1"), operator=OPERATOR)["spec"]["ingress"]
    (sender,) = told["from"]
    assert sender.keys() == {"namespaceSelector", "podSelector"}


def test_the_models_ports_are_open_and_the_agents_is_not() -> None:
    everybody, operator = of_kind("NetworkPolicy", gateway("0-1"))["spec"]["ingress"]
    assert everybody["ports"][0] == {"protocol": "TCP", "port": FIRST_PORT, "endPort": preview_port(LAST_PORT)}
    assert "from" not in everybody
    assert [each["port"] for each in operator["ports"]] == [19001]


def test_the_address_leads_both_protocols_to_one_port_and_remembers_it() -> None:
    built = service(FRAUD, port=10012, number=3)
    assert [(each["port"], each["targetPort"]) for each in built["spec"]["ports"]] == [(8000, 10012), (8001, 10012)]
    annotations = built["metadata"]["annotations"]
    assert (annotations[names.PORT], annotations[names.STABLE_REVISION]) == ("10012", "3")


def test_a_revisions_endpoints_have_the_ports_that_the_agent_looks_for() -> None:
    headless = next(each for each in MODEL if each["kind"] == "Service" and each["metadata"]["name"] != FRAUD.name)
    assert headless["spec"]["clusterIP"] == "None"
    deployment = next(each for each in MODEL if each["kind"] == "Deployment")
    (triton,) = deployment["spec"]["template"]["spec"]["containers"]
    assert [each["name"] for each in headless["spec"]["ports"]] == ["http", "grpc"]
    assert {each["targetPort"] for each in headless["spec"]["ports"]} <= {each["name"] for each in triton["ports"]}
    assert headless["metadata"]["name"] == deployment["metadata"]["name"]
    assert headless["metadata"]["labels"][names.REVISION] in headless["metadata"]["name"]


def test_a_template_depends_on_nothing_but_the_gateway_and_the_installation() -> None:
    built = [of_kind("Deployment", gateway("0-1"))["spec"]["template"] for _ in range(2)]
    assert json.dumps(built[0]) == json.dumps(built[1])
    assert APPLIED not in built[0]["metadata"]["annotations"]
