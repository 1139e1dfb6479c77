"""Warm-up: what `model.warmup` asks for, as Triton's own `model_warmup`.

Triton makes these requests to each instance of a model as it loads it, and a model of which one fails does not load.
So every pod is warm before it is ready, also those that come long after the rollout, and nobody else is needed for it.

The text goes to the end of `config.pbtxt`: what is repeated in such a text counts as one list, so that all that is
there stays as it is, also fields that only a newer Triton knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tritium.api.tensors import WarmupRequest, WarmupTensor
from tritium.sync.config import invalid
from tritium.sync.places import CONFIG

if TYPE_CHECKING:
    from numpy.typing import NDArray

DATA: Final = "warmup"
"""The folder in which Triton looks for the data, in the model's own."""


def additions(text: str | None, shown: str, requests: Sequence[WarmupRequest]) -> dict[str, bytes]:
    """What is to be added to a model: text to the end of its configuration, and files with data, by their names.

    Args:
        text: of its configuration, which can be read, if there is one.
        shown: how to name the configuration in a message.
        requests: as the user wrote them.

    Raises:
        Failed: `ConfigInvalid`: a request does not fit the configuration, or cannot be right.
    """
    from google.protobuf import text_format  # noqa: PLC0415 - as in `config`
    from tritonclient.grpc import model_config_pb2  # noqa: PLC0415

    if text is None:
        raise invalid(
            f"{shown} is missing; model.warmup needs one with the model's max_batch_size and inputs, "
            "or a model.config with them"
        )
    config = text_format.Parse(text, model_config_pb2.ModelConfig(), allow_unknown_field=True)
    warming, files = model_config_pb2.ModelConfig(), dict[str, bytes]()
    for place, request in enumerate(requests):
        path = f"model.warmup[{place}]"
        inputs = [_input(each, f"{path}.inputs[{index}]", config, shown) for index, each in enumerate(request.inputs)]
        batches = {each.batch for each in inputs}
        if len(batches) > 1:
            raise invalid(f"{path}: the batch, the first number of each shape, must be the same for all inputs")
        sample = warming.model_warmup.add(name=path, count=request.count or 1, batch_size=batches.pop() or 1)
        for each in inputs:
            files |= each.describe(sample.inputs[each.tensor.name])
    return {CONFIG: f"\n{text_format.MessageToString(warming)}".encode(), **files}


@dataclass(frozen=True, slots=True)
class _Input:
    """One input of a request.

    Attributes:
        path: of the input in the spec.
        batch: rows; None where the model has no batch dimension.
    """

    tensor: WarmupTensor
    path: str
    batch: int | None

    def describe(self, sample: Any) -> dict[str, bytes]:
        """Fill in what Triton has to know of it; return the file with its data, if it has any."""
        from tritonclient.grpc import model_config_pb2  # noqa: PLC0415

        datatype = "STRING" if self.tensor.datatype == "BYTES" else self.tensor.datatype
        sample.data_type = model_config_pb2.DataType.Value(f"TYPE_{datatype}")
        sample.dims.extend(self.tensor.shape if self.batch is None else self.tensor.shape[1:])
        if self.tensor.data is None:
            sample.zero_data = True
            return {}
        sample.input_data_file = self.path
        return {f"{DATA}/{self.path}": self._data(self.tensor.data)}

    def _data(self, elements: Sequence[Any]) -> bytes:
        """Of one row, where there is a batch: Triton makes them all of it."""
        from tritium.core.arrays import array  # noqa: PLC0415 - NumPy, which takes some 30 MiB
        from tritium.core.elements import MistakeInTensor  # noqa: PLC0415

        try:
            whole = array(self.tensor.datatype, self.tensor.shape, elements, self.path)
        except MistakeInTensor as mistake:
            raise invalid(f"{mistake}. Correct it in the spec") from mistake
        if self.batch is None:
            return _bytes(whole)
        first, *others = (_bytes(row) for row in whole)
        if any(each != first for each in others):
            raise invalid(f"{self.path}: Triton warms up with equal rows, and these differ; write a request for each")
        return first


def _input(tensor: WarmupTensor, path: str, config: Any, shown: str) -> _Input:
    """An input and its batch, if the configuration tells: Triton completes that only when it loads the model."""
    if config.max_batch_size < 1:
        if tensor.name not in {each.name for each in config.input}:
            raise invalid(
                f"{shown} has neither max_batch_size nor an input {tensor.name}, so that nobody can tell whether "
                f"{path} has a batch dimension; add them"
            )
        return _Input(tensor, path, None)
    if not tensor.shape or not 1 <= tensor.shape[0] <= config.max_batch_size:
        bound = f"from 1 to {config.max_batch_size}, the max_batch_size of {shown}"
        raise invalid(f"{path}: shape {tensor.shape} must begin with a batch {bound}")
    return _Input(tensor, path, tensor.shape[0])


def _bytes(array: "NDArray[Any]") -> bytes:
    """The elements as Triton reads them from a file: text has its length before it."""
    if array.dtype.kind != "O":
        return array.tobytes()
    return b"".join(len(each).to_bytes(4, "little") + each for each in array.reshape(-1))
