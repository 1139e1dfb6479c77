"""SUM = A + B, as a model of Triton's python backend."""

import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """Adds two tensors."""

    def execute(self, requests):
        """Answer a batch of requests."""
        return [self._sum(request) for request in requests]

    def _sum(self, request):
        first, second = (pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in ("A", "B"))
        return pb_utils.InferenceResponse([pb_utils.Tensor("SUM", first + second)])
