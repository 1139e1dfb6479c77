"""What is special about a model's pod, case by case; the whole of it stands in the golden files."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from pydantic import ValidationError

from tests.unit.resources.golden import FINGERPRINT, RENDERING, SIZE, owner_of
from tritium.api import names
from tritium.api.fetch import CACHE_FOLDER, CREDENTIALS_FOLDER, REQUEST_VARIABLE, SOURCE_FOLDER, CacheUse, FetchRequest
from tritium.resources.controller_revision import uses_cache
from tritium.resources.pod_template import pod_template
from tritium.resources.resolution import resolution_job

Object = dict[str, Any]

OWNER = owner_of({"metadata": {"name": "fraud"}})
URI = "s3://models/fraud/7"


def rendered(model: Object | None = None, **server: Any) -> Object:
    spec = {"model": {"source": {"uri": URI}} | (model or {}), "server": server}
    return pod_template(OWNER, spec, hash="0a1b2c3d", fingerprint=FINGERPRINT, size=SIZE, rendering=RENDERING)


def triton(pod: Object) -> Object:
    return next(each for each in pod["spec"]["containers"] if each["name"] == "triton")


def fetch(pod: Object) -> Object:
    return next(each for each in pod["spec"]["initContainers"] if each["name"] == "fetch")


def request(container: Object) -> FetchRequest:
    value = next(each["value"] for each in container["env"] if each["name"] == REQUEST_VARIABLE)
    return FetchRequest.model_validate_json(value)


def volume(pod: Object, name: str) -> Object | None:
    return next((each for each in pod["spec"]["volumes"] if each["name"] == name), None)


def test_fetch_is_asked_for_the_source_as_written_but_for_the_interval() -> None:
    source = {"uri": URI, "options": {"region": "eu"}, "digest": "sha256:" + "0" * 64}
    asked = request(fetch(rendered({"source": source | {"pollInterval": "5m"}, "name": "fraud2", "layout": "python"})))
    assert asked.source.model_dump(by_alias=True, exclude_none=True) == source
    assert (asked.model, asked.layout, asked.fingerprint) == ("fraud2", "python", FINGERPRINT)


def test_a_resolution_is_asked_for_the_same_without_a_fingerprint() -> None:
    spec = {"model": {"source": {"uri": URI}}}
    job = resolution_job(OWNER, spec, written="sha256:aa", attempt=2, rendering=RENDERING)
    asked = request(job["spec"]["template"]["spec"]["containers"][0])
    assert asked == request(fetch(rendered())).model_copy(update={"fingerprint": None})
    assert job["metadata"]["annotations"][names.WRITTEN] == "sha256:aa"
    assert job["metadata"]["annotations"][names.ATTEMPT] == "2"


def test_a_cache_is_written_by_fetch_and_read_by_triton() -> None:
    pod = rendered({"cache": {"claimName": "shared"}})
    mounts = {each["name"]: each for each in fetch(pod)["volumeMounts"]}
    assert mounts["cache"] == {"name": "cache", "mountPath": CACHE_FOLDER}
    assert mounts["kept"]["readOnly"]
    assert {"name": "cache", "mountPath": CACHE_FOLDER, "readOnly": True} in triton(pod)["volumeMounts"]
    assert volume(pod, "cache") == {"name": "cache", "persistentVolumeClaim": {"claimName": "shared"}}
    assert request(fetch(pod)).cache == CacheUse(claim_name="shared", revision="fraud-0a1b2c3d")
    assert uses_cache({"data": {"template": pod}})


def test_without_a_cache_nothing_of_one_is_there() -> None:
    pod = rendered()
    assert "cache" not in str(pod)
    assert not uses_cache({"data": {"template": pod}})
    assert volume(pod, "models") != volume(rendered({"cache": {"claimName": "shared"}}), "models"), "no bytes there"


def test_a_secret_is_mounted_into_fetch_only_and_may_be_missing() -> None:
    pod = rendered({"source": {"uri": URI, "credentials": {"secretRef": {"name": "bucket"}}}})
    assert volume(pod, "credentials") == {
        "name": "credentials",
        "secret": {"secretName": "bucket", "optional": True, "defaultMode": 0o440},
    }
    assert {"name": "credentials", "mountPath": CREDENTIALS_FOLDER, "readOnly": True} in fetch(pod)["volumeMounts"]
    assert "credentials" not in [each["name"] for each in triton(pod)["volumeMounts"]]
    assert "serviceAccountName" not in pod["spec"]


def test_a_model_without_credentials_mounts_none() -> None:
    assert volume(rendered(), "credentials") is None


def test_a_service_account_is_the_pods_and_gives_it_no_token_for_the_api_server() -> None:
    pod = rendered({"source": {"uri": URI, "credentials": {"serviceAccountName": "reader"}}})["spec"]
    assert pod["serviceAccountName"] == "reader"
    assert pod["automountServiceAccountToken"] is False


def test_the_users_flags_are_the_last() -> None:
    assert triton(rendered(args=["--exit-on-error=false"]))["args"][-1] == "--exit-on-error=false"


def test_metrics_of_gpus_are_off_only_where_there_is_none() -> None:
    assert "--allow-gpu-metrics=false" in triton(rendered())["args"]
    assert "--allow-gpu-metrics=false" not in triton(rendered(gpu={"count": 1}))["args"]


def test_only_the_installations_images_have_its_pull_policy() -> None:
    assert triton(rendered())["imagePullPolicy"] == fetch(rendered())["imagePullPolicy"] == "IfNotPresent"
    assert "imagePullPolicy" not in triton(rendered(image="own:latest"))


def test_what_the_user_says_of_the_placement_is_the_pods() -> None:
    placement: Object = {
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "high",
        "runtimeClassName": "nvidia",
        "imagePullSecrets": [{"name": "registry"}],
    }
    pod = rendered(**placement)["spec"]
    assert {name: pod[name] for name in placement} == placement


def test_a_user_can_change_the_pod_by_name() -> None:
    pod = rendered(
        env=[{"name": "A", "value": "1"}],
        podTemplate={
            "metadata": {"labels": {"team": "risk"}},
            "spec": {
                "containers": [
                    {"name": "triton", "env": [{"name": "B", "value": "2"}], "livenessProbe": None},
                    {"name": "helper", "image": "helper:1"},
                ],
                "volumes": [{"name": "tmp", "persistentVolumeClaim": {"claimName": "big"}}],
                "topologySpreadConstraints": [],
            },
        },
    )
    assert pod["metadata"]["labels"]["team"] == "risk"
    assert [each["name"] for each in pod["spec"]["containers"]] == ["triton", "helper"]
    assert [each["name"] for each in triton(pod)["env"]] == ["A", "B"]
    assert "livenessProbe" not in triton(pod)
    assert triton(pod)["args"] == triton(rendered())["args"]
    assert volume(pod, "tmp") == {"name": "tmp", "persistentVolumeClaim": {"claimName": "big"}}
    assert pod["spec"]["topologySpreadConstraints"] == []


@pytest.mark.parametrize(
    "template",
    [
        {"metadata": None, "spec": None},
        {"metadata": {"labels": None}, "spec": {"containers": None, "initContainers": None}},
        {"metadata": {"labels": dict.fromkeys([names.OWNER, names.REVISION, names.COMPONENT, names.MANAGED_BY])}},
        {"metadata": {"labels": {names.OWNER: "other", names.REVISION: "other", names.COMPONENT: "other"}}},
        {"spec": {"containers": [], "initContainers": []}},
    ],
)
def test_a_user_cannot_take_away_what_makes_the_pod_tritiums(template: Object) -> None:
    plain, pod = rendered(), rendered(podTemplate=template)
    assert pod["metadata"]["labels"].items() >= plain["metadata"]["labels"].items()
    assert (triton(pod), fetch(pod)) == (triton(plain), fetch(plain))


@pytest.mark.parametrize("template", [{"metadata": 5}, {"metadata": {"labels": 5}}, {"spec": {"containers": {"a": 1}}}])
def test_what_is_no_pod_template_is_left_to_the_api_server(template: Object) -> None:
    pod = rendered(podTemplate=template)
    for part, value in template.items():
        if isinstance(value, dict):
            assert pod[part].items() >= value.items()
        else:
            assert pod[part] == value


NETWORK = ip_network("10.0.0.0/8")
OPENED = '{"source": {"uri": "s3://a/b"}, "model": "fraud", "allowedNetworks": ["0.0.0.0/0", "::/0"]}'


@pytest.mark.parametrize(
    "change",
    [
        {"env": [{"name": REQUEST_VARIABLE, "value": OPENED}]},
        {"env": [{"name": REQUEST_VARIABLE, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
        {"env": None},
        {"env": [{"name": "A", "value": "1"}, {"name": REQUEST_VARIABLE, "value": OPENED}]},
        {"envFrom": [{"configMapRef": {"name": "mine"}}]},
    ],
    ids=["another", "from elsewhere", "none", "beside others", "all of a ConfigMap"],
)
def test_nobody_but_the_installation_says_where_fetch_may_connect_to(change: Object) -> None:
    rendering = replace(RENDERING, allowed_networks=(NETWORK,), refused_networks=(NETWORK,), signature_keys=("key",))
    template = {"spec": {"initContainers": [{"name": "fetch", **change}]}}
    spec = {"model": {"source": {"uri": URI}}, "server": {"podTemplate": template}}
    pod = pod_template(OWNER, spec, hash="0a1b2c3d", fingerprint=FINGERPRINT, size=SIZE, rendering=rendering)
    named = [each for each in fetch(pod)["env"] if each["name"] == REQUEST_VARIABLE]
    assert len(named) == 1
    assert named[0].keys() == {"name", "value"}
    asked = request(fetch(pod))
    assert (asked.source.uri, asked.allowed_networks, asked.refused_networks) == (URI, [NETWORK], [NETWORK])
    assert asked.signature_keys == ["key"]
    job = resolution_job(OWNER, spec, written="sha256:aa", attempt=1, rendering=rendering)
    assert request(job["spec"]["template"]["spec"]["containers"][0]).allowed_networks == [NETWORK]


@pytest.mark.parametrize("name", ["other/secret", "other:secret", "../secret", "other.secret/", "/secret", "", "Other"])
@pytest.mark.parametrize("reference", ["secretRef", "serviceAccountName"])
def test_an_identity_of_another_namespace_cannot_be_named(reference: str, name: str) -> None:
    named: Object = {"secretRef": {"name": name}} if reference == "secretRef" else {"serviceAccountName": name}
    with pytest.raises(ValidationError):
        rendered({"source": {"uri": URI, "credentials": named}})


@pytest.mark.parametrize("member", ["namespace", "secretNamespace"])
def test_a_reference_has_no_namespace(member: str) -> None:
    for named in ({"secretRef": {"name": "bucket", member: "other"}}, {"secretRef": {"name": "bucket"}, member: "o"}):
        with pytest.raises(ValidationError, match=member):
            rendered({"source": {"uri": URI, "credentials": named}})


def test_the_server_knows_nothing_of_the_secret() -> None:
    pod = rendered({"source": {"uri": URI, "credentials": {"secretRef": {"name": "bucket-keys"}}}})
    assert "bucket-keys" not in str(pod["spec"]["containers"])
    assert "secret" not in str(pod["spec"]["containers"]).lower()
    assert "credentials" not in str(pod["spec"]["containers"])


def test_a_claim_that_is_the_source_is_mounted_into_fetch_and_the_listing_and_not_into_triton() -> None:
    model = {"source": {"uri": "pvc://training/fraud/7"}}
    pod = rendered(model)
    mounted = {"name": "source", "mountPath": SOURCE_FOLDER, "readOnly": True}
    claim = {"name": "source", "persistentVolumeClaim": {"claimName": "training"}}
    assert mounted in fetch(pod)["volumeMounts"]
    assert volume(pod, "source") == claim
    assert "source" not in {each["name"] for each in triton(pod)["volumeMounts"]}
    job = resolution_job(OWNER, {"model": model}, written="sha256:aa", attempt=1, rendering=RENDERING)
    listing = job["spec"]["template"]["spec"]
    assert mounted in listing["containers"][0]["volumeMounts"]
    assert claim in listing["volumes"]
