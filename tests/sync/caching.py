"""What tests of the cache ask, and what they find on the claim."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.ports import HOST, free_ports
from tests.sync.pod import Pod, request
from tests.sync.s3 import S3
from tritium.api.fetch import FetchRequest

MODEL = {
    "config.pbtxt": b'backend: "onnxruntime"\n# with a comment\n',
    "1/model.onnx": os.urandom(3 << 20),
    "1/same.onnx": b"the same",
    "1/other/same.onnx": b"the same",
    "1/empty": b"",
    "1/also-empty": b"",
}
NOWHERE = f"http://{HOST}:{free_ports(1)[0]}"
Pods = Callable[[str], Pod]


def cached(server: S3 | str, prefix: str, revision: str = "fraud-00000001", **more: Any) -> FetchRequest:
    return request(server, prefix, cache={"claimName": "models", "revision": revision}, **more)


def blobs(claim: Path) -> dict[str, os.stat_result]:
    return {each.name: each.stat() for each in claim.glob("tritium/v1/blobs/*/*")}


def versions(claim: Path) -> list[Path]:
    """What trees are and were."""
    return [each for each in claim.glob("tritium/v1/trees/*/*") if not each.is_symlink()]


def left(claim: Path) -> list[str]:
    return [each.name for each in (claim / "tritium" / "v1" / "incoming").iterdir()]
