"""`oci://`: one manifest for ever, and every blob by its digest."""

from __future__ import annotations

import gzip
import tarfile
from typing import Any

import pytest

from tests.sync.hostile import tar
from tests.sync.oci.asking import MODEL, fetched, wanted
from tests.sync.pod import Pod
from tests.sync.registry import (
    EMPTY,
    IMAGE,
    INDEX,
    MANIFEST,
    Registry,
    named,
)
from tritium.api.fetch import FetchReason


async def test_files_by_their_names(public: Registry, pod: Pod, repository: str) -> None:
    digest = public.push_files(repository, "latest", MODEL)
    found = await pod.resolve(wanted(public, repository))
    assert found.origin
    assert (found.files, found.bytes, found.origin.pin) == (3, sum(map(len, MODEL.values())), digest)
    assert await fetched(pod, wanted(public, repository)) == MODEL


async def test_files_as_modelpack_names_them(public: Registry, pod: Pod, repository: str) -> None:
    layers = [
        {"mediaType": f"application/vnd.cncf.model.{kind}.v1.raw"}
        | public.blob(repository, content)
        | {"annotations": {"org.cncf.model.filepath": path}}
        for kind, path, content in (
            ("weight", "1/model.onnx", b"weights"),
            ("weight.config", "./config.pbtxt", b'backend: "onnxruntime"\n'),
            ("dataset", "rows.csv", b"1,2,3"),
        )
    ]
    public.push(repository, "1", layers, config="application/vnd.cncf.model.config.v1+json")
    model = {"1/model.onnx": b"weights", "config.pbtxt": b'backend: "onnxruntime"\n'}
    assert await fetched(pod, wanted(public, f"{repository}:1")) == model, "data sets are no part of a model"


@pytest.mark.parametrize(
    ("kinds", "config"),
    [
        (("application/vnd.cncf.model.weight.v1.tar", "application/vnd.cncf.model.weight.config.v1.tar+gzip"), EMPTY),
        (("application/vnd.kitops.modelkit.model.v1.tar", "application/vnd.kitops.modelkit.code.v1.tar+gzip"), EMPTY),
        (("application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.diff.tar.gzip"), IMAGE),
    ],
    ids=["ModelPack", "KitOps", "image"],
)
async def test_layers_that_are_archives(
    public: Registry, pod: Pod, repository: str, kinds: tuple[str, str], config: str
) -> None:
    weights = tar(("1/model.onnx", b"weights"), good=False)
    rest = gzip.compress(tar(("config.pbtxt", b'backend: "onnxruntime"\n'), good=False))
    if config == IMAGE:
        shell = tarfile.TarInfo("bin/sh")
        shell.type, shell.linkname = tarfile.SYMTYPE, "/bin/busybox"
        weights = tar(("models/1/model.onnx", b"weights"), ("etc/passwd", b"x"), shell, good=False)
        rest = gzip.compress(tar(("./models/config.pbtxt", b'backend: "onnxruntime"\n'), good=False))
    blobs = [
        {"mediaType": kind} | public.blob(repository, each) for kind, each in zip(kinds, (weights, rest), strict=True)
    ]
    public.push(repository, "1", [*blobs, blobs[0]], config=config)
    asked = wanted(public, f"{repository}:1")
    assert await fetched(pod, asked) == {"1/model.onnx": b"weights", "config.pbtxt": b'backend: "onnxruntime"\n'}


async def test_a_folder_that_oras_packed_beside_a_file(public: Registry, pod: Pod, repository: str) -> None:
    folder = named(public.blob(repository, gzip.compress(tar(("1/model.onnx", b"weights"), good=False))), "1")
    folder["mediaType"] += "+gzip"
    folder["annotations"]["io.deis.oras.content.unpack"] = "true"
    file = named(public.blob(repository, b'backend: "onnxruntime"\n'), "config.pbtxt")
    public.push(repository, "1", [folder, file])
    asked = wanted(public, f"{repository}:1")
    assert await fetched(pod, asked) == {"1/model.onnx": b"weights", "config.pbtxt": b'backend: "onnxruntime"\n'}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("1/model.onnx", "1/model.onnx"), "whose name is taken"),
        (("1/model.onnx", "1"), "whose name is taken"),
        (("1", "1/model.onnx"), "whose name is taken"),
        (("1/model.onnx", "../1"), "whose name cannot be used"),
    ],
)
async def test_layers_that_cannot_lie_side_by_side(
    public: Registry, pod: Pod, repository: str, names: tuple[str, str], said: str
) -> None:
    kind = "application/vnd.cncf.model.weight.v1.tar"
    archives = [tar((name, b"x" * number), good=False) for number, name in enumerate(names)]
    layers = [{"mediaType": kind} | public.blob(repository, each) for each in archives]
    public.push(repository, "1", [*layers, named(public.blob(repository, b"x"), "x.txt")])
    asked = wanted(public, f"{repository}:1")
    found = await pod.resolve(asked)
    assert found.origin
    update = {"fingerprint": found.fingerprint, "pin": found.origin.pin}
    reason, message = await pod.refuses("fetch", asked.model_copy(update=update))
    assert reason == FetchReason.MODEL_INVALID
    assert said in message
    assert not list(pod.mounts.models.iterdir())


async def test_a_file_of_an_artifact_with_archives_cannot_lead_elsewhere(
    public: Registry, pod: Pod, repository: str
) -> None:
    packed = {"mediaType": "application/vnd.cncf.model.weight.v1.tar"} | public.blob(repository, tar())
    escaping = named(public.blob(repository, b"x"), "../../../../escaped")
    public.push(repository, "1", [packed, escaping])
    asked = wanted(public, f"{repository}:1")
    found = await pod.resolve(asked)
    assert found.origin
    update = {"fingerprint": found.fingerprint, "pin": found.origin.pin}
    reason, message = await pod.refuses("fetch", asked.model_copy(update=update))
    assert reason == FetchReason.MODEL_INVALID
    assert "whose name cannot be used" in message
    assert not list(pod.mounts.models.iterdir())


async def test_a_layer_that_is_packed_in_an_unusual_way(public: Registry, pod: Pod, repository: str) -> None:
    layer = {"mediaType": "application/vnd.cncf.model.weight.v1.tar+zstd"} | public.blob(repository, b"x")
    public.push(repository, "1", [layer])
    reason, message = await pod.refuses("resolve", wanted(public, f"{repository}:1"))
    assert reason == FetchReason.MODEL_INVALID
    assert "Pack it as tar or tar+gzip" in message


async def test_a_tag_goes_on_meaning_what_it_meant(public: Registry, pod: Pod, repository: str) -> None:
    first = public.push_files(repository, "champion", {"model.onnx": b"first"})
    asked = wanted(public, f"{repository}:champion")
    found = await pod.resolve(asked)
    public.push_files(repository, "champion", {"model.onnx": b"second"})
    assert found.origin
    assert found.origin.pin == first
    await pod.fetch(asked.model_copy(update={"fingerprint": found.fingerprint, "pin": first}))
    assert pod.model()["1/model.onnx"] == b"first"
    assert (await pod.resolve(asked)).fingerprint != found.fingerprint


@pytest.mark.parametrize("tag", ["", ":gone"])
async def test_a_digest_can_be_named(public: Registry, pod: Pod, repository: str, tag: str) -> None:
    first = public.push_files(repository, "1", {"model.onnx": b"first"})
    public.push_files(repository, "1", {"model.onnx": b"second"})
    assert (await fetched(pod, wanted(public, f"{repository}{tag}@{first}")))["1/model.onnx"] == b"first"


@pytest.mark.parametrize("platforms", [("arm64",), ("arm64", "amd64"), ("amd64", "unknown")])
async def test_of_an_index_the_one_that_all_nodes_take(
    public: Registry, pod: Pod, repository: str, platforms: tuple[str, ...]
) -> None:
    entries: list[dict[str, Any]] = []
    for each in platforms:
        digest = public.push_files(repository, each, {"model.onnx": each.encode()})
        entry = {"mediaType": MANIFEST, "digest": digest, "size": 1, "platform": {"os": "linux", "architecture": each}}
        if each == "unknown":
            entry["annotations"] = {"vnd.docker.reference.type": "attestation-manifest"}
        entries.append(entry)
    public.push(repository, "1", entries, INDEX)
    chosen = "arm64" if platforms == ("arm64",) else "amd64"
    assert (await fetched(pod, wanted(public, f"{repository}:1")))["1/model.onnx"] == chosen.encode()


async def test_an_index_in_which_nothing_is_the_one(public: Registry, pod: Pod, repository: str) -> None:
    digest = public.push_files(repository, "a", {"model.onnx": b"a"})
    entry = {"mediaType": MANIFEST, "digest": digest, "size": 1}
    entries = [entry | {"platform": {"os": "linux", "architecture": each}} for each in ("arm64", "riscv64")]
    public.push(repository, "1", entries, INDEX)
    reason, message = await pod.refuses("resolve", wanted(public, f"{repository}:1"))
    assert reason == FetchReason.MODEL_INVALID
    assert "is an index of several manifests (linux/arm64, linux/riscv64)" in message
