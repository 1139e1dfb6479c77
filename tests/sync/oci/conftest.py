"""Registries of every kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sync.oci.asking import MODEL, NAME
from tests.sync.pod import Pod
from tests.sync.registry import (
    PASSWORD,
    USER,
    Door,
    Registry,
    Tokens,
    door,
    on_s3,
    registry,
    token_server,
)
from tests.sync.s3 import S3


@pytest.fixture(scope="module")
def between(server: S3) -> Iterator[Door]:
    with door(server) as running:
        yield running


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that everybody may read, with its blobs on its disk."""
    with registry(tmp_path_factory.mktemp("public")) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that wants a password."""
    with registry(tmp_path_factory.mktemp("guarded"), password=True) as running:
        running.push_files(NAME, "7", MODEL)
        yield running


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tokens]:
    with token_server(tmp_path_factory.mktemp("tokens") / "server") as running:
        yield running


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory, tokens: Tokens, between: Door) -> Iterator[Registry]:
    """A registry as clouds have it: with tokens, and its blobs in an object store that it leads to."""
    with registry(tmp_path_factory.mktemp("clouds"), storage=on_s3(between), tokens=tokens) as running:
        running.push_files(NAME, "7", MODEL)
        yield running


@pytest.fixture(autouse=True)
def keys(pod: Pod) -> None:
    pod.secret = {"username": USER, "password": PASSWORD}


@pytest.fixture
def repository(prefix: str) -> str:
    return prefix.lower()[-40:].strip("-")
