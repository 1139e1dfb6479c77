"""All objects of a ModelDeployment, and of a gateway, for the golden files in `tests/golden/resources`.

The files are what a reader sees of the builders. After a change that is meant, rewrite them and read the diff:

    python -m tests.unit.resources.golden
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tritium.api import names
from tritium.api.gateway import preview_port
from tritium.api.spec import ModelDeploymentSpec
from tritium.api.status import SourceStatus
from tritium.core.ports import Ports
from tritium.core.revision import revision_hash, written_hash
from tritium.resources.controller_revision import controller_revision
from tritium.resources.deployment import deployment
from tritium.resources.disruption import disruption_budget
from tritium.resources.endpoints_service import revision_service
from tritium.resources.facts import revision_facts
from tritium.resources.follow import Watched, follow_jobs
from tritium.resources.gateway.anchor import anchor
from tritium.resources.gateway.identity import Gateway
from tritium.resources.gateway.network import models_policy
from tritium.resources.gateway.objects import gateway_objects
from tritium.resources.owner import Owner
from tritium.resources.pod_template import pod_template
from tritium.resources.rendering import Rendering
from tritium.resources.request_log import logger, logger_service
from tritium.resources.resolution import resolution_job
from tritium.resources.service import preview_service, service

Object = dict[str, Any]

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "manifests" / "samples"
GOLDEN = ROOT / "tests" / "golden" / "resources"

RENDERING = Rendering(fetch_image="tritium.dev/operator:1.0.0", triton_image="nvcr.io/nvidia/tritonserver:26.07-py3")
FINGERPRINT = "sha256:" + "f" * 64
DIGEST = "sha256:" + "d" * 64
SIZE = 100 * 1024**2
UID = "00000000-0000-0000-0000-00000000000"
PORT = 10012
OPERATOR = "tritium-system"
NAMES = (
    "short",
    "gpu",
    "private-bucket",
    "service-account",
    "pod-template",
    "warmup",
    "blue-green",
    "bare-onnx",
    "shared-cache",
    "request-log",
)
"""The golden files of ModelDeployments; `gateway` is that of a gateway."""

SERVICE_ACCOUNT: Object = {
    "metadata": {"name": "forecast"},
    "spec": {
        "replicas": 2,
        "model": {
            "name": "prophet",
            "source": {"uri": "s3://models/forecast/1", "credentials": {"serviceAccountName": "model-reader"}},
            "layout": "python",
        },
        "server": {
            "image": "registry.example.com/triton@sha256:" + "0" * 64,
            "imagePullSecrets": [{"name": "registry"}],
            "priorityClassName": "system-cluster-critical",
            "resources": {"requests": {"cpu": 2, "memory": "4Gi"}, "limits": {"cpu": "2000m", "memory": "4096Mi"}},
        },
    },
}


def sample(name: str) -> Object:
    """The ModelDeployment of a sample."""
    documents = yaml.safe_load_all((SAMPLES / f"{name}.yaml").read_text())
    return next(each for each in documents if each["kind"] == names.KIND)


def case(name: str) -> Object:
    """The ModelDeployment of a golden file."""
    return SERVICE_ACCOUNT if name == "service-account" else sample(name)


def owner_of(model: Object, namespace: str = "ml", uid: str = f"{UID}1") -> Owner:
    """Who owns the objects of a ModelDeployment that no server has stored."""
    return Owner.of({"metadata": model["metadata"] | {"namespace": namespace, "uid": uid}})


def template(owner: Owner, spec: Object, size: int = SIZE, rendering: Rendering = RENDERING) -> Object:
    """The pod template of a spec's revision."""
    key = revision_hash(written_hash(spec), FINGERPRINT)
    return pod_template(owner, spec, hash=key, fingerprint=FINGERPRINT, size=size, rendering=rendering)


def objects(owner: Owner, spec: Object) -> list[Object]:
    """All objects of a ModelDeployment with one revision."""
    written = written_hash(spec)
    key = revision_hash(written, FINGERPRINT)
    rendered = template(owner, spec)
    return [
        resolution_job(owner, spec, written=written, attempt=1, rendering=RENDERING),
        controller_revision(
            owner,
            hash=key,
            number=1,
            written=written,
            fingerprint=FINGERPRINT,
            model=spec["model"].get("name", owner.name),
            files=3,
            size=SIZE,
            template=rendered,
        ),
        deployment(owner, hash=key, replicas=spec.get("replicas", 1), template=rendered),
        revision_facts(owner, hash=key, digest=DIGEST),
        disruption_budget(owner, hash=key),
        revision_service(owner, hash=key),
        service(owner, port=PORT, number=1),
        *([preview_service(owner, port=preview_port(PORT))] if has_preview(spec) else []),
        *([logger_service(owner), logger(owner, spec, RENDERING)] if "logging" in spec else []),
    ]


def has_preview(spec: Object) -> bool:
    """Whether its rollouts can be looked at."""
    return bool(spec.get("rollout", {}).get("strategy") == "blueGreen")


def gateway_anchor(*owners: Owner) -> Object:
    """The anchor of the gateway of those ModelDeployments, which are in one namespace."""
    ports = Ports(
        {owner.name: PORT + place for place, owner in enumerate(owners)}, {10001: datetime(2026, 1, 1, tzinfo=UTC)}
    )
    return anchor(owners[0].namespace, owners, ports)


def gateway(anchor_uid: str, namespace: str = "ml") -> list[Object]:
    """All other objects of a gateway."""
    its = Gateway(namespace, anchor_uid)
    return [*gateway_objects(its, RENDERING, operator=OPERATOR), models_policy(its, operator=OPERATOR)]


class _Readable(yaml.SafeDumper):
    """No anchors where one value stands in two places."""

    def ignore_aliases(self, data: Any) -> bool:
        return data is not None


def rendered(name: str) -> str:
    """What a golden file holds."""
    if name == "gateway":
        owners = owner_of(case("short")), owner_of(case("gpu"), uid=f"{UID}2")
        return _text([gateway_anchor(*owners), *gateway(f"{UID}3")])
    if name == "follow":
        return _text(followers())
    model = case(name)
    return _text(objects(owner_of(model), model["spec"]))


def followers() -> list[Object]:
    """The Jobs that look for changes at the sources of two ModelDeployments with different credentials."""
    model = sample("followed")
    public = model["spec"]["model"]["source"] | {"credentials": None}
    specs = {"churn": model["spec"], "public": {"model": {"source": public}}}
    known = SourceStatus(written="sha256:" + "a" * 64, fingerprint=FINGERPRINT, at=datetime(2026, 1, 1, tzinfo=UTC))
    watched = [
        Watched(owner_of({"metadata": {"name": name}}), ModelDeploymentSpec.model_validate(spec), known, known.at)
        for name, spec in specs.items()
    ]
    return follow_jobs(Gateway("ml", f"{UID}3"), watched, RENDERING)


def _text(built: list[Object]) -> str:
    return yaml.dump_all(built, Dumper=_Readable, sort_keys=False, width=120)


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for each in (*NAMES, "gateway", "follow"):
        (GOLDEN / f"{each}.yaml").write_text(rendered(each))
