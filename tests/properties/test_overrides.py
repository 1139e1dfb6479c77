"""Properties of the merge, over generated configurations: nothing is lost, and it is protobuf's but for lists.

The oracle knows no protobuf: it merges what the two say as JSON.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format, text_format
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc import model_config_pb2

from tritium.api.model import ModelConfig
from tritium.sync.overrides import merged

Config = Any
Json = dict[str, Any]

names = st.sampled_from(["A", "B", "größer", 'a"\n\\b', "$$"])
MAPS = {"parameters", "metric_tags", "cc_model_filenames", "inputs"}
SCHEDULERS = ("dynamic_batching", "sequence_batching", "ensemble_scheduling")


@st.composite
def schedulers(draw: st.DrawFn) -> Config:
    """Members that exclude each other."""
    made = model_config_pb2.ModelConfig()
    match draw(st.sampled_from(["", *SCHEDULERS[:2]])):
        case "dynamic_batching":
            made.dynamic_batching.preferred_batch_size.extend(draw(st.lists(st.integers(1, 4), max_size=2)))
            made.dynamic_batching.default_queue_policy.max_queue_size = draw(st.integers(0, 3))
        case "sequence_batching":
            made.sequence_batching.max_sequence_idle_microseconds = draw(st.integers(0, 9))
    return made


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Of each shape a field can have at least one: scalar, list, map, message in message, and one of several."""
    made = model_config_pb2.ModelConfig()
    if draw(st.booleans()):
        made.max_batch_size = draw(st.integers(1, 2**31 - 1))
    for _ in range(draw(st.integers(0, 2))):
        made.input.add(name=draw(names), data_type="TYPE_FP32", dims=draw(st.lists(st.integers(-1, 9), max_size=2)))
    for name in draw(st.lists(names, max_size=2, unique=True)):
        made.parameters[name].string_value = draw(names)
        made.metric_tags[name] = draw(names)
    for count in draw(st.lists(st.integers(0, 3), max_size=2)):
        made.instance_group.add(count=count, kind=draw(st.integers(0, 3)), gpus=draw(st.lists(st.just(1), max_size=2)))
    made.MergeFrom(draw(schedulers()))
    if draw(st.booleans()):
        made.optimization.cuda.graphs = draw(st.booleans())
        made.optimization.priority = draw(st.integers(0, 2))
    if draw(st.booleans()):
        made.version_policy.specific.versions.extend(draw(st.lists(st.integers(1, 3), max_size=2)))
    return made


def text(config: Config) -> str:
    return str(text_format.MessageToString(config))


def read(written: str) -> Config:
    return text_format.Parse(written, model_config_pb2.ModelConfig())


def said(config: Config) -> Json:
    return dict(json_format.MessageToDict(config, preserving_proto_field_name=True))


def expected(own: Json, over: Json) -> Json:
    """Members one by one; a list as a whole, and of a map the entries."""
    result = dict(own)
    for name, value in over.items():
        if name in SCHEDULERS:
            result = {key: each for key, each in result.items() if key == name or key not in SCHEDULERS}
        if name in MAPS:
            result[name] = {**own.get(name, {}), **value}
        elif isinstance(value, dict):
            result[name] = expected(result.get(name, {}), value)
        else:
            result[name] = value
    return result


@given(configs(), configs())
def test_it_is_protobufs_merge_but_for_lists(own: Config, over: Config) -> None:
    assert said(read(merged(text(own), ModelConfig(raw=text(over)), ""))) == expected(said(own), said(over))


@given(configs())
def test_a_configuration_without_overrides_keeps_its_meaning(own: Config) -> None:
    assert read(merged(text(own), ModelConfig(), "")) == own
    assert read(merged(f"# a comment\n{text(own)}", ModelConfig(raw="# another"), "")) == own


@given(configs(), configs())
def test_merging_twice_changes_nothing_more(own: Config, over: Config) -> None:
    overrides = ModelConfig(raw=text(over))
    once = merged(text(own), overrides, "")
    assert read(merged(once, overrides, "")) == read(once)


@given(configs(), configs())
def test_a_map_and_messages_are_as_in_mergefrom(own: Config, over: Config) -> None:
    """Where neither has a list, it is MergeFrom itself."""
    for each in (own, over):
        for name in ("input", "instance_group", "dynamic_batching", "version_policy"):
            each.ClearField(name)
    wanted = model_config_pb2.ModelConfig()
    wanted.CopyFrom(own)
    wanted.MergeFrom(over)
    assert read(merged(text(own), ModelConfig(raw=text(over)), "")) == wanted
