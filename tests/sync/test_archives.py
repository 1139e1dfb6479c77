"""Archives: good ones are laid out as their files would be, hostile ones leave nothing behind."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.sync.bucket import Bucket
from tests.sync.hostile import GOOD, Case, cases, packed, tar, zipped
from tests.sync.pod import Pod, request
from tests.sync.s3 import S3
from tritium.api.fetch import FetchReason
from tritium.cli.manifest import files
from tritium.core import manifest
from tritium.sync import archives

CASES = list(cases())


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 250


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.ending}-{case.name}".replace(" ", "-"))
async def test_a_hostile_archive_leaves_nothing(
    server: S3, pod: Pod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.setattr(archives, "SMALL", 1 << 20)
    server.lay(f"hostile/model.{case.ending}", case.content)
    before = sorted(tmp_path.rglob("*"))
    wanted = request(server, f"hostile/model.{case.ending}", digest="sha256:" + "0" * 64)
    reason, message = await pod.refuses("fetch", wanted)
    assert reason == FetchReason.MODEL_INVALID, message
    assert case.said in message
    assert [each for each in sorted(tmp_path.rglob("*")) if each not in before and "credentials" not in str(each)] == []


def _folders(content: bytes) -> bytes:
    """As `tar -C model -c .` makes it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive, tarfile.open(fileobj=io.BytesIO(content)) as given:
        for name in (".", "./1"):
            folder = tarfile.TarInfo(name)
            folder.type = tarfile.DIRTYPE
            archive.addfile(folder)
        for member in given:
            content_of = given.extractfile(member)
            member.name = f"./{member.name}"
            archive.addfile(member, content_of)
    return file.getvalue()


GOOD_ONES = {
    "pax.tar": tar(),
    "gnu.tar": tar(form=tarfile.GNU_FORMAT),
    "ustar.tar.gz": packed(tar(form=tarfile.USTAR_FORMAT), "tar.gz"),
    "folders.TGZ": packed(_folders(tar()), "tgz"),
    "deflated.zip": zipped(("2/", b"")),
    "stored.zip": zipped(method=zipfile.ZIP_STORED),
}


@pytest.mark.parametrize("name", GOOD_ONES)
async def test_a_good_one_is_laid_out(bucket: Bucket, pod: Pod, prefix: str, tmp_path: Path, name: str) -> None:
    bucket.put(f"{prefix}/{name}", GOOD_ONES[name])
    wanted = request(bucket, f"{prefix}/{name}")
    found = await pod.resolve(wanted)
    content = sum(map(len, GOOD.values()))
    assert found.bytes
    assert found.bytes >= len(GOOD_ONES[name]) + content, "room for both is asked for"
    result = await pod.fetch(wanted.model_copy(update={"fingerprint": found.fingerprint}))
    assert pod.model() == GOOD
    for path, of_it in GOOD.items():
        (tmp_path / "local" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "local" / path).write_bytes(of_it)
    assert result.digest == manifest.digest(files(tmp_path / "local")), (
        "as `tritium digest` prints it of what is inside"
    )
    assert (result.files, result.bytes) == (2, content)
    assert {each.name for each in pod.ready.iterdir()} == {"manifest", "identity", "repository"}
    assert await pod.fetch(wanted.model_copy(update={"fingerprint": found.fingerprint})) == result, (
        "it is there already"
    )


async def test_one_that_says_it_holds_far_too_much_gets_no_room(server: S3, pod: Pod, prefix: str) -> None:
    claims = bytearray(zipped())
    struct.pack_into("<L", claims, claims.index(b"PK\x01\x02") + 24, (1 << 32) - 2)
    server.put(f"{prefix}/model.zip", bytes(claims))
    reason, message = await pod.refuses("resolve", request(server, f"{prefix}/model.zip"))
    assert reason == FetchReason.MODEL_INVALID
    assert "model.zip says that it holds 42949" in message


async def test_bare_files_and_long_names(server: S3, pod: Pod, prefix: str) -> None:
    long = "/".join(["d" * 120] * 4) + "/words.txt"
    server.put(f"{prefix}/model.tar", tar(("model.py", b"code"), (long, b"w"), good=False))
    await pod.resolve_and_fetch(request(server, f"{prefix}/model.tar", layout="python"))
    assert pod.model() == {"config.pbtxt": b'backend: "python"\n', "1/model.py": b"code", f"1/{long}": b"w"}


async def test_what_is_no_model_is_told_of_when_it_is_unpacked(server: S3, pod: Pod, prefix: str) -> None:
    server.put(f"{prefix}/model.tar", tar(("weights.bin", b"1"), good=False))
    found = await pod.resolve(request(server, f"{prefix}/model.tar"))
    wanted = request(server, f"{prefix}/model.tar", fingerprint=found.fingerprint)
    reason, message = await pod.refuses("fetch", wanted)
    assert reason == FetchReason.MODEL_INVALID
    assert "holds weights.bin, which is no model" in message
    assert not list(pod.mounts.models.iterdir())


async def test_an_archive_that_changed_is_refused(server: S3, pod: Pod, prefix: str) -> None:
    server.put(f"{prefix}/model.tar", tar())
    first = await pod.resolve_and_fetch(request(server, f"{prefix}/model.tar"))
    server.put(f"{prefix}/model.tar", tar(("1/more.txt", b"more")))
    pod.digest = first.digest
    (pod.ready / "manifest").unlink()
    reason, _ = await pod.refuses("fetch", request(server, f"{prefix}/model.tar"))
    assert reason == FetchReason.DIGEST_MISMATCH
