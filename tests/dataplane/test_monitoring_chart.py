"""What the chart makes for the Prometheus operator, as helm renders it: nothing unless it is asked for."""

from __future__ import annotations

import subprocess
from typing import Any, Final

import pytest
import yaml

from e2e.cluster.binaries import ensure
from hack.dashboards import FOLDER
from hack.install_manifest import CHART
from tests.unit.resources.golden import GOLDEN
from tritium.api import names

Object = dict[str, Any]
GROUP: Final = "monitoring.coreos.com/v1"
LABELS: Final = {"release": "kube-prometheus-stack"}
MODELS: Final = [each for each in yaml.safe_load_all((GOLDEN / "gpu.yaml").read_text()) if each["kind"] == "Deployment"]
"""As the operator makes them."""
(LOGGER,) = [
    each
    for each in yaml.safe_load_all((GOLDEN / "request-log.yaml").read_text())
    if each["kind"] == "Deployment" and each["metadata"]["name"].endswith("-log")
]


def rendered(*values: str) -> list[Object]:
    """All objects of the chart."""
    flags = [flag for value in values for flag in ("--set", value)]
    command = [str(ensure("helm")["helm"]), "template", "tritium", str(CHART), "--namespace", "tritium-system", *flags]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [each for each in yaml.safe_load_all(text) if each]


def of_monitoring(*values: str) -> list[Object]:
    """What there is only with these values."""
    plain = rendered()
    assert all(each["apiVersion"] != GROUP for each in plain), "a cluster without the CRDs could not take it"
    return [each for each in rendered(*values) if each not in plain]


def asked(what: str) -> list[Object]:
    """What one of the values brings."""
    return of_monitoring(f"monitoring.{what}.enabled=true", f"monitoring.{what}.labels.release={LABELS['release']}")


def test_the_rules_are_those_of_the_file() -> None:
    (rule,) = asked("rules")
    assert (rule["apiVersion"], rule["kind"]) == (GROUP, "PrometheusRule")
    assert rule["spec"] == yaml.safe_load((CHART / "rules.yaml").read_text())
    assert rule["metadata"]["labels"].items() >= LABELS.items()


def test_monitors_find_pods_and_ports() -> None:
    operator, models = asked("podMonitor")
    assert {each["kind"] for each in (operator, models)} == {"PodMonitor"}
    assert all(each["metadata"]["labels"].items() >= LABELS.items() for each in (operator, models))
    (deployment,) = (each for each in rendered() if each["kind"] == "Deployment")
    template = deployment["spec"]["template"]
    assert selects(operator, template["metadata"]["labels"])
    assert ports(operator) <= ports_of(template["spec"])
    assert operator["spec"]["podMetricsEndpoints"][0]["honorLabels"] is True
    for pod in (MODELS[0]["spec"]["template"], LOGGER["spec"]["template"]):
        assert selects(models, pod["metadata"]["labels"])
        assert ports(models) <= ports_of(pod["spec"])
    assert models["spec"]["namespaceSelector"] == {"any": True}


@pytest.mark.parametrize("label", [names.OWNER, names.REVISION])
def test_a_models_series_have_its_labels(label: str) -> None:
    _, models = asked("podMonitor")
    (endpoint,) = models["spec"]["podMetricsEndpoints"]
    sources = {source for each in endpoint["relabelings"] for source in each["sourceLabels"]}
    assert label in MODELS[0]["spec"]["template"]["metadata"]["labels"]
    assert "__meta_kubernetes_pod_label_" + label.replace(".", "_").replace("/", "_") in sources


def test_the_dashboards_are_those_of_the_folder() -> None:
    (found,) = of_monitoring("monitoring.dashboards.enabled=true")
    assert found["kind"] == "ConfigMap"
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["data"] == {f"tritium-{path.name}": path.read_text() for path in FOLDER.glob("*.json")}


def selects(monitor: Object, labels: dict[str, str]) -> bool:
    selector = monitor["spec"]["selector"]
    others = selector.get("matchExpressions", ())
    assert all(each["operator"] == "In" for each in others)
    return bool(selector["matchLabels"].items() <= labels.items()) and all(
        labels.get(each["key"]) in each["values"] for each in others
    )


def ports(monitor: Object) -> set[str]:
    return {each["port"] for each in monitor["spec"]["podMetricsEndpoints"]}


def ports_of(pod: Object) -> set[str]:
    return {port["name"] for container in pod["containers"] for port in container.get("ports", ())}
