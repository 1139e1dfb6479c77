"""Signed models: only what a trusted key has signed is served, and all of it is refused before Triton sees a byte.

`signed` was signed by the command of model-signing 1.1.1 (`model_signing sign key`); `signed.pub` is the public key.
The other signatures are made here, in the same form.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from tests.sync.pod import Pod, request
from tests.sync.s3 import BUCKET, S3
from tritium.api.fetch import FetchReason, FetchRequest

HERE = Path(__file__).parent
SIGNED = {each.relative_to(HERE / "signed").as_posix(): each.read_bytes() for each in HERE.glob("signed/**/*.*")}
PUBLIC = (HERE / "signed.pub").read_text()
MODEL = {"config.pbtxt": b'backend: "onnxruntime"\n', "1/model.onnx": b"weights"}
KEY = ec.generate_private_key(ec.SECP256R1())

Object = dict[str, Any]


def public(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def statement(files: dict[str, bytes]) -> Object:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    whole = hashlib.sha256(b"".join(map(bytes.fromhex, digests.values()))).hexdigest()
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": whole}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False},
            "resources": [{"name": name, "algorithm": "sha256", "digest": each} for name, each in digests.items()],
        },
    }


def signature(said: Object, key: ec.EllipticCurvePrivateKey = KEY, kind: str = "application/vnd.in-toto+json") -> bytes:
    payload = json.dumps(said).encode()
    algorithm = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}[key.curve.key_size]
    made = key.sign(f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload, ec.ECDSA(algorithm))
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": kind,
        "signatures": [{"sig": base64.b64encode(made).decode(), "keyid": ""}],
    }
    return json.dumps({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope}).encode()


def wanted(server: S3, prefix: str, *keys: str, **more: Any) -> FetchRequest:
    return request(server, prefix, signatureKeys=list(keys) or [public(KEY)], **more)


async def test_what_the_command_signed_is_served(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, SIGNED)
    found = await pod.resolve_and_fetch(wanted(server, prefix, public(KEY), PUBLIC))
    assert pod.model() == SIGNED
    assert found.files == 3


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda each: each.name)
async def test_each_curve(server: S3, pod: Pod, prefix: str, curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve)
    server.put_all(prefix, MODEL | {"model.sig": signature(statement(MODEL), key)})
    await pod.resolve_and_fetch(wanted(server, prefix, public(key)))
    assert pod.model()["1/model.onnx"] == b"weights"


def _changed(change: Callable[[Object], Any], *, signed: bool = True) -> bytes:
    said = statement(MODEL)
    change(said)
    bundle = json.loads(signature(said))
    if not signed:
        bundle["dsseEnvelope"]["signatures"] = []
    return json.dumps(bundle).encode()


def _cut(text: bytes) -> bytes:
    """With a payload that says more than what was signed."""
    bundle = json.loads(text)
    payload = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    payload["predicate"]["resources"].append({"name": "1/more", "algorithm": "sha256", "digest": "00" * 32})
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    return json.dumps(bundle).encode()


BY_NONE = "by none of the keys"
NOT_SO = "does not list files with their sha256"
NONE = "no signature as model-signing makes it"
REFUSED = {
    "by another key": (signature(statement(MODEL), ec.generate_private_key(ec.SECP256R1())), BY_NONE),
    "of another type": (signature(statement(MODEL), kind="text/plain"), BY_NONE),
    "changed afterwards": (_cut(signature(statement(MODEL))), BY_NONE),
    "no signature in it": (_changed(lambda _: None, signed=False), BY_NONE),
    "empty": (b"", NONE),
    "no JSON": (b"rubbish", NONE),
    "another JSON": (b"[1]", NONE),
    "no base64": (b'{"dsseEnvelope": {"payload": "!", "payloadType": "", "signatures": []}}', NONE),
    "of shards": (_changed(lambda said: said["predicate"]["serialization"].update(method="shards")), NOT_SO),
    "with another hash": (_changed(lambda said: said["predicate"]["serialization"].update(hash_type="blake3")), NOT_SO),
    "of another kind": (_changed(lambda said: said.update(predicateType="https://slsa.dev/provenance/v1")), NOT_SO),
    "that contradicts itself": (_changed(lambda said: said["predicate"]["resources"].pop()), NOT_SO),
    "of nothing": (_changed(lambda said: said.update(subject=[])), NOT_SO),
    "without end": (b"[" * 100_000, NONE),
    "without files": (_changed(lambda said: said.pop("predicate")), NOT_SO),
    "of one file less": (signature(statement({"1/model.onnx": b"weights"})), "'config.pbtxt' is not signed"),
    "of one file more": (signature(statement(MODEL | {"1/more": b""})), "'1/more' is signed, and not there"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_signature_that_is_none_is_refused_before_there_is_a_revision(
    server: S3, pod: Pod, prefix: str, name: str
) -> None:
    text, said = REFUSED[name]
    server.put_all(prefix, MODEL | {"model.sig": text})
    reason, message = await pod.refuses("resolve", wanted(server, prefix))
    assert reason == FetchReason.SIGNATURE_INVALID
    assert said in message


async def test_a_model_without_one_is_refused(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    reason, message = await pod.refuses("resolve", wanted(server, prefix))
    assert reason == FetchReason.SIGNATURE_INVALID
    assert "there is no model.sig. This installation serves only models that are signed" in message


@pytest.mark.parametrize("path", sorted(MODEL))
async def test_other_bytes_than_those_that_were_signed_never_get_to_triton(
    server: S3, pod: Pod, prefix: str, path: str
) -> None:
    server.put_all(prefix, MODEL | {"model.sig": signature(statement(MODEL)), path: MODEL[path] + b" "})
    asked = wanted(server, prefix)
    found = await pod.resolve(asked)
    reason, message = await pod.refuses("fetch", asked.model_copy(update={"fingerprint": found.fingerprint}))
    assert reason == FetchReason.SIGNATURE_INVALID
    assert f"{path!r} is not what was signed" in message
    assert not pod.ready.exists()


async def test_where_no_key_is_trusted_a_signature_is_a_file_like_any_other(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, {"resnet.onnx": b"weights", "model.sig": b"rubbish"})
    await pod.resolve_and_fetch(request(server, prefix))
    assert pod.model() == MODEL | {"model.sig": b"rubbish"}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("-----BEGIN PUBLIC KEY-----\nrubbish\n-----END PUBLIC KEY-----\n", "is no public key in PEM form"),
        (public(ed25519.Ed25519PrivateKey.generate()), "is no key of an elliptic curve"),
        (public(ec.generate_private_key(ec.SECP192R1())), "is none of P-256, P-384 and P-521"),
    ],
    ids=["rubbish", "ed25519", "P-192"],
)
async def test_a_key_that_cannot_be_used_is_the_administrators_to_correct(
    server: S3, pod: Pod, prefix: str, key: str, said: str
) -> None:
    server.put_all(prefix, SIGNED)
    reason, message = await pod.refuses("resolve", wanted(server, prefix, key))
    assert reason == FetchReason.FETCH_FAILED
    assert f"sources.signatureKeys {said}" in message


async def kept_unasked(server: S3, tmp_path: Path, prefix: str) -> tuple[Path, FetchRequest]:
    """A cache that a model came into when nothing had to be signed, and the request for it when it has to be."""
    claim = tmp_path / "claim"
    claim.mkdir()
    cache = {"claimName": "models", "revision": "fraud-00000001"}
    found = await Pod(tmp_path / "before", claim=claim).resolve_and_fetch(request(server, prefix, cache=cache))
    nowhere = wanted(server, prefix, cache=cache, fingerprint=found.fingerprint)
    return claim, nowhere.model_copy(update={"source": nowhere.source.model_copy(update={"digest": found.digest})})


async def test_what_a_cache_has_is_signed_as_well(server: S3, tmp_path: Path, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    claim, asked = await kept_unasked(server, tmp_path, prefix)
    pod = Pod(tmp_path / "after", claim=claim)
    reason, message = await pod.refuses("fetch", asked)
    assert reason == FetchReason.SIGNATURE_INVALID, message
    assert not pod.ready.exists()


async def test_what_a_cache_has_with_its_signature_needs_no_source(server: S3, tmp_path: Path, prefix: str) -> None:
    server.put_all(prefix, MODEL | {"model.sig": signature(statement(MODEL))})
    claim, asked = await kept_unasked(server, tmp_path, prefix)
    for path in (*MODEL, "model.sig"):
        (server.data / BUCKET / prefix / path).unlink()
    pod = Pod(tmp_path / "after", claim=claim)
    await pod.fetch(asked)
    assert pod.model()["1/model.onnx"] == b"weights"
    other = wanted(server, prefix, PUBLIC).signature_keys
    reason, message = await Pod(tmp_path / "other", claim=claim).refuses(
        "fetch", asked.model_copy(update={"signature_keys": other})
    )
    assert reason == FetchReason.SIGNATURE_INVALID
    assert "by none of the keys" in message
