"""What the operator asks of `fetch`, and what it answers: the wire between a pod and the operator.

The operator writes a `FetchRequest` as JSON into the environment of the pod that lists or fetches a source; `fetch`
writes a `FetchResult` as JSON into its termination message (4 KiB at most), and the operator reads it from the pod's
status. No Secret passes the operator: the pod mounts it.
"""

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Final

from pydantic import Field

from tritium.api.model import ModelConfig, ModelName
from tritium.api.object import ApiObject, Observed
from tritium.api.source import Layout, Source
from tritium.api.tensors import WarmupRequest
from tritium.api.values import ObjectName

REQUEST_VARIABLE: Final = "TRITIUM_FETCH"
"""Environment variable with the `FetchRequest`."""

ADDRESS_VARIABLE: Final = "TRITIUM_POD_IP"
"""Environment variable with the address at which a fetch says how far it is; absent, it does not."""

PROGRESS_PORT: Final = 19002
"""The port for it, which nothing else in the pod has."""

MODELS_FOLDER: Final = "/models"
"""Where the volume for the model is mounted, writable for fetch and read-only for Triton."""

REPOSITORY_FOLDER: Final = f"{MODELS_FOLDER}/ready/repository"
"""Triton's model repository. `/models/ready` appears by one rename, when everything in it was verified."""

CREDENTIALS_FOLDER: Final = "/var/run/tritium/credentials"
"""Where the Secret is mounted, a file for each key; empty if the Secret does not exist (`optional: true`)."""

FACTS_FOLDER: Final = "/var/run/tritium/revision"
"""Where the revision's ConfigMap is mounted (`optional: true`)."""

DIGEST_KEY: Final = "digest"
"""Key of that ConfigMap, and so the file's name: the digest that the first fetch of the revision found."""


SOURCE_FOLDER: Final = "/var/run/tritium/source"
"""Where the claim of a source `pvc://claim/path` is mounted, read-only."""

CACHE_FOLDER: Final = "/cache"
"""Where the claim of `model.cache` is mounted, writable for fetch and read-only for Triton."""

KEPT_FOLDER: Final = "/var/run/tritium/kept"
"""Where the ConfigMap with the revisions that are kept in the namespace is mounted (`optional: true`)."""

KEPT_KEY: Final = "revisions"
"""Key of that ConfigMap, and so the file's name: the revisions' names, one in a line."""


Network = IPv4Network | IPv6Network

_Bytes = Annotated[int, Field(ge=0, le=2**60)]


class FetchReason(StrEnum):
    """Why a source could not be listed or fetched."""

    SECRET_MISSING = "SecretMissing"  # noqa: S105 - a reason, not a password
    """The Secret that `credentials.secretRef` names does not exist."""
    CREDENTIALS_MISSING = "CredentialsMissing"
    """The source wants credentials, and none, or not all keys, are there."""
    ACCESS_DENIED = "AccessDenied"
    """The source refuses these credentials."""
    OPTIONS_UNUSED = "OptionsUnused"
    """The registered model lies where a setting in `source.options` means nothing."""
    SOURCE_NOT_FOUND = "SourceNotFound"
    """There is nothing at that address."""
    SOURCE_UNREACHABLE = "SourceUnreachable"
    """The source does not answer."""
    ADDRESS_FORBIDDEN = "AddressForbidden"
    """The source is at an address, or leads to one, that this installation lets no source connect to."""
    SOURCE_CHANGED = "SourceChanged"
    """The listing is not the one of the revision, and no digest is known that could prove the bytes."""
    DIGEST_MISMATCH = "DigestMismatch"
    """The bytes are not those that `source.digest`, or the first fetch, names."""
    SIGNATURE_INVALID = "SignatureInvalid"
    """The files are not signed, or not by a key that this installation trusts."""
    MODEL_INVALID = "ModelInvalid"
    """The files cannot be laid out as a Triton repository."""
    CONFIG_INVALID = "ConfigInvalid"
    """`config.pbtxt` or `model.config` cannot be read, or is not enough, or `model.warmup` does not fit it; the message
    says where."""
    DISK_FULL = "DiskFull"
    """The model does not fit on the pod's volume, or into the cache."""
    ACCESS_MODE_UNSUPPORTED = "AccessModeUnsupported"
    """The claim of `model.cache` cannot be written by these pods."""
    FETCH_FAILED = "FetchFailed"
    """Anything else: a mistake of Tritium's own."""


class CacheUse(ApiObject):
    """A claim that is mounted as the cache, and who uses it."""

    claim_name: ObjectName
    """The claim's name, for messages."""
    revision: ObjectName
    """The revision's name: what it uses is kept as long as it is."""


class FetchRequest(ApiObject):
    """What is to be listed or fetched."""

    source: Source
    """As the user wrote it; credentials are mounted, not in here."""
    model: ModelName
    """Name of the model in Triton's repository."""
    layout: Layout = "auto"
    """How the files lie at the source."""
    fingerprint: str | None = None
    """For a fetch: the listing that the revision was made from."""
    pin: str | None = None
    """For a fetch: what the source's moving reference named when the revision was made (`Origin.pin`)."""
    cache: CacheUse | None = None
    """For a fetch: where the files are kept, and looked for before anything is asked of the source."""
    config: ModelConfig | None = None
    """What is merged into the model's configuration."""
    allowed_networks: list[Network] | None = None
    """What is open to sources besides the internet, as the installation says."""
    refused_networks: list[Network] | None = None
    """What is closed to them, whatever is allowed."""
    signature_keys: list[str] | None = None
    """Public keys in PEM form, of which one must have signed the files. Absent: they need not be signed."""
    warmup: list[WarmupRequest] | None = None
    """For a fetch: what is added to the model's configuration, so that Triton warms it up."""


class Origin(Observed):
    """Where a reference that can move (a branch, a tag, an alias) led when it was resolved, and what is known of it.

    A fetch goes there again, wherever the reference leads by then.
    """

    pin: Annotated[str, Field(max_length=256)]
    """What it named, as the source itself says it: a commit, the digest of a manifest, the version of a model."""
    uri: Annotated[str, Field(max_length=1024)] | None = None
    """Where a registry says that the files lie."""
    run_id: Annotated[str, Field(max_length=64)] | None = None
    """The run of the tracking server that made the model."""


class FetchProgress(Observed):
    """How far a download is."""

    there: _Bytes
    """Bytes that are here."""
    total: _Bytes
    """Bytes that there are."""
    rate: _Bytes
    """Bytes in a second, lately."""


class FetchFailure(Observed):
    """Why it did not work."""

    reason: FetchReason
    """In one word."""
    message: Annotated[str, Field(max_length=2048)]
    """What happened, where, and what to do."""


class FetchResult(Observed):
    """What came of it: either a failure, or what was found."""

    fingerprint: str | None = None
    """`sha256:…` over path, size and version (or ETag, or modification time) of each file."""
    files: int | None = None
    """How many files."""
    bytes: int | None = None
    """How many bytes they have together."""
    digest: str | None = None
    """For a fetch: `sha256:…` over the manifest (core/manifest.py) of the files as they lie at the source."""
    origin: Origin | None = None
    """For a listing: where a moving reference led. Absent: the URI itself is the place."""
    failure: FetchFailure | None = None
    """Absent: it worked."""
