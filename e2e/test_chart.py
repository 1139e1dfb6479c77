"""The chart as helm renders it, and what a real API server says to it."""

from __future__ import annotations

import json
import logging
import secrets
from typing import Any

import pytest
import yaml

from e2e import operator
from e2e.cluster import settings
from e2e.kubectl import Kubectl, Refused
from e2e.operator import CHART, helm
from hack import install_manifest
from tritium.api import names
from tritium.settings import from_environment

Object = dict[str, Any]


def rendered(kubectl: Kubectl, *flags: str, release: str = "tritium") -> dict[str, list[Object]]:
    """The chart's objects by kind."""
    found: dict[str, list[Object]] = {}
    for each in yaml.safe_load_all(helm(kubectl, "template", release, str(CHART), *flags)):
        found.setdefault(each["kind"], []).append(each)
    return found


def pod_of(objects: dict[str, list[Object]]) -> Object:
    """The pod template's spec."""
    (deployment,) = objects["Deployment"]
    spec: Object = deployment["spec"]["template"]["spec"]
    return spec


def test_the_chart_is_sound(kubectl: Kubectl) -> None:
    assert "0 chart(s) failed" in helm(kubectl, "lint", "--strict", str(CHART))


def test_the_chart_has_the_crd_and_helm_keeps_it(kubectl: Kubectl) -> None:
    (crd,) = rendered(kubectl)["CustomResourceDefinition"]
    generated = yaml.safe_load((settings.ROOT / "crds" / f"{names.CRD_NAME}.yaml").read_text())
    assert crd["metadata"]["annotations"].pop("helm.sh/resource-policy") == "keep"
    assert crd == generated


def test_the_manifest_is_what_the_chart_renders() -> None:
    fresh = install_manifest.MANIFEST.read_text() == install_manifest.rendered()
    assert fresh, "manifests/install.yaml is not what charts/tritium renders: run `make generate`"


def test_the_api_server_takes_the_manifest_and_knows_every_field(namespace: Kubectl) -> None:
    """In a namespace that is there, since nothing is made."""
    text = install_manifest.MANIFEST.read_text().replace(install_manifest.NAMESPACE, namespace.namespace)
    ask = ("--server-side", "--force-conflicts", "--validate=strict", "--dry-run=server")
    answers = namespace("apply", *ask, "-f", "-", stdin=text).splitlines()
    assert len(answers) == len(list(yaml.safe_load_all(text)))


def test_the_operators_pod_is_restricted(kubectl: Kubectl, namespace: Kubectl) -> None:
    """As a bare pod, since of a Deployment the API server only warns."""
    spec = pod_of(rendered(kubectl)) | {"serviceAccountName": "default"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "operator"}, "spec": spec}
    answer = namespace("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))
    assert answer == "pod/operator serverside-applied (server dry run)\n"


@pytest.mark.parametrize(
    ("flag", "complaint"),
    [
        ("replica=2", "additional properties 'replica' not allowed"),
        ("image.tags=x", "additional properties 'tags' not allowed"),
        ("replicas=0", "minimum: got 0, want 1"),
        ("replicas=two", "got string, want integer"),
        ("image.repository=tritium.dev/operator:dev", "does not match pattern"),
        ("image.pullPolicy=Sometimes", "value must be one of"),
        ("logLevel=loud", "value must be one of"),
        ("image.digest=sha256:12", "does not match pattern"),
        ("triton.image=", "minLength"),
        ("sources.allowedNetworks={10.0.0.1}", "does not match pattern"),
        ("sources.signatureKeys={rubbish}", "does not match pattern"),
        ("sources.allowedNetworks=10.0.0.0/8", "got string, want array"),
        ("resources.limit.memory=1Gi", "additional properties 'limit' not allowed"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(kubectl: Kubectl, flag: str, complaint: str) -> None:
    with pytest.raises(Refused) as refused:
        rendered(kubectl, f"--set={flag}")
    assert complaint in str(refused.value)


def test_every_value_reaches_the_pod(kubectl: Kubectl) -> None:
    digest = f"sha256:{secrets.token_hex(32)}"
    key = (settings.ROOT / "tests" / "sync" / "signed.pub").read_text()
    networks = {"allowedNetworks": ["10.0.0.0/8", "fd00::/8"], "refusedNetworks": ["10.1.0.0/16"]}
    given = {
        "replicas": 1,
        "image": {"repository": "registry:5000/t", "tag": "v", "digest": digest, "pullPolicy": "Always"},
        "imagePullSecrets": [{"name": "registry"}],
        "triton": {"image": "triton:26.07"},
        "sources": networks | {"signatureKeys": [key]},
        "logLevel": "debug",
        "resources": {"requests": {"cpu": 2, "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        "podAnnotations": {"a": "b"},
        "nodeSelector": {"kind": "system"},
        "tolerations": [{"key": "system", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "priorityClassName": "high",
    }
    objects = rendered(kubectl, *(f"--set-json={name}={json.dumps(value)}" for name, value in given.items()))
    (deployment,) = objects["Deployment"]
    pod = pod_of(objects)
    (container,) = pod["containers"]
    env = {each["name"]: each.get("value") for each in container["env"]}
    image = f"registry:5000/t:v@{digest}"
    assert "PodDisruptionBudget" not in objects
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert deployment["spec"]["template"]["metadata"]["annotations"] == given["podAnnotations"]
    assert [container["image"], container["imagePullPolicy"], env["TRITIUM_IMAGE"]] == [image, "Always", image]
    told = from_environment({name: value or "" for name, value in env.items()})
    assert (told.triton_image, told.image_pull_policy) == ("triton:26.07", "Always")
    assert [str(each) for each in told.source_allowed_networks] == networks["allowedNetworks"]
    assert told.source_signature_keys == (key,)
    assert [str(each) for each in told.source_refused_networks] == networks["refusedNetworks"]
    assert logging.getLevelNamesMapping()[told.log_level] == logging.DEBUG
    assert container["resources"] == given["resources"]
    for name in ("imagePullSecrets", "nodeSelector", "tolerations", "affinity", "priorityClassName"):
        assert pod[name] == given[name]


def test_the_default_image_is_the_charts_version(kubectl: Kubectl) -> None:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    (container,) = pod_of(rendered(kubectl))["containers"]
    assert container["image"] == f"tritium.dev/operator:{version}"


def test_objects_of_two_releases_have_different_names(kubectl: Kubectl) -> None:
    one, other = rendered(kubectl), rendered(kubectl, release="other")
    del one["CustomResourceDefinition"], other["CustomResourceDefinition"]
    named = [{each["metadata"]["name"] for kind in objects.values() for each in kind} for objects in (one, other)]
    # The gateways' role belongs to the cluster, as the CRD does: its name stands in every namespace's RoleBinding.
    own = {"tritium", "tritium-metrics"}, {"other-tritium", "other-tritium-metrics"}
    assert named == [names | {"tritium-gateway"} for names in own]


def test_the_notes_name_commands_for_this_release(kubectl: Kubectl) -> None:
    """Helm renders notes only with an installation; what they say to type is then right as it stands."""
    flags = ("--dry-run=client", "--namespace=here", *operator.values(settings.OPERATOR_IMAGE))
    notes = helm(kubectl, "install", "mine", str(CHART), *flags).partition("NOTES:")[2]
    assert "kubectl --namespace here rollout status deployment/mine-tritium" in notes
    assert "helm uninstall mine --namespace here" in notes
    assert "kubectl describe mdep fraud" in notes
