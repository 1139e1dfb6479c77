# mypy: ignore-errors
"""Gives back each input that it gets, as it came, whatever its type."""

import triton_python_backend_utils as pb_utils

INTEGERS = [f"{kind}{bits}" for kind in ("INT", "UINT") for bits in (8, 16, 32, 64)]
NAMES = ["BOOL", *INTEGERS, "FP16", "FP32", "FP64", "BF16", "BYTES"]


class TritonPythonModel:
    """`IN_FP32` becomes `OUT_FP32`, and so on."""

    def execute(self, requests):  # noqa: ANN001, ANN201
        """Answer a batch of requests."""
        return [self._copies(request) for request in requests]

    def _copies(self, request):  # noqa: ANN001, ANN202
        got = {name: pb_utils.get_input_tensor_by_name(request, f"IN_{name}") for name in NAMES}
        return pb_utils.InferenceResponse([_copy(name, tensor) for name, tensor in got.items() if tensor is not None])


def _copy(name, tensor):  # noqa: ANN001, ANN202
    # NumPy has no BF16, and DLPack has no text.
    if name == "BF16":
        return pb_utils.Tensor.from_dlpack(f"OUT_{name}", tensor.to_dlpack())
    return pb_utils.Tensor(f"OUT_{name}", tensor.as_numpy())
