"""ModelDeployments as the operator writes them, for what shows them."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tritium.api import names
from tritium.api.rollout import Analysis, LatencyGate, PrometheusGate
from tritium.core.gate import gate_status
from tritium.core.gates import judge
from tritium.core.sample import Sample
from tritium.core.seen import QuerySeen, Reading

Object = dict[str, Any]

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
UID = "00000000-0000-0000-0000-000000000001"


def condition(kind: str, status: str, reason: str, message: str = "") -> Object:
    since = "2026-03-01T11:55:00Z"
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since}


WELL = (
    condition("Ready", "True", "Serving", "3 pods are ready"),
    condition("Stalled", "False", "NotStalled"),
    condition("SourceReady", "True", "Verified", "the files were verified"),
    condition("ModelLoaded", "True", "Loaded"),
    condition("TrafficConfigured", "True", "Configured"),
    condition("ScalingActive", "False", "FixedReplicas", "spec.replicas decides"),
)
RELEASED = condition("Released", "True", "Released", "revision 2 serves")
ROLLING = condition("Released", "False", "RollingOut", "revision 3 is at 25 %, revision 2 serves the rest")


def model(status: Object | None = None, **spec: Any) -> Object:
    """A ModelDeployment `fraud`; `status` with all that is usual."""
    source = {"uri": "s3://models/fraud/3"}
    metadata = {
        "name": "fraud",
        "namespace": "ml",
        "uid": UID,
        "generation": 4,
        "resourceVersion": "100",
        "creationTimestamp": "2026-02-20T09:00:00Z",
    }
    usual = {"observedGeneration": 4, "phase": "Idle", "reason": "Serving", "url": "http://fraud.ml.svc:8000"}
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": metadata,
        "spec": copy.deepcopy({"model": {"source": source, **spec.pop("model", {})}, **spec}),
        "status": usual | copy.deepcopy(status or {}),
    }


def served(number: int = 2, weight: int = 100, **more: Any) -> Object:
    digest = "sha256:" + f"{number:x}" * 64
    usual = {"revision": number, "digest": digest, "weight": weight, "replicas": 3, "readyReplicas": 3}
    return usual | more


SINCE = {"errors": 80, "refused": 110, "latency": 125, "restarts": 130, "gpu-memory": 100}
"""For how many seconds each verdict has been the same."""
ASKED = Analysis(
    latency=LatencyGate(threshold="250ms"),
    prometheus=[PrometheusGate(name="gpu-memory", query="max(gpu_memory)", max=0.9)],
)
GATES = [
    gate_status([each], None, NOW - timedelta(seconds=SINCE[each.name]))[0].model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    for each in judge(
        ASKED,
        Sample(1804, failed=24, refused=3, latency=((250.0, 1773), (1000.0, 1804))),
        Sample(5412, failed=22, refused=9, latency=((250.0, 5309), (1000.0, 5412))),
        0,
        {"gpu-memory": QuerySeen(tuple(Reading(NOW - timedelta(seconds=each), 0.71) for each in (60, 30, 0)))},
    )
]
"""As the operator judges: of the errors too many may be chance, and all else passes."""

STEPS = json.dumps({"steps": [{"weight": weight} for weight in (5, 25, 50, 100)]})
CANARY = model(
    {
        "phase": "Progressing",
        "reason": "RollingOut",
        "stable": served(2, 75),
        "candidate": served(
            3,
            25,
            replicas=1,
            readyReplicas=1,
            settings=STEPS,
            step=1,
            stepStartedAt="2026-03-01T11:57:50Z",
            gates=GATES,
        ),
        "conditions": [*WELL, ROLLING],
    }
)
"""In the middle of a canary."""

FAILED = condition("Released", "False", "Aborted", (
    "revision 3 was turned down: SmokeTestFailed: output SCORE[0] is 0.5. Revision 2 goes on"
))  # fmt: skip
ABORTED = model(
    {
        "phase": "Aborted",
        "reason": "SmokeTestFailed",
        "stable": served(2),
        "rejectedRevisions": [{"revision": 3, "reason": "SmokeTestFailed", "message": "output SCORE[0] is 0.5"}],
        "lastRollback": {
            "fromRevision": 3,
            "toRevision": 2,
            "reason": "GateFailed",
            "message": "41 of 190 requests failed",
            "at": "2026-03-01T11:40:00Z",
        },
        "lastFailure": {
            "component": "triton",
            "pod": "fraud-3f2a9c01-7d9c5-x2x7p",
            "reason": "OutOfMemory",
            "message": "The container triton was killed: it used more than its limit of 2Gi.",
            "at": "2026-03-01T11:38:00Z",
        },
        "conditions": [*WELL, FAILED],
    }
)
COMPARED = model(
    {
        "stable": served(2),
        "arms": [
            {
                "name": "control",
                "revision": 2,
                "weight": 90,
                "replicas": 3,
                "readyReplicas": 3,
                "requests": 18_204,
                "errors": 70,
                "lower": 0.00304,
                "upper": 0.00486,
                "latency": [
                    {"quantile": 0.5, "ms": 4.1, "lower": 2, "upper": 5},
                    {"quantile": 0.95, "ms": 18.5, "lower": 10, "upper": 25},
                ],
            },
            {
                "name": "deep",
                "revision": 3,
                "weight": 10,
                "replicas": 1,
                "readyReplicas": 0,
                "requests": 0,
                "errors": 0,
                "message": "no node has a GPU free",
            },
        ],
        "conditions": [*WELL, RELEASED],
    },
    experiment={"arms": [], "endsAt": "2026-03-08T00:00:00Z"},
)
IDLE = model({"stable": served(2), "conditions": [*WELL, RELEASED]})
COPIED = model(
    {
        "reason": "Mirroring",
        "stable": served(2),
        "traffic": {"version": 7, "revisions": [], "mirror": {"revision": 3, "percent": 10}},
        "conditions": [*WELL, RELEASED],
    },
    traffic={"mirror": {"revision": 3, "percent": 10}},
)
NEW = model({"observedGeneration": None, "phase": None, "reason": None, "url": None})


def changed(obj: Object, status: Object | None = None, spec: Object | None = None) -> Object:
    return obj | {"status": obj["status"] | (status or {}), "spec": obj["spec"] | (spec or {})}


def candidate(**more: Any) -> Object:
    return {"candidate": CANARY["status"]["candidate"] | more}


EXPERIMENTING = changed(COMPARED, {"phase": "Blocked", "reason": "ExperimentRunning"})
OVER = changed(
    COMPARED,
    {
        "experimentEnded": {"written": "1" * 16, "reason": "AbortedByHand", "at": "2026-03-01T11:59:00Z"},
        "arms": [
            {name: arm[name] for name in arm.keys() - {"replicas", "readyReplicas", "message"}} | {"weight": 0}
            for arm in COMPARED["status"]["arms"]
        ],
    },
)
