"""A real S3 server, and pods that log to it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.requestlog.pod import Pod
from tests.sync.s3 import BUCKET, S3, Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    running = Server(tmp_path_factory.mktemp("s3"))
    yield running.s3
    running.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """One that the test may stop and start."""
    running = Server(tmp_path / "s3")
    yield running
    running.stop()


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A folder of the bucket that is the test's own."""
    return "".join(each if each.isalnum() else "-" for each in request.node.nodeid)[-120:].strip("-")


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[Pod]:
    made = Pod(tmp_path / "pod")
    yield made
    made.kill()


Stored = Callable[[S3, str], dict[str, list[dict[str, Any]]]]


@pytest.fixture
def stored() -> Stored:
    """The files below a folder, by path, each with its lines."""

    def read(server: S3, prefix: str) -> dict[str, list[dict[str, Any]]]:
        folder = server.data / BUCKET / prefix
        return {
            each.relative_to(folder).as_posix(): [
                json.loads(line) for line in gzip.decompress(each.read_bytes()).splitlines()
            ]
            for each in sorted(folder.rglob("*.jsonl.gz"))
        }

    return read
