"""`gs://bucket/path`, in Google Cloud Storage."""

import json
from typing import TYPE_CHECKING, Final

from obstore import exceptions
from obstore.store import GCSStore

from tritium.api.fetch import FetchReason
from tritium.api.source import Source
from tritium.sync import credentials as identity
from tritium.sync import server
from tritium.sync.credentials import Credentials
from tritium.sync.errors import Failed
from tritium.sync.explain import Place
from tritium.sync.guard import Guard
from tritium.sync.objects import Folder

if TYPE_CHECKING:
    from obstore.store import GCSConfig

_MEMBERS: Final = ("client_email", "private_key", "private_key_id")
"""Of a service account's JSON, what signs. Others could lead the requests elsewhere, or leave the signature out."""


def gcs(source: Source, credentials: Credentials, guard: Guard) -> Folder:
    """The folder or object that the URI names; nothing is sent yet.

    Raises:
        Failed: it cannot be used as it is configured.
    """
    options = source.options or {}
    bucket, _, path = (source.uri or "").removeprefix("gs://").partition("/")
    place = Place(
        uri=source.uri or "",
        server=options.get("endpoint", "").rstrip("/") or "Google Cloud Storage",
        credentials=credentials,
        guard=guard,
        anonymous=options.get("anonymous") == "true",
    )
    config: GCSConfig = {}
    if endpoint := options.get("endpoint"):
        config["base_url"] = endpoint.rstrip("/")
    if place.anonymous:
        config["skip_signature"] = True
    elif credentials.secret:
        config["service_account_key"] = service_account(credentials)
    client = server.client(options, place)
    with server.explained(place):
        try:
            store = GCSStore(bucket, config=config, client_options=client, retry_config=server.RETRY)
        except exceptions.GenericError as error:
            # What signs is the one thing that is read here and not when something is sent.
            if "CryptoProvider" not in str(error):
                raise
            raise _unusable(credentials, "has a private_key that cannot be read") from error
    return Folder(store, place, path)


def service_account(credentials: Credentials) -> str:
    """The part of the Secret's JSON file that requests are signed with, as JSON.

    Raises:
        Failed: `CredentialsMissing`, when the Secret has no such file, or one of another kind.

    >>> key = '{"type": "service_account", "client_email": "a@b", "private_key": "c", "private_key_id": "d"}'
    >>> service_account(Credentials("gcs", values={"GOOGLE_APPLICATION_CREDENTIALS": key}))
    '{"client_email": "a@b", "private_key": "c", "private_key_id": "d"}'
    """
    text = next((credentials.values[key] for key in identity.SERVICE_ACCOUNT_KEYS if key in credentials.values), None)
    if text is None:
        identity.demand_keys(credentials, identity.SERVICE_ACCOUNT_KEYS[0])
    try:
        file = json.loads(text or "")
    except ValueError:
        file = None
    if not isinstance(file, dict):
        raise _unusable(credentials, "is no JSON object")
    if file.get("type") != "service_account":
        raise _unusable(credentials, "is not of type service_account")
    for member in _MEMBERS:
        if not isinstance(file.get(member), str):
            raise _unusable(credentials, f"lacks {member}")
    return json.dumps({member: file[member] for member in _MEMBERS})


def _unusable(credentials: Credentials, why: str) -> Failed:
    found = next(key for key in identity.SERVICE_ACCOUNT_KEYS if key in credentials.values)
    return Failed(
        FetchReason.CREDENTIALS_MISSING,
        f"{found} in Secret {credentials.secret} {why}. Put a service account's key there, the whole JSON file as "
        "Google Cloud gives it; for workload identity name a ServiceAccount instead of a Secret",
    )
