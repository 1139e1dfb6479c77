"""Bad objects by their shape: names, unknown fields, types, choices, numbers, lengths."""

from __future__ import annotations

from tests.controlplane.admission.objects import Bad
from tests.controlplane.admission.parts import ARM, MLFLOW, SOURCE, TENSOR, keys, many, named

NAMES = [
    Bad("metadata.name", "a" * 51, "at most 50 lower-case letters, digits and -, first a letter", at="metadata.name"),
    Bad("metadata.name", "1fraud", "at most 50 lower-case letters, digits and -, first a letter", at="metadata.name"),
    Bad("metadata.name", "fraud.v1", "names a Service", at="metadata.name"),
    Bad("metadata.name", "tritium-gateway", "the gateway of the namespace has a Service", at="metadata.name"),
    Bad("metadata.name", "Fraud", "a lowercase RFC 1123 subdomain", at="metadata.name"),
]

UNKNOWN = [
    Bad("spec.modle", {}, 'unknown field "spec.modle"'),
    Bad("spec.model.source.url", "s3://a/b", 'unknown field "spec.model.source.url"'),
    Bad("spec.server.gpus", 1, 'unknown field "spec.server.gpus"'),
    Bad("spec.replica", 2, 'unknown field "spec.replica"'),
    Bad("specs", {}, 'unknown field "specs"'),
]

TYPES = [
    Bad("spec", None, "Required value"),
    Bad("spec.model", None, "Required value"),
    Bad("spec.model.source", None, "Required value", besides=(("spec.model.name", "a"),)),
    Bad("spec.replicas", "2", "must be of type integer"),
    Bad("spec.replicas", 1.5, "must be of type integer"),
    Bad("spec.server.args", "--log-verbose=1", "must be of type array"),
    Bad("spec.server.env", [{"name": "A"}, "B=1"], "must be of type object", at="spec.server.env[1]"),
    Bad("spec.server.gpu", {}, "Required value", at="spec.server.gpu.count"),
    Bad("spec.model.smokeTest", [{}], "Required value", at="spec.model.smokeTest[0].inputs"),
    Bad(
        "spec.model.smokeTest",
        [{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1]}]}],
        "Required value",
        at="spec.model.smokeTest[0].inputs[0].data",
    ),
    Bad("spec.server.nodeSelector", {"zone": 1}, "must be of type string", at="spec.server.nodeSelector.zone"),
    Bad("spec.server.resources.limits", {"cpu": 0.5}, 'Invalid value: "number"', at=".cpu"),
    Bad("spec.experiment.endsAt", "tomorrow", "must be of type date-time", besides=(("spec.experiment.arms", [ARM]),)),
    Bad("spec.server.shmSize", True, 'Invalid value: "boolean"'),
]

CHOICES = [
    Bad("spec.model.layout", "onxx", 'supported values: "auto", "triton"'),
    Bad(
        "spec.model.smokeTest",
        [{"inputs": [TENSOR | {"datatype": "FLOAT"}]}],
        'supported values: "BOOL"',
        at="spec.model.smokeTest[0].inputs[0].datatype",
    ),
    Bad("spec.scaling.mode", "auto", 'supported values: "Auto", "Recommend", "External"'),
    Bad("spec.scaling.metric", "gpu", 'supported values: "auto", "requestRate"'),
    Bad("spec.rollout.strategy", "bluegreen", 'supported values: "canary", "blueGreen", "recreate"'),
    Bad("spec.rollout.onFailure", "abort", 'supported values: "Abort", "Pause"'),
    Bad("spec.rollout.capacity", "Surge", 'supported values: "surge", "replace"'),
    Bad("spec.rollout.compatibility", "Ignore", 'supported values: "Enforce", "Warn"'),
    Bad("spec.rollout.analysis.onInsufficientData", "Wait", 'supported values: "Hold", "Promote", "Abort"'),
    Bad(
        "spec.model.config.instanceGroups",
        [{"kind": "GPU"}],
        'supported values: "KIND_AUTO"',
        at="spec.model.config.instanceGroups[0].kind",
    ),
    Bad("spec.routing.provider", "GatewayAPI", 'supported values: "Embedded"'),
]

NUMBERS = [
    Bad("spec.replicas", -1, "should be greater than or equal to 0"),
    Bad("spec.replicas", 1001, "should be less than or equal to 1000"),
    Bad("spec.pinRevision", 0, "should be greater than or equal to 1"),
    Bad("spec.revisionHistoryLimit", 0, "should be greater than or equal to 1"),
    Bad("spec.revisionHistoryLimit", 51, "should be less than or equal to 50"),
    Bad("spec.server.gpu.count", 0, "should be greater than or equal to 1"),
    Bad("spec.server.gpu.count", 65, "should be less than or equal to 64"),
    Bad("spec.scaling.min", -1, "should be greater than or equal to 0"),
    Bad("spec.scaling.target", 0, "should be greater than 0", besides=(("spec.scaling.metric", "concurrency"),)),
    Bad("spec.scaling.priority", 1001, "should be less than or equal to 1000"),
    Bad("spec.rollout.steps", [{"weight": 101}], "less than or equal to 100", at="spec.rollout.steps[0].weight"),
    Bad("spec.rollout.analysis.errors.maxShare", 1.5, "should be less than or equal to 1"),
    Bad("spec.traffic.mirror.percent", 0, "should be greater than or equal to 1"),
    Bad(f"{SOURCE}.mlflow", MLFLOW | {"version": 0}, "greater than or equal to 1", at=f"{SOURCE}.mlflow.version"),
    Bad(
        "spec.model.smokeTest",
        [{"inputs": [TENSOR], "outputs": [{"name": "y", "data": [1], "tolerance": -1}]}],
        "should be greater than or equal to 0",
        at="spec.model.smokeTest[0].outputs[0].tolerance",
    ),
]

LENGTHS = [
    Bad(f"{SOURCE}.uri", "s3://" + "a" * 2048, "may not be more than 2048 bytes"),
    Bad("spec.model.name", "a" * 129, "may not be more than 128 bytes"),
    Bad("spec.server.image", " triton 26.07", "must be an image such as nvcr.io/nvidia/tritonserver:26.07-py3"),
    Bad("spec.server.image", "a" * 513, "may not be more than 512 bytes"),
    Bad(f"{SOURCE}.options", keys(17), "must have at most 16 items"),
    Bad("spec.model.config.instanceGroups", many({}, 17), "must have at most 16 items"),
    Bad("spec.model.config.instanceGroups", [{"gpus": many(0, 33)}], "at most 32", at="[0].gpus"),
    Bad("spec.model.config.dynamicBatching.preferredBatchSize", many(1, 33), "must have at most 32 items"),
    Bad("spec.model.config.parameters", keys(65), "must have at most 64 items"),
    Bad("spec.model.warmup", many({"inputs": [TENSOR]}, 9), "must have at most 8 items"),
    Bad("spec.logging", {"uri": "s3://a", "sampleRate": 1, "fields": many("headers", 4)}, "at most 3", at=".fields"),
    Bad("spec.model.warmup", [{"inputs": []}], "should have at least 1 items", at="[0].inputs"),
    Bad("spec.model.warmup", [{"inputs": named(TENSOR, 33)}], "at most 32 items", at="[0].inputs"),
    Bad("spec.model.warmup", [{"inputs": [TENSOR | {"shape": many(1, 17)}]}], "at most 16", at="[0].inputs[0].shape"),
    Bad("spec.model.warmup", [{"inputs": [TENSOR | {"data": many(1, 4097)}]}], "at most 4096", at="[0].inputs[0].data"),
    Bad("spec.model.warmup", [{"inputs": [TENSOR | {"data": []}]}], "at least 1 items", at="[0].inputs[0].data"),
    Bad(
        "spec.model.smokeTest",
        [{"inputs": [TENSOR], "outputs": [{"name": "y", "data": []}]}],
        "should have at least 1 items",
        at="[0].outputs[0].data",
    ),
    Bad("spec.model.smokeTest", many({"inputs": [TENSOR]}, 9), "must have at most 8 items"),
    Bad("spec.model.smokeTest", [{"inputs": [TENSOR, TENSOR]}], "Duplicate value", at="[0].inputs[1]"),
    *(
        Bad(
            f"spec.model.{requests}",
            [{"inputs": [TENSOR | {"data": [nested]}]}],
            "at most 0",
            at="[0].inputs[0].data[0]",
        )
        for requests in ("warmup", "smokeTest")
        for nested in ([1, 2], {"a": 1})
    ),
    *(
        Bad(
            "spec.model.smokeTest",
            [{"inputs": [TENSOR], "outputs": [{"name": "y", "data": [nested]}]}],
            "at most 0",
            at="[0].outputs[0].data[0]",
        )
        for nested in ([1, 2], {"a": 1})
    ),
    Bad("spec.model.smokeTest", [{"inputs": []}], "should have at least 1 items", at="[0].inputs"),
    Bad("spec.model.smokeTest", [{"inputs": named(TENSOR, 33)}], "at most 32 items", at="[0].inputs"),
    Bad(
        "spec.model.smokeTest", [{"inputs": [TENSOR | {"shape": many(1, 17)}]}], "at most 16", at="[0].inputs[0].shape"
    ),
    Bad(
        "spec.model.smokeTest",
        [{"inputs": [TENSOR | {"data": many(1, 4097)}]}],
        "at most 4096",
        at="[0].inputs[0].data",
    ),
    Bad("spec.model.smokeTest", [{"inputs": [TENSOR | {"data": []}]}], "at least 1 items", at="[0].inputs[0].data"),
    Bad(
        "spec.model.smokeTest",
        [{"inputs": [TENSOR], "outputs": named({"data": [1]}, 33)}],
        "must have at most 32 items",
        at="spec.model.smokeTest[0].outputs",
    ),
    Bad(
        "spec.model.smokeTest",
        [{"inputs": [TENSOR], "outputs": [{"name": "y", "data": many(1, 4097)}]}],
        "must have at most 4096 items",
        at="spec.model.smokeTest[0].outputs[0].data",
    ),
    Bad("spec.server.resources.requests", keys(17), "must have at most 16 items"),
    Bad("spec.server.resources.limits", keys(17), "must have at most 16 items"),
    Bad("spec.server.args", many("--log-verbose=1", 65), "must have at most 64 items"),
    Bad("spec.server.env", many({"name": "A"}, 65), "must have at most 64 items"),
    Bad("spec.server.nodeSelector", keys(33), "must have at most 32 items"),
    Bad("spec.server.tolerations", many({"operator": "Exists"}, 33), "must have at most 32 items"),
    Bad("spec.server.imagePullSecrets", named({}, 9), "must have at most 8 items"),
    Bad("spec.scaling.schedules", many({"cron": "0 7 * * *", "min": 1}, 17), "must have at most 16 items"),
    Bad("spec.rollout.steps", [{"weight": number + 1} for number in range(21)], "must have at most 20 items"),
    Bad("spec.rollout.steps", [], "should have at least 1 items"),
    Bad("spec.rollout.analysis.prometheus", named({"query": "q", "max": 1}, 9), "must have at most 8 items"),
    Bad("spec.experiment.arms", named(ARM, 9), "must have at most 8 items"),
    Bad("spec.experiment.arms", [], "should have at least 1 items"),
    Bad(
        "spec.experiment.arms",
        [ARM | {"match": {"headers": named({"value": "1"}, 9)}}],
        "must have at most 8 items",
        at="spec.experiment.arms[0].match.headers",
    ),
    Bad(
        "spec.experiment.arms",
        [ARM | {"match": {"headers": []}}],
        "should have at least 1 items",
        at="spec.experiment.arms[0].match.headers",
    ),
]
