"""What tests ask of registries, and the model in each."""

from __future__ import annotations

import os

from tests.sync.pod import Pod, request
from tests.sync.registry import (
    Registry,
)
from tritium.api.fetch import FetchRequest
from tritium.sync.download import CHUNK

NAME = "team/fraud"
MODEL = {"config.pbtxt": b'backend: "onnxruntime"\n', "1/model.onnx": os.urandom(2 * CHUNK + 7), "1/a é.txt": b"words"}


def wanted(
    where: Registry | str, name: str = f"{NAME}:7", *, credentials: bool = False, **options: str
) -> FetchRequest:
    host = where if isinstance(where, str) else where.host
    return request("", f"oci://{host}/{name}", options={"allowHttp": "true"} | options, credentials=credentials)


async def fetched(pod: Pod, wanted: FetchRequest) -> dict[str, bytes]:
    """What the operator does for a new revision."""
    found = await pod.resolve(wanted)
    assert found.origin
    await pod.fetch(wanted.model_copy(update={"fingerprint": found.fingerprint, "pin": found.origin.pin}))
    return pod.model()
