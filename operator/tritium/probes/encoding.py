"""From a tensor as the user wrote it to the input of a request. No I/O."""

from tritonclient.grpc import InferInput

from tritium.api.tensors import InputTensor
from tritium.core.arrays import array


def encode(tensor: InputTensor, path: str) -> InferInput:
    """The input of a request.

    Args:
        tensor: as the user wrote it.
        path: of the tensor in the spec, such as `model.smokeTest[0].inputs[0]`.

    Raises:
        MistakeInTensor: shape and data do not fit each other, or an element does not fit the type.

    >>> encode(InputTensor(name="A", datatype="INT8", shape=[1, 2], data=[1, -2]), "inputs[0]").shape()
    [1, 2]
    """
    made = InferInput(tensor.name, tensor.shape, tensor.datatype)
    made.set_data_from_numpy(array(tensor.datatype, tensor.shape, tensor.data, path))
    return made
