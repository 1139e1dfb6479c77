"""A registered model of an MLflow tracking server as a source: the registry says where it lies, and that is read."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

from tritium.api.fetch import FetchReason
from tritium.api.source import MlflowSource, Source
from tritium.sync import credentials as identity
from tritium.sync.azure import azure
from tritium.sync.credentials import Credentials
from tritium.sync.errors import Failed
from tritium.sync.gcs import gcs
from tritium.sync.guard import Guard
from tritium.sync.listing import Listing, Piece, RemoteFile
from tritium.sync.mlflow import registry
from tritium.sync.mlflow.client import Tracking
from tritium.sync.mlflow.proxy import ARTIFACTS, Proxied
from tritium.sync.mlflow.registry import Version
from tritium.sync.s3 import s3
from tritium.sync.web import HttpFile

_BLOB_HOST: Final = ".blob.core.windows.net"


class _Store(Protocol):
    async def files(self) -> Listing: ...
    def read(self, file: RemoteFile, start: int, end: int) -> AsyncIterator[Piece]: ...


_DIRECT: Final[Mapping[str, Callable[[Source, Credentials, Guard], _Store]]] = {
    "s3": s3,
    "gs": gcs,
    "wasbs": azure,
    "https": HttpFile,
}
"""Where files can be read without the tracking server, by the scheme of a version's location."""

_LOG_AGAIN: Final = (
    "Log the model with a tracking server that runs with --serve-artifacts, or to s3://, gs:// or wasbs://, and "
    "register that"
)


class Registered:
    """The files of one version.

    Args:
        source: with `mlflow`.
        credentials: for the tracking server, and for the store that it names.
        guard: makes the connections.
        pin: the version of an earlier listing; it is read whatever the source's alias names by now.
    """

    def __init__(self, source: Source, credentials: Credentials, guard: Guard, pin: str | None) -> None:
        if source.mlflow is None:
            raise ValueError("not of MLflow")
        self._wanted: MlflowSource = source.mlflow
        self._source = source
        self._credentials = credentials
        self._guard = guard
        self._pin = pin
        self._tracking = Tracking(source, credentials, guard)
        self._files: _Store | None = None
        self._listed: dict[str, RemoteFile] = {}

    async def files(self) -> Listing:
        """All files of the version.

        Raises:
            Failed: why they cannot be listed.
        """
        version = await registry.find(self._tracking, self._wanted, self._pin)
        self._files = self._open(version)
        try:
            listed = await self._files.files()
        except Failed as failure:
            if isinstance(self._files, Proxied):
                raise
            # A store knows its own address alone.
            what = f"{self._tracking.shown}: version {version.number} lies at {failure.message}"
            raise Failed(failure.reason, what, transient=failure.transient) from failure
        self._listed = {file.path: file for file in listed.files}
        # Another version is another model, even where it lies at the same place.
        files = tuple(replace(file, version=f"{version.identity} {file.version}") for file in listed.files)
        return Listing(files, origin=version.origin)

    async def read(self, file: RemoteFile, start: int, end: int) -> AsyncIterator[Piece]:
        """A part of a file that was listed."""
        if self._files is None:
            raise ValueError("not listed yet")
        async for piece in self._files.read(self._listed[file.path], start, end):
            yield piece

    def _open(self, version: Version) -> _Store:
        """What reads the place that a version names."""
        if (root := _behind(self._tracking.address, version.location)) is not None:
            return Proxied(self._tracking, root)
        scheme, _, rest = version.location.partition("://")
        if scheme not in _DIRECT:
            raise Failed(
                FetchReason.SOURCE_NOT_FOUND,
                f"{self._tracking.shown}: version {version.number} lies at {_shown(version.location)}, which pods "
                f"cannot read. {_LOG_AGAIN}",
            )
        place: dict[str, Any] = {"uri": version.location, "mlflow": None}
        if scheme == "wasbs":
            container, _, path = rest.partition("@")
            host, _, path = path.partition("/")
            options = self._source.options or {}
            if "endpoint" not in options:
                self._demand_own_account(version, host.removesuffix(_BLOB_HOST))
            place |= {
                "uri": f"az://{container}/{path}",
                "options": {"accountName": host.removesuffix(_BLOB_HOST)} | options,
            }
        return _DIRECT[scheme](self._source.model_copy(update=place), self._credentials, self._guard)

    def _demand_own_account(self, version: Version, account: str) -> None:
        """Who registers a version says where it lies: that must not be where a token of ours is sent to.

        Raises:
            Failed: `CredentialsMissing`, where the account is not the one that the credentials are for.
        """
        values = self._credentials.values
        own = (self._source.options or {}).get("accountName") or values.get(identity.ACCOUNT_NAME)
        if own == account or (own is None and identity.SAS_TOKEN not in values):
            return
        whose = f"the credentials are for {own}" if own else f"nothing says which account {identity.SAS_TOKEN} is for"
        raise Failed(
            FetchReason.CREDENTIALS_MISSING,
            f"{self._tracking.shown}: version {version.number} lies in the storage account {account[:60]!r}, and "
            f"{whose}. Set model.source.options.accountName to the account that they are for, if it is this one",
        )


def _behind(address: str, location: str) -> str | None:
    """The path below the server's root for artifacts; None where the server does not hand them out.

    >>> _behind("http://mlflow:5000", "mlflow-artifacts:/0/8f2c/artifacts/model")
    '0/8f2c/artifacts/model'
    >>> _behind("http://mlflow:5000", "http://mlflow:5000/api/2.0/mlflow-artifacts/artifacts/0/8f2c")
    '0/8f2c'
    >>> _behind("http://mlflow:5000", "mlflow-artifacts://elsewhere/0/8f2c")
    """
    url = urlsplit(location)
    # Another server is not told what this one's credentials are.
    same = url.netloc in {"", urlsplit(address).netloc}
    if url.scheme == "mlflow-artifacts" and same:
        return unquote(url.path).strip("/")
    own = f"{address}{ARTIFACTS}/"
    return unquote(location.removeprefix(own)).strip("/") if location.startswith(own) else None


def _shown(location: str) -> str:
    """A place without what may be secret in it."""
    url = urlsplit(location)
    return f"{url.scheme}:{'//' + url.netloc.rpartition('@')[2] if url.netloc else ''}{url.path}"[:300]
