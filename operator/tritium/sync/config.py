"""A model's `config.pbtxt`, read by Triton's own protobuf."""

from pathlib import Path
from typing import Final

from tritium.api.fetch import FetchReason
from tritium.sync.errors import Failed
from tritium.sync.layout import CONFIG

_LARGEST: Final = 4 << 20
"""Bytes; a configuration has some kilobytes, and the parser takes many times the text's size."""


def check(path: Path, shown: str, model: str) -> None:
    """Read a configuration, if there is one.

    Fields that this protobuf does not know pass: a newer Triton may.

    Args:
        path: where it lies now.
        shown: how to name it in a message.
        model: the name of the model's folder, which a `name` in it must equal.

    Raises:
        Failed: `ConfigInvalid`, with line and column.
    """
    if not path.exists():
        return
    if path.stat().st_size > _LARGEST:
        raise _invalid(shown, f"is larger than {_LARGEST >> 20} MiB, which no configuration is; check what it holds")
    try:
        name = _name(path.read_text(encoding="utf-8"), shown)
    except UnicodeDecodeError as error:
        raise _invalid(shown, f"is not text in UTF-8 (byte {error.start}); check what it holds") from error
    if name and name != model:
        raise _invalid(
            shown,
            f"has name: {name!r}, but the model is served as {model}; "
            f"remove name from {CONFIG}, or set model.name to {name}",
        )


def _name(text: str, shown: str) -> str:
    # Both take some 30 MiB, for which a model without a configuration has no use.
    from google.protobuf import text_format  # noqa: PLC0415
    from tritonclient.grpc import model_config_pb2  # noqa: PLC0415

    try:
        parsed = text_format.Parse(text, model_config_pb2.ModelConfig(), allow_unknown_field=True)
    except text_format.ParseError as error:
        line, column = error.GetLine(), error.GetColumn()
        at = f" at line {line}, column {column}" if line else ""
        said = str(error).removeprefix(f"{line}:{column} : ").replace("\n", " ")[:500]
        raise _invalid(
            shown, f"cannot be read{at}: {said.rstrip('.')}. Correct it, and put it at a new path"
        ) from error
    return str(parsed.name)


def _invalid(shown: str, what: str) -> Failed:
    return Failed(FetchReason.CONFIG_INVALID, f"{shown} {what}")
