"""`model.config` merged into a configuration: each field, the rule for lists, and what is refused."""

from __future__ import annotations

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from tritium.api.fetch import FetchReason
from tritium.api.model import ModelConfig
from tritium.sync.errors import Failed
from tritium.sync.overrides import check, merged

OWN = """
# comments go
backend: "python"
max_batch_size: 4
input [ { name: "A" data_type: TYPE_FP32 dims: 2 }, { name: "B" data_type: TYPE_FP32 dims: 2 } ]
instance_group [ { count: 2 kind: KIND_GPU gpus: [ 0, 1 ] } ]
dynamic_batching { preferred_batch_size: [ 2, 4 ] max_queue_delay_microseconds: 10 }
parameters [ { key: "a" value { string_value: "1" } }, { key: "b" value { string_value: "2" } } ]
"""
SEQUENCES = 'backend: "python"\nmax_batch_size: 4\nsequence_batching { }\n'


def read(text: str) -> model_config_pb2.ModelConfig:
    return text_format.Parse(text, model_config_pb2.ModelConfig())


@pytest.mark.parametrize(
    ("over", "gone", "instead"),
    [
        ({"maxBatchSize": 8}, ["max_batch_size"], "max_batch_size: 8"),
        ({"maxBatchSize": 0}, ["max_batch_size"], ""),
        ({"instanceGroups": [{}]}, ["instance_group"], "instance_group { }"),
        (
            {"instanceGroups": [{"count": 3, "kind": "KIND_CPU"}, {"kind": "KIND_GPU", "gpus": [1]}]},
            ["instance_group"],
            "instance_group { count: 3 kind: KIND_CPU } instance_group { kind: KIND_GPU gpus: 1 }",
        ),
        ({"dynamicBatching": {}}, ["dynamic_batching"], "dynamic_batching { }"),
        (
            {"dynamicBatching": {"preferredBatchSize": [3], "maxQueueDelay": "2ms500us", "maxQueueSize": 9}},
            ["dynamic_batching"],
            """dynamic_batching { preferred_batch_size: 3 max_queue_delay_microseconds: 2500
            default_queue_policy { max_queue_size: 9 } }""",
        ),
        (
            {"parameters": {"b": "$x", "c": ""}},
            ["parameters"],
            """parameters { key: "a" value { string_value: "1" } } parameters { key: "b" value { string_value: "$x" } }
            parameters { key: "c" value { string_value: "" } }""",
        ),
        ({"raw": "max_batch_size: 0"}, ["max_batch_size"], ""),
        (
            {"raw": 'input { name: "C" } dynamic_batching { preferred_batch_size: 3 preserve_ordering: true }'},
            ["input", "dynamic_batching"],
            """input { name: "C" }
            dynamic_batching { preferred_batch_size: 3 max_queue_delay_microseconds: 10 preserve_ordering: true }""",
        ),
        (
            {"raw": 'parameters { key: "b" value { string_value: "3" } }'},
            ["parameters"],
            'parameters { key: "a" value { string_value: "1" } } parameters { key: "b" value { string_value: "3" } }',
        ),
        ({"raw": "sequence_batching { }"}, ["dynamic_batching"], "sequence_batching { }"),
        ({"maxBatchSize": 8, "raw": "max_batch_size: 16"}, ["max_batch_size"], "max_batch_size: 16"),
    ],
)
def test_each_setting_takes_the_place_of_the_models_own(over: dict[str, object], gone: list[str], instead: str) -> None:
    wanted = read(OWN)
    for name in gone:
        wanted.ClearField(name)
    text_format.Merge(instead, wanted)
    assert read(merged(OWN, ModelConfig.model_validate(over), "config.pbtxt")) == wanted


@pytest.mark.parametrize(
    ("text", "over", "says"),
    [
        ("", {"raw": "max_batch_size: 8\nmax_batch: 3"}, "model.config.raw cannot be read at line 2, column 1: "),
        ("", {"raw": "input {"}, "model.config.raw cannot be read at line 1, column 7: "),
        ("", {"raw": "max_batch_size: x"}, "model.config.raw cannot be read at line 1, column 17: "),
        (
            'backend: "x"\nnew: 3',
            {"maxBatchSize": 8},
            "model.config is to be merged, cannot be read at line 2, column 1",
        ),
        (SEQUENCES, {"dynamicBatching": {}}, "has sequence_batching, which excludes model.config.dynamicBatching"),
    ],
)
def test_what_cannot_be_merged_is_refused(text: str, over: dict[str, object], says: str) -> None:
    with pytest.raises(Failed) as caught:
        merged(text, ModelConfig.model_validate(over), "s3://m: config.pbtxt")
    assert caught.value.reason == FetchReason.CONFIG_INVALID
    assert says in caught.value.message


def test_the_model_is_not_renamed() -> None:
    check(ModelConfig(raw="name: 'fraud'"), "fraud")
    with pytest.raises(Failed, match="has name: 'other', but the model is served as fraud; remove it"):
        check(ModelConfig(raw="name: 'other'"), "fraud")
