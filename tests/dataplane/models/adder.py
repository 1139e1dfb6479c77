# mypy: ignore-errors
"""SUM = A + B; a negative A is refused."""

import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """Adds two tensors."""

    def execute(self, requests):  # noqa: ANN001, ANN201
        """Answer a batch of requests."""
        return [self._sum(request) for request in requests]

    def _sum(self, request):  # noqa: ANN001, ANN202
        first, second = (pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in ("A", "B"))
        if (first < 0).any():
            return pb_utils.InferenceResponse([], pb_utils.TritonError("A must not be negative"))
        return pb_utils.InferenceResponse([pb_utils.Tensor("SUM", first + second)])
