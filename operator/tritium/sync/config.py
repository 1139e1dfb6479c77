"""A model's `config.pbtxt`, read by Triton's own protobuf."""

from pathlib import Path
from typing import Any, Final

from tritium.api.fetch import FetchReason
from tritium.sync.errors import Failed
from tritium.sync.places import CONFIG

_LARGEST: Final = 4 << 20
"""Bytes; a configuration has some kilobytes, and the parser takes many times the text's size."""


def read(path: Path, shown: str) -> str:
    """The text of a configuration.

    Args:
        path: where it lies now.
        shown: how to name it in a message.

    Raises:
        Failed: `ConfigInvalid`: it is no text, or too large to be a configuration.
    """
    if path.stat().st_size > _LARGEST:
        raise invalid(f"{shown} is larger than {_LARGEST >> 20} MiB, which no configuration is; check what it holds")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise invalid(f"{shown} is not text in UTF-8 (byte {error.start}); check what it holds") from error


def parse(text: str, shown: str, *, unknown: bool, remedy: str) -> Any:
    """A configuration as Triton's `ModelConfig`.

    Args:
        text: in the text format.
        shown: how to name it in a message.
        unknown: whether fields that this protobuf does not know may pass: a newer Triton may know them. They are not
            in what is returned.
        remedy: what to do about it, as the end of a message.

    Raises:
        Failed: `ConfigInvalid`, with line and column.
    """
    # Both take some 30 MiB, for which a model without a configuration has no use.
    from google.protobuf import text_format  # noqa: PLC0415
    from tritonclient.grpc import model_config_pb2  # noqa: PLC0415

    try:
        return text_format.Parse(text, model_config_pb2.ModelConfig(), allow_unknown_field=unknown)
    except text_format.ParseError as error:
        line, column = error.GetLine(), error.GetColumn()
        at = f" at line {line}, column {column}" if line else ""
        said = str(error).removeprefix(f"{line}:{column} : ").replace("\n", " ")[:500]
        raise invalid(f"{shown} cannot be read{at}: {said.rstrip('.')}. {remedy}") from error


def check(text: str, shown: str, model: str) -> Any:
    """Read a configuration as it lies at the source.

    Args:
        text: all of it.
        shown: how to name it in a message.
        model: the name of the model's folder, which a `name` in it must equal.

    Raises:
        Failed: `ConfigInvalid`, with line and column.
    """
    parsed = parse(text, shown, unknown=True, remedy="Correct it, and put it at a new path")
    if parsed.name and parsed.name != model:
        raise invalid(
            f"{shown} has name: {parsed.name!r}, but the model is served as {model}; "
            f"remove name from {CONFIG}, or set model.name to {parsed.name}",
        )
    return parsed


def invalid(message: str) -> Failed:
    """A configuration that Triton could not use."""
    return Failed(FetchReason.CONFIG_INVALID, message)
