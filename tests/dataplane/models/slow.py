# mypy: ignore-errors
"""Answers after as many seconds as it is told."""

import time

import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """Takes its time."""

    def execute(self, requests):  # noqa: ANN001, ANN201
        """Answer a batch of requests."""
        return [self._answer(request) for request in requests]

    def _answer(self, request):  # noqa: ANN001, ANN202
        seconds = pb_utils.get_input_tensor_by_name(request, "SECONDS").as_numpy()
        time.sleep(float(seconds[0]))
        return pb_utils.InferenceResponse([pb_utils.Tensor("SLEPT", seconds)])
