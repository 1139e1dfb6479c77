"""A user's pod template over the generated one."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tritium.resources.merge import merged

Json = Any


@pytest.mark.parametrize(
    ("generated", "changes", "result"),
    [
        ({"a": 1, "b": {"c": 2}}, {"b": {"d": 3}}, {"a": 1, "b": {"c": 2, "d": 3}}),
        ({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"c": None}}, {"b": {}}),
        ({"a": 1}, {"b": {"c": None, "d": {"e": None}}}, {"a": 1, "b": {"d": {}}}),
        ({"a": {"b": 1}}, {"a": 2}, {"a": 2}),
        ({"a": 2}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"args": ["a", "b"]}, {"args": ["c"]}, {"args": ["c"]}),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}, {"tolerations": [{"key": "b"}]}),
        (
            {"env": [{"name": "A", "value": "1"}]},
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
        ),
        (
            {"volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}]},
            {"volumes": [{"name": "shm", "emptyDir": {"sizeLimit": "1Gi"}}]},
            {"volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}]},
        ),
        (
            {"volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]},
            {"volumeMounts": [{"name": "own", "mountPath": "/tmp"}, {"name": "own", "mountPath": "/data"}]},
            {"volumeMounts": [{"name": "own", "mountPath": "/tmp"}, {"name": "own", "mountPath": "/data"}]},
        ),
        (
            {"ports": [{"name": "http", "containerPort": 8000}]},
            {"ports": [{"containerPort": 8000, "hostPort": 80}, {"containerPort": 9000}]},
            {"ports": [{"name": "http", "containerPort": 8000, "hostPort": 80}, {"containerPort": 9000}]},
        ),
        ({}, {"env": [{"name": "A", "value": None}, 5]}, {"env": [{"name": "A"}, 5]}),
        ({"env": 5}, {"env": [{"name": "A"}]}, {"env": [{"name": "A"}]}),
    ],
)
def test_merge(generated: Json, changes: Json, result: Json) -> None:
    before = deepcopy((generated, changes))
    assert merged(generated, changes) == result
    assert (generated, changes) == before
