"""The identity that a source is read with: the files of the mounted Secret."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tritium.api.fetch import FetchReason
from tritium.api.source import Source
from tritium.sync.errors import Failed

CA_KEY: Final = "ca.crt"
ACCESS_KEY: Final = "AWS_ACCESS_KEY_ID"
SECRET_KEY: Final = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a key
TOKEN_KEY: Final = "AWS_SESSION_TOKEN"  # noqa: S105 - the name of a key
REGION_KEYS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
ENDPOINT_KEY: Final = "AWS_ENDPOINT_URL"

SERVICE_ACCOUNT_KEYS: Final = ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT_KEY")
"""Either holds the JSON file of a service account's key; elsewhere the first is a path to it."""
ACCOUNT_NAME: Final = "AZURE_STORAGE_ACCOUNT_NAME"
ACCOUNT_KEY: Final = "AZURE_STORAGE_ACCOUNT_KEY"
SAS_TOKEN: Final = "AZURE_STORAGE_SAS_TOKEN"  # noqa: S105 - the name of a key
HUB_TOKEN: Final = "HF_TOKEN"  # noqa: S105 - the name of a key
DOCKER_CONFIG: Final = ".dockerconfigjson"
REGISTRY_USER: Final = "username"
REGISTRY_PASSWORD: Final = "password"  # noqa: S105 - the name of a key

TRACKING_USERNAME: Final = "MLFLOW_TRACKING_USERNAME"
TRACKING_PASSWORD: Final = "MLFLOW_TRACKING_PASSWORD"  # noqa: S105 - the name of a key
TRACKING_TOKEN: Final = "MLFLOW_TRACKING_TOKEN"  # noqa: S105 - the name of a key

_KNOWN: Final = frozenset(
    {CA_KEY, ACCESS_KEY, SECRET_KEY, TOKEN_KEY, ENDPOINT_KEY, *REGION_KEYS, *SERVICE_ACCOUNT_KEYS}
    | {ACCOUNT_NAME, ACCOUNT_KEY, SAS_TOKEN, HUB_TOKEN, DOCKER_CONFIG}
    | {REGISTRY_USER, REGISTRY_PASSWORD}
    | {TRACKING_USERNAME, TRACKING_PASSWORD, TRACKING_TOKEN}
)
_USUAL: Final[Mapping[str, str]] = {
    "s3": f"the keys {ACCESS_KEY} and {SECRET_KEY}",
    "gs": f"the key {SERVICE_ACCOUNT_KEYS[0]}",
    "az": f"the keys {ACCOUNT_NAME} and {ACCOUNT_KEY}",
    "https": f"the key {CA_KEY}",
    "hf": f"the key {HUB_TOKEN}",
    "oci": f"the key {DOCKER_CONFIG}, or {REGISTRY_USER} and {REGISTRY_PASSWORD}",
    "mlflow": f"the keys {TRACKING_USERNAME} and {TRACKING_PASSWORD}, or {TRACKING_TOKEN}",
}
"""What a Secret holds, by the scheme of the source."""

_BUCKET: Final = "list the bucket and read its objects"
_MAY: Final[Mapping[str, str]] = {"hf": "read the repository", "oci": "pull from the repository"}
"""What an identity must be allowed, where the source is no bucket."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the Secret says.

    Attributes:
        secret: its name; absent when the source names none.
        account: name of the ServiceAccount, when the source names one.
        may: what it must be allowed.
        values: by key, only those that are known; never shown.
    """

    secret: str | None = None
    account: str | None = None
    may: str = _BUCKET
    values: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def remedy(self) -> str:
        """What a person should check when the store refuses this identity."""
        if self.secret:
            return f"Check the keys in Secret {self.secret}, and that they may {self.may}"
        if self.account:
            return f"Check what role ServiceAccount {self.account} has, and that it may {self.may}"
        return f"Name a Secret with keys that may {self.may} in model.source.credentials"


def read(folder: Path, source: Source) -> Credentials:
    """The mounted Secret, when the source names one.

    Raises:
        Failed: `SecretMissing`, when it names one that does not exist.
    """
    scheme = "mlflow" if source.mlflow else (source.uri or "").partition("://")[0]
    named, may = source.credentials, _MAY.get(scheme, _BUCKET)
    if named is None or named.secret_ref is None:
        return Credentials(account=named.service_account_name if named else None, may=may)
    # Kubernetes mounts a Secret through links whose names begin with two dots.
    files = [each for each in folder.iterdir() if not each.name.startswith("..")] if folder.is_dir() else []
    if not files:
        raise Failed(
            FetchReason.SECRET_MISSING,
            f"Secret {named.secret_ref.name}, which model.source.credentials names, does not exist in this namespace "
            f"or holds nothing. Create it with {_USUAL.get(scheme, _USUAL['s3'])}",
        )
    # A line's end after a key is a common slip of the one who made the Secret, and never part of a key.
    values = {each.name: each.read_text(errors="replace").strip() for each in files if each.name in _KNOWN}
    known = {name: value for name, value in values.items() if value}
    return Credentials(secret=named.secret_ref.name, may=may, values=known)


def demand_keys(credentials: Credentials, *keys: str) -> None:
    """A Secret, where one is named, has all of these keys.

    Raises:
        Failed: `CredentialsMissing`, naming the key that is absent.

    >>> demand_keys(Credentials("s3-keys", values={ACCESS_KEY: "AKIA"}), ACCESS_KEY, SECRET_KEY)
    Traceback (most recent call last):
        ...
    tritium.sync.errors.Failed: Secret s3-keys has no key AWS_SECRET_ACCESS_KEY. Add it, with its value
    """
    for key in keys:
        if credentials.secret and key not in credentials.values:
            raise Failed(
                FetchReason.CREDENTIALS_MISSING,
                f"Secret {credentials.secret} has no key {key}. Add it, with its value",
            )


def authority(credentials: Credentials) -> str | None:
    """The certificates of a private authority, in PEM form, if the Secret has any.

    Raises:
        Failed: `CredentialsMissing`, when they are none.
    """
    certificates = credentials.values.get(CA_KEY)
    if certificates:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificates)
        except (ssl.SSLError, ValueError) as error:
            raise Failed(
                FetchReason.CREDENTIALS_MISSING,
                f"{CA_KEY} in Secret {credentials.secret} holds no certificate in PEM form; put the authority's there",
            ) from error
    return certificates
