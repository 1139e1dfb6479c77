"""`s3://bucket/path`, on AWS or any server that speaks its language."""

import re
from typing import TYPE_CHECKING

from obstore.store import S3Store

from tritium.api.fetch import FetchReason
from tritium.api.source import SERVER, Source
from tritium.sync import credentials as identity
from tritium.sync import server
from tritium.sync.credentials import Credentials
from tritium.sync.errors import Failed
from tritium.sync.explain import Place
from tritium.sync.guard import Guard
from tritium.sync.objects import Folder

if TYPE_CHECKING:
    from obstore.store import S3Config


def s3(source: Source, credentials: Credentials, guard: Guard) -> Folder:
    """The folder or object that the URI names; nothing is sent yet.

    Raises:
        Failed: it cannot be used as it is configured.
    """
    options = source.options or {}
    bucket, _, path = (source.uri or "").removeprefix("s3://").partition("/")
    config = s3_config(options, credentials)
    place = Place(
        uri=source.uri or "",
        server=config.get("endpoint") or "AWS S3",
        credentials=credentials,
        guard=guard,
        anonymous=options.get("anonymous") == "true",
    )
    if not place.anonymous:
        identity.demand_keys(credentials, identity.ACCESS_KEY, identity.SECRET_KEY)
    if options.get("virtualHostedStyle") == "true" and (endpoint := config.get("endpoint")):
        config["endpoint"] = endpoint.replace("://", f"://{bucket}.", 1)
    client = server.client(options, place)
    with server.explained(place):
        store = S3Store(bucket, config=config, client_options=client, retry_config=server.RETRY)
    return Folder(store, place, path)


def s3_config(options: dict[str, str], credentials: Credentials) -> "S3Config":
    """The store's settings: what the spec says goes before the Secret, and that before what the pod is given.

    Raises:
        Failed: `CredentialsMissing`, when the Secret's endpoint is none.

    >>> s3_config({"endpoint": "https://s3.example.com/", "anonymous": "true"}, Credentials())
    {'endpoint': 'https://s3.example.com', 'skip_signature': True}
    """
    values = credentials.values
    regions = (options.get("region"), *(values.get(key) for key in identity.REGION_KEYS))
    endpoint = options.get("endpoint") or _of_the_secret(credentials)
    config: S3Config = {}
    if endpoint:
        config["endpoint"] = endpoint.rstrip("/")
    if region := next((each for each in regions if each), None):
        config["region"] = region
    if options.get("virtualHostedStyle") == "true":
        config["virtual_hosted_style_request"] = True
    if options.get("anonymous") == "true":
        config["skip_signature"] = True
    elif credentials.secret:
        config["access_key_id"] = values.get(identity.ACCESS_KEY, "")
        config["secret_access_key"] = values.get(identity.SECRET_KEY, "")
        if token := values.get(identity.TOKEN_KEY):
            config["session_token"] = token
    return config


def _of_the_secret(credentials: Credentials) -> str | None:
    """The endpoint in the Secret. It is shown in messages, so it must be no more than an address, as in the spec."""
    endpoint = credentials.values.get(identity.ENDPOINT_KEY)
    if endpoint and not re.fullmatch(SERVER, endpoint):
        raise Failed(
            FetchReason.CREDENTIALS_MISSING,
            f"{identity.ENDPOINT_KEY} in Secret {credentials.secret} must be an address such as "
            "https://s3.example.com, without user, query or fragment; or set model.source.options.endpoint instead",
        )
    return endpoint
