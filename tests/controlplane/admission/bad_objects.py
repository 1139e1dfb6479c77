"""The table of bad objects: each CEL rule, bound, type, choice, unknown field and bad name.

`test_every_rule_has_a_bad_object` holds it against the CRD, so a new rule or list needs a new line here.
"""

from __future__ import annotations

from typing import Any, Final

from tests.controlplane.admission.objects import Bad
from tests.controlplane.admission.schema import pattern

SOURCE = "spec.model.source"
DURATION = "must be a duration such as 500ms, 30s, 10m or 1h30m"
QUANTITY = "must be a quantity of zero or more, such as 2, 500m or 16Gi"
OBJECT_NAME = "must be the name of a Kubernetes object"
DNS_LABEL = "must be lower-case letters, digits and -, such as control"
HEADER = "must be an HTTP header's name"
DIGEST = "must be sha256: and 64 lower-case hexadecimal digits; `tritium digest DIR` prints it"
TENSOR: Final = {"name": "x", "datatype": "FP32", "shape": [1], "data": [1.5]}
ARM: Final = {"name": "a", "revision": 1, "weight": 10}
MLFLOW: Final = {"trackingUri": "https://mlflow.example.com", "name": "fraud", "version": 7}
NO_URI = ((f"{SOURCE}.uri", None),)


def many(entry: Any, count: int) -> list[Any]:
    """A list that is one too long."""
    return [entry] * count


def keys(count: int, value: Any = "1") -> dict[str, Any]:
    """A map that is one too large."""
    return {f"k{number}": value for number in range(count)}


def not_yet(path: str, value: Any, *besides: tuple[str, Any]) -> Bad:
    """A field that is known and not honoured."""
    return Bad(path, value, f"Forbidden: {path.rpartition('.')[2]} is not available in this version; ", besides=besides)


NAMES = [
    Bad("metadata.name", "a" * 51, "at most 50 lower-case letters, digits and -, first a letter", at="metadata.name"),
    Bad("metadata.name", "1fraud", "at most 50 lower-case letters, digits and -, first a letter", at="metadata.name"),
    Bad("metadata.name", "fraud.v1", "names a Service", at="metadata.name"),
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
    Bad("spec.logging", {"uri": "s3://a", "sampleRate": 1, "fields": ["body"]}, 'supported values: "request"'),
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
    Bad("spec.logging", {"uri": "s3://a", "sampleRate": 2}, "less than or equal to 1", at="spec.logging.sampleRate"),
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
    Bad("spec.server.image", "", "should be at least 1 chars long"),
    Bad("spec.server.image", "a" * 513, "may not be more than 512 bytes"),
    Bad(f"{SOURCE}.options", keys(17), "must have at most 16 items"),
    Bad("spec.model.config.instanceGroups", many({}, 17), "must have at most 16 items"),
    Bad("spec.model.config.instanceGroups", [{"gpus": many(0, 33)}], "at most 32", at="[0].gpus"),
    Bad("spec.model.config.dynamicBatching.preferredBatchSize", many(1, 33), "must have at most 32 items"),
    Bad("spec.model.config.parameters", keys(65), "must have at most 64 items"),
    Bad("spec.model.warmup", many({"inputs": [TENSOR]}, 9), "must have at most 8 items"),
    Bad("spec.model.warmup", [{"inputs": []}], "should have at least 1 items", at="[0].inputs"),
    Bad("spec.model.warmup", [{"inputs": many(TENSOR, 33)}], "at most 32 items", at="[0].inputs"),
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
    Bad("spec.model.smokeTest", [{"inputs": []}], "should have at least 1 items", at="[0].inputs"),
    Bad("spec.model.smokeTest", [{"inputs": many(TENSOR, 33)}], "at most 32 items", at="[0].inputs"),
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
        [{"inputs": [TENSOR], "outputs": many({"name": "y", "data": [1]}, 33)}],
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
    Bad("spec.server.imagePullSecrets", many({"name": "a"}, 9), "must have at most 8 items"),
    Bad("spec.scaling.schedules", many({"cron": "0 7 * * *", "min": 1}, 17), "must have at most 16 items"),
    Bad("spec.rollout.steps", [{"weight": number + 1} for number in range(21)], "must have at most 20 items"),
    Bad("spec.rollout.steps", [], "should have at least 1 items"),
    Bad(
        "spec.rollout.analysis.prometheus", many({"name": "a", "query": "q", "max": 1}, 9), "must have at most 8 items"
    ),
    Bad("spec.experiment.arms", many(ARM, 9), "must have at most 8 items"),
    Bad("spec.experiment.arms", [], "should have at least 1 items"),
    Bad(
        "spec.experiment.arms",
        [ARM | {"match": {"headers": many({"name": "x-a", "value": "1"}, 9)}}],
        "must have at most 8 items",
        at="spec.experiment.arms[0].match.headers",
    ),
    Bad(
        "spec.experiment.arms",
        [ARM | {"match": {"headers": []}}],
        "should have at least 1 items",
        at="spec.experiment.arms[0].match.headers",
    ),
    Bad(
        "spec.experiment.arms",
        [ARM | {"model": {"config": {"parameters": keys(65)}}}],
        "at most 64",
        at="[0].model.config.parameters",
    ),
    Bad(
        "spec.experiment.arms",
        [ARM | {"model": {"config": {"instanceGroups": many({}, 17)}}}],
        "at most 16",
        at="[0].model.config.instanceGroups",
    ),
    Bad(
        "spec.experiment.arms",
        [ARM | {"model": {"config": {"instanceGroups": [{"gpus": many(0, 33)}]}}}],
        "must have at most 32 items",
        at="spec.experiment.arms[0].model.config.instanceGroups[0].gpus",
    ),
    Bad(
        "spec.experiment.arms",
        [ARM | {"model": {"config": {"dynamicBatching": {"preferredBatchSize": many(1, 33)}}}}],
        "must have at most 32 items",
        at="spec.experiment.arms[0].model.config.dynamicBatching.preferredBatchSize",
    ),
    Bad(
        "spec.logging",
        {"uri": "s3://a", "sampleRate": 1, "fields": many("request", 4)},
        "must have at most 3 items",
        at="spec.logging.fields",
    ),
]

TEXTS = [
    Bad("spec.model.name", "a/b", "must be letters, digits, _, - and single dots"),
    Bad("spec.model.name", "..", "must be letters, digits, _, - and single dots"),
    Bad(f"{SOURCE}.uri", "models/fraud", "must be a URI such as s3://bucket/path"),
    Bad(f"{SOURCE}.uri", "s3://", "must be a URI such as s3://bucket/path"),
    Bad(f"{SOURCE}.uri", "s3://key:secret@bucket/path", "without user, query or fragment"),
    Bad(f"{SOURCE}.uri", "file:///etc", "must be a URI such as s3://bucket/path"),
    Bad(
        f"{SOURCE}.mlflow",
        MLFLOW | {"trackingUri": "mlflow:5000"},
        "must be the tracking server's address",
        at=".trackingUri",
    ),
    Bad(f"{SOURCE}.pollInterval", "5 minutes", DURATION),
    Bad(f"{SOURCE}.digest", "sha256:ABC", DIGEST),
    Bad(f"{SOURCE}.credentials.secretRef.name", "other/secret", OBJECT_NAME),
    Bad(f"{SOURCE}.credentials.serviceAccountName", "Robot", OBJECT_NAME),
    Bad("spec.model.config.dynamicBatching.maxQueueDelay", "100us", DURATION),
    Bad("spec.model.smokeTest", [{"name": "A", "inputs": [TENSOR]}], DNS_LABEL, at="[0].name"),
    Bad("spec.model.smokeTest", [{"timeout": "1", "inputs": [TENSOR]}], DURATION, at="[0].timeout"),
    Bad("spec.server.resources.requests", {"cpu": "two"}, QUANTITY, at="spec.server.resources.requests"),
    Bad("spec.server.resources.limits", {"memory": -1}, QUANTITY, at="spec.server.resources.limits"),
    Bad("spec.server.resources.limits", {"memory": "16 GB"}, QUANTITY, at="spec.server.resources.limits"),
    Bad("spec.server.shmSize", "-1Gi", QUANTITY),
    Bad("spec.server.priorityClassName", "High!", OBJECT_NAME),
    Bad("spec.server.runtimeClassName", "a_b", OBJECT_NAME),
    Bad("spec.server.imagePullSecrets", [{"name": "a/b"}], OBJECT_NAME, at="spec.server.imagePullSecrets[0].name"),
    Bad("spec.server.gpu", {"count": 1, "resourceName": "gpu"}, "must be an extended resource", at=".resourceName"),
    Bad("spec.scaling.idleAfter", "30", DURATION, besides=(("spec.scaling.min", 0),)),
    Bad("spec.scaling.holdFor", "-1s", DURATION, besides=(("spec.scaling.min", 0),)),
    Bad("spec.scaling.schedules", [{"cron": "@daily", "min": 1}], "must be five fields of cron", at="[0].cron"),
    Bad("spec.rollout.steps", [{"weight": 5, "minDuration": "5"}], DURATION, at="spec.rollout.steps[0].minDuration"),
    Bad("spec.rollout.analysis.latency.threshold", "250", DURATION),
    Bad("spec.rollout.analysis.prometheus", [{"name": "A", "query": "q", "max": 1}], DNS_LABEL, at="[0].name"),
    Bad("spec.rollout.analysis.maxWait", "soon", DURATION),
    Bad("spec.rollout.progressDeadline", "1d", DURATION),
    Bad("spec.rollout.bakeTime", "10 m", DURATION),
    Bad("spec.experiment.arms", [ARM | {"name": "A"}], DNS_LABEL, at="spec.experiment.arms[0].name"),
    Bad(
        "spec.experiment.arms",
        [{"name": "a", "weight": 1, "model": {"source": {"uri": "models"}}}],
        "must be a URI such as s3://bucket/path",
        at="spec.experiment.arms[0].model.source.uri",
    ),
    Bad(
        "spec.experiment.arms",
        [{"name": "a", "weight": 1, "model": {"source": {"uri": "s3://a", "digest": "x"}}}],
        DIGEST,
        at="spec.experiment.arms[0].model.source.digest",
    ),
    Bad(
        "spec.experiment.arms",
        [{"name": "a", "weight": 1, "model": {"config": {"dynamicBatching": {"maxQueueDelay": "1"}}}}],
        DURATION,
        at="spec.experiment.arms[0].model.config.dynamicBatching.maxQueueDelay",
    ),
    Bad(
        "spec.experiment.arms",
        [ARM | {"match": {"headers": [{"name": "a b", "value": "1"}]}}],
        HEADER,
        at="spec.experiment.arms[0].match.headers[0].name",
    ),
    Bad("spec.experiment.sticky.header", "x user", HEADER, besides=(("spec.experiment.arms", [ARM]),)),
    Bad("spec.traffic.sticky.header", "x_user", HEADER),
    Bad("spec.traffic.timeout", "60", DURATION),
    Bad("spec.traffic.limits.maxRequestBytes", "64MB", QUANTITY),
    Bad("spec.traffic.limits.maxResponseBytes", "-1", QUANTITY),
    Bad("spec.traffic.limits.maxHeaderBytes", "", QUANTITY),
    Bad("spec.logging", {"uri": "/tmp", "sampleRate": 1}, "must be a folder such as s3://bucket/path", at=".uri"),
    Bad("spec.logging", {"uri": "s3://a", "sampleRate": 1, "maxBytes": "x"}, QUANTITY, at="spec.logging.maxBytes"),
    Bad("spec.routing.host", "Models", "must be a host name such as models.example.com"),
    Bad("spec.routing.path", "fraud", "must be a path such as /fraud", besides=(("spec.routing.host", "a.example"),)),
]

RULES = [
    Bad(f"{SOURCE}.uri", None, "set exactly one of uri and mlflow", at=SOURCE, besides=((f"{SOURCE}.digest", None),)),
    Bad(f"{SOURCE}.mlflow", MLFLOW, "set exactly one of uri and mlflow", at=SOURCE),
    Bad(f"{SOURCE}.mlflow", MLFLOW | {"alias": "champion"}, "set exactly one of version and alias", besides=NO_URI),
    Bad(f"{SOURCE}.uri", "s3://bucket/../other", "must not contain .. as a path segment"),
    Bad(f"{SOURCE}.uri", "s3://bucket/a/..", "must not contain .. as a path segment"),
    Bad(
        f"{SOURCE}.uri", "gs://models/fraud", "only s3:// is available in this version; copy the model to an S3 bucket"
    ),
    Bad(f"{SOURCE}.uri", "https://example.com/model.onnx", "only s3:// is available in this version"),
    Bad(f"{SOURCE}.options", {"AWS_SECRET_ACCESS_KEY": "x"}, "keys and tokens belong into the Secret"),
    Bad(f"{SOURCE}.credentials", {}, "set exactly one of secretRef and serviceAccountName"),
    Bad(
        f"{SOURCE}.credentials",
        {"secretRef": {"name": "a"}, "serviceAccountName": "b"},
        "set exactly one of secretRef and serviceAccountName",
    ),
    Bad("spec.model.layout", "onnx", "only auto, triton and python are available in this version"),
    Bad("spec.server.args", ["--log-verbose=1", "--http-port=80"], "must not set a flag that Tritium sets itself"),
    Bad("spec.server.args", ["--model-repository", "/tmp"], "must not set a flag that Tritium sets itself"),
    Bad(
        "spec.server.gpu.count",
        1,
        "the same GPU resource is also set in resources.limits",
        at="spec.server.gpu",
        besides=(("spec.server.resources.limits", {"nvidia.com/gpu": 1}),),
    ),
    Bad(
        "spec.scaling.min",
        1,
        "replicas and scaling exclude each other",
        at="spec.replicas",
        besides=(("spec.replicas", 2),),
    ),
    Bad(
        "spec.scaling.mode",
        "External",
        "Required value: with scaling.mode External a start value is needed",
        at="spec.replicas",
    ),
    Bad("spec.scaling", {"min": 3, "max": 2}, "must not be below min", at="spec.scaling.max"),
    Bad("spec.scaling", {"min": 0, "max": 0}, "must be 1 or more", at="spec.scaling.max"),
    Bad("spec.scaling.metric", "concurrency", "a metric other than auto needs a target", at="spec.scaling.target"),
    Bad("spec.scaling.target", 10, "has no meaning with metric auto"),
    Bad(
        "spec.scaling",
        {"metric": "gpuUtilization", "target": 80},
        "for gpuUtilization must be a share between 0 and 1",
        at="spec.scaling.target",
    ),
    Bad(
        "spec.scaling",
        {"mode": "External", "max": 3},
        "with mode External whoever writes /scale decides",
        at="spec.scaling.mode",
    ),
    Bad(
        "spec.scaling",
        {"max": 2, "schedules": [{"cron": "0 7 * * *", "min": 3}]},
        "a schedule's min must not be above max",
        at="spec.scaling.schedules",
    ),
    Bad("spec.scaling.idleAfter", "30m", "about scaling to zero and need min: 0", at="spec.scaling.min"),
    Bad("spec.rollout.steps", [{"weight": 50}, {"weight": 5}], "the weights of the steps must go up"),
    Bad("spec.rollout.steps", [{"weight": 5}, {"weight": 5}], "no two steps may have the same weight"),
    Bad("spec.rollout.steps", [{}], "set exactly one of weight and pause", at="spec.rollout.steps[0]"),
    Bad("spec.rollout.steps", [{"weight": 5, "pause": {}}], "set exactly one of weight and pause", at="[0]"),
    Bad(
        "spec.rollout.steps",
        [{"pause": {}, "minRequests": 5}],
        "a pause has neither minDuration nor minRequests",
        at="spec.rollout.steps[0].pause",
    ),
    Bad(
        "spec.rollout",
        {"strategy": "recreate", "steps": [{"weight": 5}]},
        "only the strategy canary has steps",
        at=".steps",
    ),
    Bad(
        "spec.rollout.analysis.prometheus",
        [{"name": "a", "query": "q"}],
        "set exactly one of max and min",
        at="spec.rollout.analysis.prometheus[0]",
    ),
    Bad(
        "spec.experiment.arms", [ARM | {"weight": 60}, ARM | {"weight": 60, "name": "b"}], "not add up to more than 100"
    ),
    Bad("spec.experiment.arms", [ARM, ARM], "every arm must have a name of its own"),
    Bad("spec.experiment.arms", [{"name": "a", "weight": 1}], "set exactly one of revision and model", at="[0]"),
    Bad(
        "spec.experiment.arms",
        [{"name": "a", "weight": 1, "model": {"source": {}}}],
        "set exactly one of uri and mlflow: a place in a store, or a registered version",
        at="spec.experiment.arms[0].model.source",
    ),
    Bad(
        "spec.experiment.arms",
        [{"name": "a", "weight": 1, "model": {"source": {"mlflow": {}}}}],
        "set exactly one of version and alias",
        at="spec.experiment.arms[0].model.source.mlflow",
    ),
    Bad("spec.routing.path", "/fraud", "a path needs the host it belongs to", at="spec.routing.host"),
]

CLOSED = [
    not_yet("spec.scaling", {"min": 1, "max": 3}),
    not_yet("spec.experiment", {"arms": [ARM]}),
    not_yet("spec.traffic", {"timeout": "60s"}),
    not_yet("spec.logging", {"uri": "s3://a", "sampleRate": 0.1}),
    not_yet("spec.routing", {"host": "models.example.com"}),
    not_yet("spec.model.config", {"maxBatchSize": 8}),
    not_yet("spec.model.warmup", [{"inputs": [TENSOR]}]),
    not_yet(f"{SOURCE}.mlflow", MLFLOW, *NO_URI),
    not_yet(f"{SOURCE}.pollInterval", "5m"),
    not_yet("spec.rollout.strategy", "canary"),
    not_yet("spec.rollout.steps", [{"weight": 5}]),
    not_yet("spec.rollout.analysis", {"minRequests": 50}),
    not_yet("spec.rollout.onFailure", "Pause"),
    not_yet("spec.rollout.autoPromote", False),
    not_yet("spec.rollout.progressDeadline", "30m"),
    not_yet("spec.rollout.paused", True),
    not_yet("spec.rollout.capacity", "replace"),
    not_yet("spec.rollout.compatibility", "Warn"),
]

BAD_OBJECTS: Final = (*NAMES, *UNKNOWN, *TYPES, *CHOICES, *NUMBERS, *LENGTHS, *TEXTS, *RULES, *CLOSED)


def against_rule(path: str, rule: dict[str, str]) -> list[Bad]:
    """The bad objects that only this rule, at this node of the schema, refuses with these words."""
    at = pattern(path + rule.get("fieldPath", ""))
    return [
        bad
        for bad in BAD_OBJECTS
        if bad.says.removeprefix("Forbidden: ").removeprefix("Required value: ") in rule["message"]
        and at.fullmatch(bad.named)
    ]


def against_bound(path: str, bound: str, limit: int) -> list[Bad]:
    """The bad objects that have too many or too few entries for this node of the schema."""
    words = f"at {'least' if bound.startswith('min') else 'most'} {limit}"
    return [bad for bad in BAD_OBJECTS if words in bad.says and pattern(path).fullmatch(bad.named)]
