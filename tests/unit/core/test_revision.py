"""What makes a new revision and what does not, case by case, and the keys that must never change."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tritium.core.revision import revision_hash, revision_name, written_hash

GOLDEN = Path(__file__).parents[2] / "golden" / "revisions.json"

BASE: dict[str, Any] = {
    "model": {
        "name": "fraud",
        "source": {
            "uri": "s3://models/fraud/7",
            "options": {"endpoint": "https://s3.example.com", "region": "eu-central-1"},
            "credentials": {"secretRef": {"name": "bucket"}},
        },
    },
    "server": {
        "image": "tritonserver:26.07",
        "resources": {"requests": {"cpu": 2, "memory": "8Gi"}},
        "args": ["--log-verbose=1", "--log-info=1"],
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "shmSize": "1Gi",
    },
    "replicas": 2,
}


def edited(path: str, value: Any) -> dict[str, Any]:
    """The base with one member set, or with None removed."""
    spec = copy.deepcopy(BASE)
    *parents, last = path.split(".")
    target = spec
    for parent in parents:
        target = target.setdefault(parent, {})
    target.pop(last, None) if value is None else target.__setitem__(last, value)
    return spec


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model.source.uri", "s3://models/fraud/8"),
        ("model.source.options.endpoint", "https://other.example.com"),
        ("model.source.options", None),
        ("model.source.digest", "sha256:" + "0" * 64),
        ("model.source.credentials", {"serviceAccountName": "reader"}),
        ("model.name", "fraud2"),
        ("model.layout", "triton"),
        ("model.config", {"maxBatchSize": 8}),
        ("model.config", {"dynamicBatching": {}}),
        ("model.config", {"instanceGroups": [{}]}),
        ("model.warmup", [{"inputs": []}]),
        ("server.image", "tritonserver:26.08"),
        ("server.image", None),
        ("server.gpu", {"count": 1}),
        ("server.resources.requests.cpu", 3),
        ("server.resources.limits", {"memory": "16Gi"}),
        ("server.args", ["--log-info=1", "--log-verbose=1"]),
        ("server.env", [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]),
        ("server.shmSize", "2Gi"),
        ("server.podTemplate", {"spec": {"hostNetwork": False}}),
        ("server.podTemplate", {"spec": {"hostname": None}}),
        ("server.affinity", {"podAffinity": {}}),
    ],
)
def test_a_change_of_what_a_pod_runs_makes_a_new_revision(path: str, value: Any) -> None:
    assert written_hash(edited(path, value)) != written_hash(BASE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("replicas", 5),
        ("replicas", None),
        ("scaling", {"min": 1, "max": 4}),
        ("rollout", {"bakeTime": "1h"}),
        ("traffic", {"timeout": "5s"}),
        ("experiment", {"arms": [{"name": "a", "revision": 1, "weight": 5}]}),
        ("routing", {"host": "models.example.com"}),
        ("logging", {"uri": "s3://log", "sampleRate": 0.1}),
        ("pinRevision", 3),
        ("revisionHistoryLimit", 9),
        ("model.smokeTest", [{"inputs": [{"name": "x"}]}]),
        ("model.source.pollInterval", "5m"),
    ],
)
def test_a_change_of_anything_else_makes_none(path: str, value: Any) -> None:
    assert written_hash(edited(path, value)) == written_hash(BASE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("server.resources.requests.cpu", "2"),
        ("server.resources.requests.cpu", "2000m"),
        ("server.resources.requests.memory", 8 * 2**30),
        ("server.resources.requests.memory", "8192Mi"),
        ("server.shmSize", "1024Mi"),
        ("server.shmSize", "1.0Gi"),
        ("server.resources.limits", {}),
        ("server.gpu", None),
        ("server.nodeSelector", {}),
        ("server.tolerations", []),
        ("server.affinity", {}),
        ("server.podTemplate", {}),
        ("server.imagePullSecrets", []),
        ("server.resources.requests.memory", "+8Gi"),
        ("server.resources.requests.cpu", "2e0"),
        ("server.resources.requests.cpu", "0.02e0002"),
        ("model.config", {}),
        ("model.config", {"instanceGroups": [], "parameters": {}, "raw": ""}),
        ("model.warmup", []),
    ],
)
def test_another_way_to_write_the_same_makes_none(path: str, value: Any) -> None:
    assert written_hash(edited(path, value)) == written_hash(BASE)


def test_a_delay_counts_by_its_length() -> None:
    def delay(text: str) -> dict[str, Any]:
        return edited("model.config", {"dynamicBatching": {"maxQueueDelay": text}})

    assert written_hash(delay("1000us")) == written_hash(delay("1ms"))
    assert written_hash(delay("1ms")) != written_hash(delay("2ms"))


def test_amounts_inside_the_pod_template_count_by_value() -> None:
    def template(cpu: Any, size: Any) -> dict[str, Any]:
        container = {"name": "triton", "resources": {"limits": {"cpu": cpu}}}
        volumes = [{"name": "tmp", "emptyDir": {"sizeLimit": size}}]
        pod = {"containers": [container], "volumes": volumes, "overhead": {"cpu": cpu}}
        return edited("server.podTemplate", {"spec": pod})

    assert written_hash(template("1", "1Gi")) == written_hash(template("1000m", "1024Mi"))
    assert written_hash(template("1", "1Gi")) != written_hash(template("1", "2Gi"))


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        # A key of the user's own choice is not the name of a member that holds an amount.
        ("model.config.parameters", {"divisor": "2.0"}, {"divisor": "2"}),
        ("model.config.parameters", {"shmSize": "1Gi"}, {"shmSize": "1073741824"}),
        ("model.config.parameters", {"a": ""}, {"b": ""}),
        ("server.nodeSelector", {"divisor": "1.0"}, {"divisor": "1"}),
        ("server.nodeSelector", {"gpu": ""}, {}),
        (
            "server.podTemplate",
            {"metadata": {"labels": {"sizeLimit": "1.0"}}},
            {"metadata": {"labels": {"sizeLimit": "1"}}},
        ),
        ("server.podTemplate", {"metadata": {"labels": {"a": True}}}, {"metadata": {"labels": {"a": 1}}}),
        # A mistake is not its correction.
        (
            "server.podTemplate",
            {"spec": {"containers": [{"resources": {"limits": {"cpu": "1/2"}}}]}},
            {"spec": {"containers": [{"resources": {"limits": {"cpu": "0.5"}}}]}},
        ),
    ],
)
def test_different_meanings_never_share_a_key(path: str, one: Any, other: Any) -> None:
    assert written_hash(edited(path, one)) != written_hash(edited(path, other))


def test_amounts_of_the_environment_count_by_value() -> None:
    def env(divisor: str) -> dict[str, Any]:
        field = {"resource": "limits.memory", "divisor": divisor}
        return edited("server.env", [{"name": "A", "valueFrom": {"resourceFieldRef": field}}])

    assert written_hash(env("1Mi")) == written_hash(env("1024Ki"))
    assert written_hash(env("1Mi")) != written_hash(env("2Mi"))


@pytest.mark.parametrize("cpu", ["9" * 5000, "1e999999999", "1" * 33, None, [], {}, "", True, 1.5])
def test_what_is_no_amount_is_taken_as_it_is(cpu: Any) -> None:
    template = {"spec": {"containers": [{"resources": {"limits": {"cpu": cpu}}}]}}
    assert written_hash(edited("server.podTemplate", template)) != written_hash(BASE)


def test_emptiness_inside_what_kubernetes_defines_counts() -> None:
    """An empty namespaceSelector selects all namespaces, an absent one the pod's own."""

    def affinity(term: dict[str, Any]) -> dict[str, Any]:
        return edited("server.affinity", {"podAffinity": {"required": [{"topologyKey": "zone", **term}]}})

    assert written_hash(affinity({"namespaceSelector": {}})) != written_hash(affinity({}))


def test_the_source_decides_beside_the_spec() -> None:
    written = written_hash(BASE)
    assert revision_hash(written, "sha256:aa") == revision_hash(written, "sha256:aa")
    assert revision_hash(written, "sha256:aa") != revision_hash(written, "sha256:bb")


def test_a_revision_name_fits_beside_the_longest_name() -> None:
    assert len(revision_name("a" * 50, revision_hash("a", "b"))) == 59


@pytest.mark.parametrize("case", json.loads(GOLDEN.read_text()), ids=lambda case: case["what"])
def test_keys_are_the_same_in_every_release(case: dict[str, Any]) -> None:
    """A key that changes restarts every model of every user at the next upgrade: these values are for ever."""
    written = written_hash(case["spec"])
    assert written == case["written"]
    assert revision_hash(written, case["fingerprint"]) == case["revision"]
