"""What is drift and what is not, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from tritium.core.drift import covers

Json = Any


def in_pod(container: Json) -> dict[str, Json]:
    return {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a"} | container]}}


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        ({"image": "a:1"}, {"image": "a:1", "terminationMessagePath": "/dev/termination-log"}),
        ({"resources": {"limits": {"cpu": "0.001"}}}, {"resources": {"limits": {"cpu": "1m"}}}),
        ({"resources": {"limits": {"memory": "1.5Gi"}}}, {"resources": {"limits": {"memory": "1536Mi"}}}),
        ({"resources": {"limits": {"x.y/z": 2}}}, {"resources": {"limits": {"x.y/z": "2"}}}),
        ({"resources": {"limits": {"cpu": "1e-12"}}}, {"resources": {"limits": {"cpu": "1n"}}}),
        ({"resources": {"limits": {"memory": "much"}}}, {"resources": {"limits": {"memory": "much"}}}),
        ({"ports": [{"containerPort": 80}]}, {"ports": [{"containerPort": 80, "protocol": "TCP"}]}),
        (
            {"ports": [{"containerPort": 80, "name": "a"}, {"containerPort": 80, "protocol": "UDP", "name": "b"}]},
            {"ports": [{"containerPort": 80, "protocol": "UDP", "name": "b"}, {"containerPort": 80, "name": "a"}]},
        ),
        ({"livenessProbe": {"httpGet": {"port": 80}}}, {"livenessProbe": {"httpGet": {"port": 80, "path": "/"}}}),
        (
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": ""}]},
            {"env": [{"name": "C", "value": "3"}, {"name": "B"}, {"name": "A", "value": "1"}]},
        ),
        (
            {"volumeMounts": [{"mountPath": "/a", "name": "a", "readOnly": False}]},
            {"volumeMounts": [{"mountPath": "/b", "name": "a"}, {"mountPath": "/a", "name": "a"}]},
        ),
        ({"env": []}, {"env": [{"name": "INJECTED", "value": "1"}]}),
        ({"env": [], "args": [], "workingDir": None}, {}),
        ({"readinessProbe": {"initialDelaySeconds": 0}}, {"readinessProbe": {"periodSeconds": 10}}),
        ({"readinessProbe": {"periodSeconds": 0}}, {"readinessProbe": {"periodSeconds": 10}}),
    ],
)
def test_the_same_in_other_words(wanted: Json, live: Json) -> None:
    assert covers(in_pod(wanted), in_pod(live))


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        ({"image": "a:1"}, {"image": "a:2"}),
        ({"image": "a:1"}, {}),
        ({"args": ["a", "b"]}, {"args": ["b", "a"]}),
        ({"args": ["a"]}, {"args": ["a", "b"]}),
        ({"args": []}, {"args": ["a"]}),
        ({"resources": {"limits": {"cpu": "1"}}}, {"resources": {"limits": {"cpu": "1m"}}}),
        ({"resources": {"limits": {"cpu": 0}}}, {"resources": {"limits": {}}}),
        ({"resources": {"limits": {"memory": "much"}}}, {"resources": {"limits": {"memory": "more"}}}),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "value": "1.0"}]}),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "B", "value": "1"}]}),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": None}),
        ({"env": [5]}, {"env": [{"name": "A"}]}),
        ({"ports": [{"containerPort": 80}]}, {"ports": [{"containerPort": 80, "protocol": "UDP"}]}),
        ({"livenessProbe": {"httpGet": {"port": "http"}}}, {"livenessProbe": {"httpGet": {"port": 80}}}),
        ({"stdin": False}, {"stdin": True}),
        ({"workingDir": ""}, {"workingDir": "/"}),
        ({"securityContext": {"allowPrivilegeEscalation": False}}, {"securityContext": {}}),
        ({"securityContext": {"runAsNonRoot": True}}, {"securityContext": {"runAsNonRoot": 1}}),
        ({"securityContext": {"capabilities": {"drop": ["ALL"]}}}, {"securityContext": {"capabilities": "ALL"}}),
    ],
)
def test_drift(wanted: Json, live: Json) -> None:
    assert not covers(in_pod(wanted), in_pod(live))


def test_an_object_of_a_list_lacks_kind_and_version() -> None:
    assert covers({"apiVersion": "v1", "kind": "Pod", "spec": {}}, {"spec": {}})
    assert not covers({"apiVersion": "v1", "kind": "Pod", "spec": {}}, {"apiVersion": "v2", "spec": {}})


def test_no_replicas_are_not_the_absence_of_a_number() -> None:
    assert covers({"spec": {"replicas": 0}}, {"spec": {"replicas": 0}})
    assert not covers({"spec": {"replicas": 0}}, {"spec": {}})


def test_a_map_of_the_users_own_keys_has_none_of_our_meanings() -> None:
    def labelled(**labels: Json) -> dict[str, Json]:
        return {"metadata": {"labels": labels}}

    assert covers(labelled(a="", port="80"), labelled(a="", port="80", other="c"))
    assert not covers(labelled(a=""), labelled())
    assert not covers(labelled(sizeLimit="1"), labelled(sizeLimit="1.0"))
    assert not covers(labelled(port="80"), labelled(port=80))


def test_a_volume_that_is_no_longer_an_empty_folder_is_drift() -> None:
    def with_volume(**source: Json) -> dict[str, Json]:
        return {"spec": {"volumes": [{"name": "tmp", **source}]}}

    assert covers(with_volume(emptyDir={}), with_volume(emptyDir={}))
    assert covers(with_volume(emptyDir={"sizeLimit": "1024Mi"}), with_volume(emptyDir={"sizeLimit": "1Gi"}))
    assert not covers(with_volume(emptyDir={}), with_volume(persistentVolumeClaim={"claimName": "a"}))


def test_what_others_add_to_a_selector_is_drift() -> None:
    """It would select less, or nothing: a server takes a selector as one value."""
    ours = {"app": "a", "role": ""}

    def service(**selector: Json) -> dict[str, Json]:
        return {"spec": {"selector": selector}}

    def policy(**labels: Json) -> dict[str, Json]:
        return {"spec": {"podSelector": {"matchLabels": labels}}}

    for made in (service, policy):
        assert covers(made(**ours), made(**ours))
        assert not covers(made(**ours), made(**ours, more="b"))
        assert not covers(made(**ours), made(app="a"))
    assert not covers(policy(**ours), {"spec": {"podSelector": {"matchLabels": ours, "matchExpressions": [{}]}}})
    assert covers({"metadata": {"labels": {"selector": "a"}}}, {"metadata": {"labels": {"selector": "a", "b": "c"}}})
    assert covers({"spec": {"podSelector": {}}}, {"spec": {"podSelector": {}}})
    assert not covers({"spec": {"podSelector": {}}}, policy(app="a")), "all pods, and not some of them"


def test_an_owner_is_found_among_others() -> None:
    def owned(*uids: str) -> dict[str, Json]:
        return {"metadata": {"ownerReferences": [{"uid": uid, "kind": "ModelDeployment"} for uid in uids]}}

    assert covers(owned("2"), owned("1", "2"))
    assert not covers(owned("2"), owned("1"))
