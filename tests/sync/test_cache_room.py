"""A claim that is full: what no kept revision needs goes, and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.sync.caching import MODEL, Pods, blobs, cached, left
from tests.sync.proxy import line
from tests.sync.s3 import S3
from tritium.api.fetch import FetchReason
from tritium.core import manifest
from tritium.sync.cache import Cache
from tritium.sync.download import CHUNK
from tritium.sync.publish import Shelf
from tritium.sync.room import LATELY, make_room, unused


class TestRoom:
    """A claim that is full: what no kept revision needs goes, the longest unused first."""

    @pytest.fixture
    async def old(self, server: S3, pods: Pods, claim: Path, prefix: str) -> dict[str, str]:
        """Three revisions of long ago, the first used last; their trees by their names."""
        trees = {}
        for age, name in enumerate(("fraud-0000000a", "fraud-0000000b", "fraud-0000000c"), start=1):
            server.put_all(f"{prefix}/{name}", {"1/model.onnx": name.encode() * 9999, "1/common.bin": b"c" * 5000})
            pod = pods(name)
            found = await pod.resolve(cached(server, f"{prefix}/{name}", name))
            await pod.fetch(cached(server, f"{prefix}/{name}", name, fingerprint=found.fingerprint))
            [use] = claim.glob(f"tritium/v1/uses/*/{name}")
            then = time.time() - age * LATELY - 60
            os.utime(use, (then, then))
            trees[name] = use.parent.name
        return trees

    def test_the_longest_unused_goes_first(self, claim: Path, old: dict[str, str]) -> None:
        cache = Cache(claim, "models")
        assert [each.name for each in unused(cache, [])] == [old[f"fraud-0000000{name}"] for name in "cba"]
        assert len(blobs(claim)) == 4
        make_room(cache, {"fraud-0000000b"}, lambda: len(blobs(claim)) <= 3)
        assert {each.name for each in (claim / "tritium/v1/trees").iterdir()} == set(old.values()) - {
            old["fraud-0000000c"]
        }
        make_room(cache, {"fraud-0000000b"}, lambda: False)
        assert {each.name for each in (claim / "tritium/v1/trees").iterdir()} == {old["fraud-0000000b"]}
        assert len(blobs(claim)) == 2, "what a kept one shares stays"

    @pytest.mark.usefixtures("old")
    async def test_what_was_used_lately_stays(self, server: S3, pods: Pods, claim: Path, prefix: str) -> None:
        server.put_all(f"{prefix}/new", MODEL)
        pod = pods("new")
        found = await pod.resolve(cached(server, f"{prefix}/new"))
        await pod.fetch(cached(server, f"{prefix}/new", "new-00000001", fingerprint=found.fingerprint))
        make_room(Cache(claim, "models"), [], lambda: False)
        assert pod.model() == MODEL

    @pytest.mark.parametrize("kept", [None, ("fraud-0000000a",), ()])
    async def test_a_full_claim(  # noqa: PLR0917 - fixtures and a case
        self,
        server: S3,
        pods: Pods,
        claim: Path,
        prefix: str,
        old: dict[str, str],
        monkeypatch: pytest.MonkeyPatch,
        kept: tuple[str, ...] | None,
    ) -> None:
        size = 200_000 + sum(map(len, MODEL.values()))
        monkeypatch.setattr(Shelf, "free", lambda _: size - sum(each.st_size for each in blobs(claim).values()))
        server.put_all(f"{prefix}/new", MODEL)
        pod = pods("new")
        pod.kept = kept
        found = await pod.resolve(cached(server, f"{prefix}/new"))
        wanted = cached(server, f"{prefix}/new", "new-00000001", fingerprint=found.fingerprint)
        if kept is None:
            reason, message = await pod.refuses("fetch", wanted)
            assert reason == FetchReason.DISK_FULL
            assert "claim models of model.cache has less room" in message
            assert len(blobs(claim)) == 4, "nobody knows what is needed"
            return
        await pod.fetch(wanted)
        assert pod.model() == MODEL
        [*trees] = (claim / "tritium/v1/trees").iterdir()
        assert (old["fraud-0000000a"] in {each.name for each in trees}) or not kept

    @pytest.mark.parametrize("held", [9, 0])
    async def test_what_is_there_of_a_killed_attempt_needs_no_room(  # noqa: PLR0917 - fixtures and a case
        self,
        server: S3,
        pods: Pods,
        claim: Path,
        prefix: str,
        old: dict[str, str],
        monkeypatch: pytest.MonkeyPatch,
        held: int,
    ) -> None:
        server.put(f"{prefix}/new/1/model.onnx", os.urandom(10 * CHUNK))
        pod = pods("new")
        pod.kept = ()
        async with line(server.port) as between:
            found = await pod.resolve(cached(between.endpoint, f"{prefix}/new"))
            wanted = cached(between.endpoint, f"{prefix}/new", "new-00000001", fingerprint=found.fingerprint)
            before = between.passed
            between.watch = lambda passed: setattr(between, "down", passed - before > held * CHUNK)
            assert (await pod.refuses("fetch", wanted))[0] == FetchReason.SOURCE_UNREACHABLE
            between.watch, between.down = lambda _: None, False
            monkeypatch.setattr(Shelf, "free", lambda _: 10 * CHUNK - 1 if len(blobs(claim)) == 4 else 1 << 40)
            await pod.fetch(wanted)
        trees = {each.name for each in (claim / "tritium/v1/trees").iterdir()}
        assert trees.issuperset(old.values()) == bool(held)

    async def test_what_was_given_up_goes(self, claim: Path, old: dict[str, str]) -> None:
        incoming = claim / "tritium" / "v1" / "incoming"
        (incoming / ("f" * 64 + "-0")).mkdir()
        make_room(Cache(claim, "models"), old, lambda: False)
        assert left(claim), "it may be at work on another machine"
        assert manifest.digest([])
