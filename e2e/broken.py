"""What can be wrong with a ModelDeployment, each as its user would write it, and what it has to say then."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, Final

from e2e import adders, serving
from e2e.kubectl import Kubectl
from tritium.api.fetch import FetchReason
from tritium.core.reasons import Reason

Object = dict[str, Any]

GOOD: Final = "adder/good"
SLOW: Final = "adder/slow"
NO_SUCH_IMAGE: Final = "127.0.0.1:1/triton:24.10"
"""Refused at once, so that what is measured is not somebody's name server."""

FILES: Final = {
    **adders.files(GOOD),
    **adders.files("adder/unloadable", initialize="raise ValueError('the weights do not fit the layers')"),
    **adders.files(SLOW, initialize="time.sleep(40)"),
    **adders.files("adder/off-by-one", offset=1),
    **adders.files("adder/garbled"),
    "adder/garbled/config.pbtxt": b'backend: "python"\nmax_batch_size: many\n',
}
"""What has to lie in the bucket."""

SMOKE_TEST: Final = {
    "name": "one-and-two",
    "inputs": [
        {"name": "A", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]},
        {"name": "B", "datatype": "FP32", "shape": [1, 2], "data": [3, 4]},
    ],
    "outputs": [{"name": "SUM", "data": [4, 6]}],
}


@dataclass(frozen=True, slots=True)
class Broken:
    """A mistake.

    Attributes:
        reason: the word for it, in the conditions, `lastFailure` and an Event.
        says: parts of the sentence: what happened, and what to do.
        component: what `lastFailure` names.
        source, model, server: members of the spec that are different from what serves.
        prefix: where the model is, where that is different.
    """

    reason: Reason | FetchReason
    says: tuple[str, ...]
    component: str
    source: Object = field(default_factory=dict)
    model: Object = field(default_factory=dict)
    server: Object = field(default_factory=dict)
    prefix: str = GOOD

    def deployment(self, store: Kubectl, name: str) -> Object:
        """The ModelDeployment with the mistake in it.

        Args:
            store: kubectl in the namespace of the bucket.
            name: its name.
        """
        return serving.small(
            store, name, self.prefix, source=self.source, model=self.model, server=copy.deepcopy(self.server)
        )


CASES: Final = {
    "image": Broken(
        Reason.IMAGE_PULL,
        (f"the image {NO_SUCH_IMAGE} cannot be pulled", "Correct server.image"),
        "triton",
        server={"image": NO_SUCH_IMAGE},
    ),
    "closed-port": Broken(
        FetchReason.SOURCE_UNREACHABLE,
        ("s3-closed", "Connection refused", "Check model.source.uri and model.source.options"),
        "resolve",
        source={"options": {"endpoint": "http://s3-closed:7071", "region": "us-east-1", "allowHttp": "true"}},
    ),
    "unknown-host": Broken(
        FetchReason.SOURCE_UNREACHABLE,
        ("s3.nowhere.svc", "its name cannot be resolved", "Check model.source.uri and model.source.options"),
        "resolve",
        source={"options": {"endpoint": "http://s3.nowhere.svc:7070", "region": "us-east-1", "allowHttp": "true"}},
    ),
    "key": Broken(
        FetchReason.SOURCE_NOT_FOUND,
        ("s3://models/adder/none", "nothing is there", "Check model.source.uri"),
        "resolve",
        prefix="adder/none",
    ),
    "bucket": Broken(
        FetchReason.SOURCE_NOT_FOUND,
        ("there is no bucket modells", "Check its name in model.source.uri"),
        "resolve",
        source={"uri": "s3://modells/adder/good"},
    ),
    "credentials": Broken(
        FetchReason.ACCESS_DENIED,
        ("access was refused", "wrong-keys"),
        "resolve",
        source={"credentials": {"secretRef": {"name": "wrong-keys"}}},
    ),
    "secret": Broken(
        FetchReason.SECRET_MISSING,
        ("made-later",),
        "resolve",
        source={"credentials": {"secretRef": {"name": "made-later"}}},
    ),
    "config": Broken(
        FetchReason.CONFIG_INVALID,
        ("config.pbtxt cannot be read at line 2, column 17", "Correct it, and put it at a new path"),
        "fetch",
        prefix="adder/garbled",
    ),
    "settings": Broken(
        FetchReason.CONFIG_INVALID,
        ("model.config.raw cannot be read at line 2, column 1", "Correct it in the spec"),
        "resolve",
        model={"config": {"maxBatchSize": 4, "raw": "response_cache { enable: false }\nmax_batch: 8\n"}},
    ),
    "load": Broken(
        Reason.MODEL_LOAD_FAILED,
        ("the weights do not fit the layers", "Correct the model or its config.pbtxt"),
        "triton",
        prefix="adder/unloadable",
    ),
    "warm-up": Broken(
        Reason.WARMUP_FAILED,
        ("Triton cannot warm the model up", "expected 2 inputs but got 1", "Correct model.warmup"),
        "triton",
        model={"warmup": [{"inputs": [{"name": "A", "datatype": "FP32", "shape": [1, 2]}]}]},
    ),
    "smoke-test": Broken(
        Reason.SMOKE_TEST_FAILED,
        ("one-and-two", "SUM"),
        "smokeTest",
        model={"smokeTest": [SMOKE_TEST]},
        prefix="adder/off-by-one",
    ),
    "room": Broken(
        Reason.UNSCHEDULABLE,
        ("Insufficient cpu", "Add a node or free one, or ask for less: see server.resources"),
        "pod",
        server={"resources": {"requests": {"cpu": 1000, "memory": "256Mi"}, "limits": {"memory": "1Gi"}}},
    ),
    "gpu": Broken(
        Reason.NO_GPU,
        ("No node has nvidia.com/gpu free", "Free a GPU, add a node with one, or lower server.gpu.count"),
        "pod",
        server={"gpu": {"count": 1}},
    ),
    "volume": Broken(
        Reason.VOLUME_NOT_BOUND,
        ("unbound immediate PersistentVolumeClaims", "see with `kubectl describe pvc` why it has no volume"),
        "pod",
        server={
            "podTemplate": {
                "spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "no-volume"}}]}
            }
        },
    ),
}


def further_objects() -> list[Object]:
    """What some of the mistakes need to be made."""
    closed = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s3-closed"},
        "spec": {"selector": {"app": "s3"}, "ports": [{"port": 7071}]},
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "no-volume"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "no-such-class",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    return [closed, claim, serving.keys("wrong-keys", "somebody", "else")]
