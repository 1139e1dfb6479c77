"""What `model.config` says, merged into a model's `config.pbtxt`: text in, text out, by Triton's own protobuf.

First its fields, then `raw`. The rule for `raw` is that of protobuf's MergeFrom, but for lists: a list that `raw` has
takes the place of the model's, wherever it stands; appended to it, a second `input` of the same name would be the
result. Entries of a map are replaced one by one. Of members that exclude each other, the last one written counts.
"""

from typing import Any, Final

from tritium.api.model import DynamicBatching, InstanceGroup, ModelConfig
from tritium.core.revision import duration
from tritium.sync.config import invalid, parse

_RAW: Final = "model.config.raw"
_ELSEWHERE: Final = "Correct it in the spec; what this version of Tritium does not know can be said in config.pbtxt"

_OWN: Final = "Correct it; or, if a newer Triton knows that field, remove model.config and write its settings there"


def says_something(over: ModelConfig | None) -> bool:
    """Whether there is anything to merge: empty members mean what absent ones do.

    >>> [says_something(ModelConfig(**each)) for each in ({}, {"raw": ""}, {"max_batch_size": 0})]
    [False, False, True]
    """
    if over is None:
        return False
    lists = over.instance_groups, over.parameters, over.raw
    return over.max_batch_size is not None or over.dynamic_batching is not None or any(lists)


def check(over: ModelConfig, model: str) -> None:
    """What can be told before the model's own configuration is here.

    Raises:
        Failed: `ConfigInvalid`, with the line and column in `raw`.
    """
    name = parse(over.raw or "", _RAW, unknown=False, remedy=_ELSEWHERE).name
    if name and name != model:
        raise invalid(f"{_RAW} has name: {name!r}, but the model is served as {model}; remove it, or set model.name")


def merged(text: str, over: ModelConfig, shown: str) -> str:
    r"""A configuration with the overrides, in the text format; comments are gone.

    Args:
        text: the model's own, which can be read; empty if it has none.
        over: what to merge into it.
        shown: how to name the model's own in a message.

    Raises:
        Failed: `ConfigInvalid`: one of the two cannot be read, or they exclude each other.

    >>> print(merged('backend: "python" # mine\nmax_batch_size: 4', ModelConfig(raw="max_batch_size: 0"), ""), end="")
    backend: "python"
    >>> print(merged("input { name: 'A' }", ModelConfig(raw="input { name: 'B' }"), ""), end="")
    input {
      name: "B"
    }
    """
    from google.protobuf import text_format  # noqa: PLC0415 - as in `config`

    # Rendering it again would lose what this protobuf does not know.
    config = parse(text, f"{shown}, into which model.config is to be merged,", unknown=False, remedy=_OWN)
    _typed(config, over, shown)
    raw = parse(over.raw or "", _RAW, unknown=False, remedy=_ELSEWHERE)
    _clear_lists(config, raw)
    # Not MergeFrom: in a message a zero that was written is the same as none, in the text it is there.
    text_format.Merge(over.raw or "", config)
    return str(text_format.MessageToString(config))


def _typed(config: Any, over: ModelConfig, shown: str) -> None:
    if over.max_batch_size is not None:
        config.max_batch_size = over.max_batch_size
    if over.instance_groups:
        config.ClearField("instance_group")
        for group in over.instance_groups:
            _group(config.instance_group.add(), group)
    if over.dynamic_batching is not None:
        chosen = config.WhichOneof("scheduling_choice")
        if chosen not in {None, "dynamic_batching"}:
            raise invalid(f"{shown} has {chosen}, which excludes model.config.dynamicBatching; remove one of them")
        config.dynamic_batching.Clear()
        config.dynamic_batching.SetInParent()
        _batching(config.dynamic_batching, over.dynamic_batching)
    for name, value in (over.parameters or {}).items():
        config.parameters[name].string_value = value


def _group(made: Any, group: InstanceGroup) -> None:
    made.count = group.count or 0  # zero is Triton's own default
    made.kind = made.Kind.Value(group.kind or "KIND_AUTO")
    made.gpus.extend(group.gpus or ())


def _batching(made: Any, batching: DynamicBatching) -> None:
    made.preferred_batch_size.extend(batching.preferred_batch_size or ())
    if batching.max_queue_delay:
        made.max_queue_delay_microseconds = duration(batching.max_queue_delay)["microseconds"]
    if batching.max_queue_size:
        made.default_queue_policy.max_queue_size = batching.max_queue_size


def _clear_lists(config: Any, over: Any) -> None:
    """Empty each list of a message that another one has, also in the messages that both have."""
    for field, value in over.ListFields():
        if field.message_type and field.message_type.GetOptions().map_entry:
            continue
        if field.is_repeated:
            config.ClearField(field.name)
        elif field.message_type and config.HasField(field.name):
            _clear_lists(getattr(config, field.name), value)
