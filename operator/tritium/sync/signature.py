"""The signature of a model, as `model-signing` (OpenSSF) makes it with a key: `model.sig` beside the files.

It is a Sigstore bundle with a DSSE envelope; in that an in-toto statement lists each file with its sha256. The files
were hashed as they came, so nothing is read again. Of the format, what is signed with a key and lists whole files is
known: certificates and signing without a key need servers of their own, and the library itself would bring all of that
into the image (12 MB more; this takes 5).
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tritium.api.fetch import FetchReason
from tritium.core.manifest import FileEntry
from tritium.sync.errors import Failed
from tritium.sync.listing import Listing
from tritium.sync.sources import Store

NAME: Final = "model.sig"
"""The file, at the top of the source."""

LARGEST: Final = 8 << 20
"""Bytes: ten thousand files have some three million."""

_PAYLOAD: Final = "application/vnd.in-toto+json"
_PREDICATE: Final = "https://model_signing/signature/v1.0"


async def read(store: Store, listing: Listing, uri: str) -> bytes:
    """The text of a source's signature.

    Raises:
        Failed: `SignatureInvalid`: it has none; and as the source says.
    """
    file = next((each for each in listing.files if each.path == NAME), None)
    if file is None:
        raise _invalid(uri, f"there is no {NAME}")
    if file.size > LARGEST:
        raise _invalid(uri, f"{NAME} is larger than {LARGEST >> 20} MiB, which no signature is")
    return b"".join([bytes(piece) async for piece in store.read(file, 0, file.size)]) if file.size else b""


def signed_files(text: bytes, keys: Sequence[str], uri: str) -> dict[str, str]:
    """What one of the keys has signed: sha256 by path.

    Args:
        text: of the signature.
        keys: public ones, in PEM form.
        uri: of the source, for messages.

    Raises:
        Failed: `SignatureInvalid`: none has, or it is no signature of this kind.
    """
    try:
        envelope = json.loads(text)["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [base64.b64decode(each["sig"], validate=True) for each in envelope["signatures"]]
        kind = envelope["payloadType"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _invalid(uri, f"{NAME} is no signature as model-signing makes it") from error
    # Nothing of the payload is looked at before it is known to be from somebody who is trusted.
    if kind != _PAYLOAD or not any(_has_signed(key, each, payload) for key in keys for each in signatures):
        raise _invalid(uri, f"{NAME} is by none of the keys that this installation trusts")
    try:
        return _files(json.loads(payload))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise _invalid(uri, f"{NAME} does not list files with their sha256, as model-signing does") from error


def demand_names(signed: Mapping[str, str], paths: Iterable[str], uri: str) -> None:
    """Exactly the files of a source are signed, as far as a listing tells.

    Raises:
        Failed: `SignatureInvalid`: there is one more, or one less.
    """
    there = set(paths) - {NAME}
    if unsigned := sorted(there - set(signed)):
        raise _invalid(uri, f"{unsigned[0]!r} is not signed")
    if missing := sorted(set(signed) - there):
        raise _invalid(uri, f"{missing[0]!r} is signed, and not there")


def demand_bytes(signed: Mapping[str, str], entries: Iterable[FileEntry], uri: str) -> None:
    """The files are what was signed.

    Raises:
        Failed: `SignatureInvalid`: one is not.
    """
    found = {entry.path: entry.sha256 for entry in entries}
    demand_names(signed, found, uri)
    if other := sorted(path for path, sha256 in signed.items() if found[path] != sha256):
        raise _invalid(uri, f"{other[0]!r} is not what was signed")


def _has_signed(key: str, signature: bytes, payload: bytes) -> bool:
    # Where nothing has to be signed, it would only take memory.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    try:
        public = serialization.load_pem_public_key(key.encode())
    except ValueError as error:
        raise _no_key("is no public key in PEM form") from error
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise _no_key("is no key of an elliptic curve")
    algorithms: dict[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
    if public.curve.key_size not in algorithms:
        raise _no_key("is none of P-256, P-384 and P-521")
    # What is signed is the text with its type and length (DSSE's PAE), so that it cannot be taken for something else.
    encoded = f"DSSEv1 {len(_PAYLOAD)} {_PAYLOAD} {len(payload)} ".encode() + payload
    try:
        public.verify(signature, encoded, ec.ECDSA(algorithms[public.curve.key_size]))
    except InvalidSignature:
        return False
    return True


def _files(statement: Any) -> dict[str, str]:
    """The files of a statement.

    Raises:
        ValueError: it is another kind of statement; KeyError, TypeError and IndexError: it is broken.
    """
    how = statement["predicate"]["serialization"]
    if (statement["predicateType"], how["method"], how["hash_type"]) != (_PREDICATE, "files", "sha256"):
        raise ValueError("another kind of statement")
    files = {str(each["name"]): str(each["digest"]) for each in statement["predicate"]["resources"]}
    whole = hashlib.sha256(b"".join(bytes.fromhex(each["digest"]) for each in statement["predicate"]["resources"]))
    if whole.hexdigest() != statement["subject"][0]["digest"]["sha256"]:
        raise ValueError("it contradicts itself")
    return files


def _invalid(uri: str, what: str) -> Failed:
    return Failed(
        FetchReason.SIGNATURE_INVALID,
        f"{uri}: {what}. This installation serves only models that are signed with a key it trusts: sign the folder "
        f"with `model_signing sign key`, put {NAME} beside the files, and use a new address for it",
    )


def _no_key(what: str) -> Failed:
    said = (
        f"a key in the chart's value sources.signatureKeys {what}. The installation's administrator has to correct it"
    )
    return Failed(FetchReason.FETCH_FAILED, said)
