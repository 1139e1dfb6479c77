"""Variations of the model `adder`, right ones and wrong ones, as files for a bucket."""

from __future__ import annotations

from e2e import objects

_MODEL = """\
import time

import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        {initialize}

    def execute(self, requests):
        {execute}
        return [self._sum(request) for request in requests]

    def _sum(self, request):
        first, second = (pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in ("A", "B"))
        return pb_utils.InferenceResponse([pb_utils.Tensor("SUM", first + second + {offset})])
"""


def files(prefix: str, *, offset: int = 0, initialize: str = "pass", execute: str = "pass") -> dict[str, bytes]:
    """By key: a model whose SUM is A + B + offset.

    Args:
        prefix: where in the bucket.
        offset: tells one variation from another.
        initialize: what it does while it is loaded, a statement of Python.
        execute: what it does first with each batch of requests, another.
    """
    return {
        f"{prefix}/config.pbtxt": (objects.MODELS / "adder" / "config.pbtxt").read_bytes(),
        f"{prefix}/1/model.py": _MODEL.format(offset=offset, initialize=initialize, execute=execute).encode(),
    }
