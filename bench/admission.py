"""What the CEL rules cost the API server: creating a ModelDeployment, with and without them.

The peer is the same CRD without a single rule, on the same server in the same run, the two asked in turn; nothing
is stored (dry run). So the ratio holds on any machine, and the absolute times are only a hint.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from tests.controlplane.admission.schema import nodes, whole
from tests.controlplane.api import Api
from tests.controlplane.crd import install_crd
from tests.controlplane.ring import ControlPlane
from tritium.api import names
from tritium.api.crd import custom_resource_definition

ROUNDS = 400
WARM_UP = 50
SAMPLES = Path(__file__).parents[1] / "manifests" / "samples"


def without_rules() -> dict[str, Any]:
    """The CRD under another group, with its schema and without its rules."""
    crd = custom_resource_definition()
    crd["spec"]["group"] = "plain.tritium.dev"
    crd["metadata"]["name"] = f"{names.PLURAL}.plain.tritium.dev"
    for _, node in nodes(whole(crd), ""):
        node.pop("x-kubernetes-validations", None)
    return crd


async def main() -> None:
    """Measure and print."""
    sample = next(
        document
        for document in yaml.safe_load_all((SAMPLES / "smoke-test.yaml").read_text())
        if document["kind"] == names.KIND
    )
    crds = {"with rules": custom_resource_definition(), "without": without_rules()}
    took: dict[str, list[float]] = {which: [] for which in crds}
    with tempfile.TemporaryDirectory() as folder, ControlPlane(Path(folder)) as ring:
        for crd in crds.values():
            await install_crd(ring, crd)
        async with Api(ring.admin) as api:
            for number in range(WARM_UP + ROUNDS):
                for which, crd in crds.items():
                    obj = sample | {"apiVersion": f"{crd['spec']['group']}/{names.VERSION}"}
                    began = time.perf_counter()
                    await api.create(obj, "default", dryRun="All", fieldValidation="Strict")
                    if number >= WARM_UP:
                        took[which].append(time.perf_counter() - began)
    print(f"admission of {SAMPLES.name}/smoke-test.yaml, {ROUNDS} dry runs each, in turn:")
    for which, seconds in took.items():
        p99 = statistics.quantiles(seconds, n=100)[98]
        print(f"  {which:<10} p50 {statistics.median(seconds) * 1e3:.2f} ms  p99 {p99 * 1e3:.2f} ms")
    pairs = [one / other for one, other in zip(took["with rules"], took["without"], strict=True)]
    print(f"  ratio, pair by pair: median {statistics.median(pairs):.2f}")
