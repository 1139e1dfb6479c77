"""helm, as a user runs it: the CRD comes with the chart, and stays when the chart goes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from e2e.cluster.binaries import ensure
from e2e.kubectl import Kubectl
from tritium.api import names

ROOT = Path(__file__).parents[1]
CHART = str(ROOT / "charts" / "tritium")


def helm(*arguments: str, kubectl: Kubectl) -> str:
    """Run the helm that was built with the cluster."""
    command = [str(ensure("helm")["helm"]), "--kubeconfig", str(kubectl.kubeconfig), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_chart_is_sound(kubectl: Kubectl) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", CHART, kubectl=kubectl)


def test_the_chart_renders_the_crd(kubectl: Kubectl) -> None:
    (rendered,) = yaml.safe_load_all(helm("template", "tritium", CHART, kubectl=kubectl))
    generated = yaml.safe_load((ROOT / "crds" / f"{names.CRD_NAME}.yaml").read_text())
    assert rendered["metadata"]["annotations"].pop("helm.sh/resource-policy") == "keep"
    assert rendered == generated


def test_the_crd_and_its_objects_stay_when_the_chart_goes(kubectl: Kubectl, namespace: Kubectl) -> None:
    """Under a release name of its own, since a demo may have installed the chart as `tritium`."""
    release, where = namespace.namespace, f"--namespace={namespace.namespace}"
    install = ("upgrade", "--install", release, CHART, "--wait", "--take-ownership", "--force-conflicts", where)
    try:
        helm(*install, kubectl=kubectl)
        namespace("apply", "--validate=strict", "-f", str(ROOT / "manifests" / "samples" / "short.yaml"))
        helm("uninstall", release, "--wait", where, kubectl=kubectl)
        assert namespace.get("mdep", "fraud")["spec"]["model"]["source"]["uri"] == "s3://models/fraud/7"
        helm(*install, kubectl=kubectl)
        assert namespace.get("mdep", "fraud")["metadata"]["generation"] == 1
    finally:
        helm("uninstall", release, "--wait", "--ignore-not-found", where, kubectl=kubectl)
