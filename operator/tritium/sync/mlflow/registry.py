"""What the registry knows of a model: an alias leads to a version, and a version to the place of its files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tritium.api.fetch import FetchReason, Origin
from tritium.api.source import MlflowSource
from tritium.sync.errors import Failed
from tritium.sync.mlflow.client import API, Answer, Tracking

_PIN: Final = "version "

_ALIASES: Final = "2.3"
"""The MLflow that brought aliases."""

_REGISTER: Final = "Register the model with mlflow.register_model, which writes down where its files lie"


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a registered model.

    Attributes:
        number: as the registry counts.
        created: milliseconds since 1970. Who deletes a registered model and makes it again begins at version 1 again.
        location: URI of the folder with its files.
        run: ID of the run that made it, if one did.
    """

    number: int
    created: int
    location: str
    run: str | None

    @property
    def identity(self) -> str:
        """What tells it from any other version of that name.

        >>> Version(7, 1795996700609, "s3://mlflow/1/models/m-2", None).identity
        'version 7 of 1795996700609'
        """
        return f"{_PIN}{self.number} of {self.created}"

    @property
    def origin(self) -> Origin:
        """What a revision keeps of it."""
        return Origin(pin=f"{_PIN}{self.number}", uri=self.location[:1024], run_id=(self.run or "")[:64] or None)


async def find(tracking: Tracking, wanted: MlflowSource, pin: str | None) -> Version:
    """The version that is pinned, or else the one that the source names.

    Raises:
        Failed: `SourceNotFound`, naming what is not there, and whatever the server refuses.
    """
    if pin is not None:
        members = await _by_number(tracking, wanted, pin.removeprefix(_PIN))
    elif wanted.version is not None:
        members = await _by_number(tracking, wanted, str(wanted.version))
    else:
        members = await _by_alias(tracking, wanted, wanted.alias or "")
    number = str(members["version"])
    if (state := members.get("status", "READY")) != "READY":
        raise Failed(
            FetchReason.SOURCE_NOT_FOUND,
            f"{tracking.shown}: version {number} is not ready ({state}). Wait until its files are there, or register "
            "it again",
            transient=True,
        )
    query = {"name": wanted.name, "version": number}
    place = await _asked(tracking, "model-versions/get-download-uri", query, "")
    location = str(place.get("artifact_uri") or members.get("source") or "")
    if not location:
        raise Failed(FetchReason.SOURCE_NOT_FOUND, f"{tracking.shown}: version {number} names no place. {_REGISTER}")
    created = int(members.get("creation_timestamp", 0))
    return Version(int(number), created, location, members.get("run_id") or None)


async def _by_number(tracking: Tracking, wanted: MlflowSource, number: str) -> Mapping[str, Any]:
    missing = f"there is no version {number} of a registered model {wanted.name}. Check model.source.mlflow"
    query = {"name": wanted.name, "version": number}
    found = await _asked(tracking, "model-versions/get", query, missing)
    return _version(tracking, found)


async def _by_alias(tracking: Tracking, wanted: MlflowSource, alias: str) -> Mapping[str, Any]:
    missing = f"there is no alias {alias} of a registered model {wanted.name}. Check model.source.mlflow"
    query = {"name": wanted.name, "alias": alias}
    found = await _asked(tracking, "registered-models/alias", query, missing, since=_ALIASES)
    return _version(tracking, found)


def _version(tracking: Tracking, found: Mapping[str, Any]) -> Mapping[str, Any]:
    members = found.get("model_version")
    if not isinstance(members, dict) or not str(members.get("version", "")).isdecimal():
        raise _foreign(tracking)
    return members


async def _asked(
    tracking: Tracking, path: str, query: Mapping[str, str], missing: str, since: str = "1.24"
) -> Mapping[str, Any]:
    """The members of an answer.

    Args:
        tracking: the server.
        path: below the API's.
        query: its values.
        missing: what it means that the registry does not know it.
        since: the MLflow that brought this question.
    """
    answer = await tracking.ask(API + path, query)
    if answer.status == 200:
        return answer.members
    if _is_missing(answer):
        said = f" ({answer.said})" if answer.said else ""
        raise Failed(FetchReason.SOURCE_NOT_FOUND, f"{tracking.shown}: {missing or 'it is gone'}{said}")
    if answer.code and answer.code != "ENDPOINT_NOT_FOUND":
        raise Failed(
            FetchReason.FETCH_FAILED,
            f"{tracking.shown}: the server refuses the question ({answer.status} {answer.code}: {answer.said}). "
            "Check model.source.mlflow",
        )
    raise await _too_old(tracking, since)


def _is_missing(answer: Answer) -> bool:
    """Whether the registry does not know the model, the version or the alias."""
    # Of an alias that is not there it says that the parameter is wrong.
    return answer.code == "RESOURCE_DOES_NOT_EXIST" or (
        answer.code == "INVALID_PARAMETER_VALUE" and answer.said.endswith("not found")
    )


async def _too_old(tracking: Tracking, since: str) -> Failed:
    """The server does not know such a question."""
    version = await tracking.version()
    if version is None:
        return _foreign(tracking)
    instead = ", or set model.source.mlflow.version instead of alias" if since == _ALIASES else ""
    return Failed(
        FetchReason.SOURCE_UNREACHABLE,
        f"{tracking.shown}: the server is MLflow {version}, which does not answer what MLflow {since} does. "
        f"Upgrade it{instead}",
    )


def _foreign(tracking: Tracking) -> Failed:
    return Failed(
        FetchReason.SOURCE_UNREACHABLE,
        f"{tracking.shown}: what answers there is not MLflow's REST API. Check model.source.mlflow.trackingUri, and "
        "the path in it if the server has one",
    )
