"""Who reads from a registry: what a Secret for pulling images says, or a user and a password."""

import base64
import json
from typing import Any

from tritium.api.fetch import FetchReason
from tritium.sync import credentials as identity
from tritium.sync.credentials import Credentials
from tritium.sync.errors import Failed
from tritium.sync.registry import Login


def login(credentials: Credentials, host: str) -> Login | None:
    """The user for a registry; None where no Secret is named, or it has only `ca.crt`.

    Raises:
        Failed: `CredentialsMissing`, when the Secret has neither, or nothing for this registry.

    >>> config = '{"auths": {"https://r.example.com/v2/": {"auth": "cmVhZGVyOmE6Yg=="}}}'
    >>> login(Credentials("pull", values={".dockerconfigjson": config}), "r.example.com").user
    'reader'
    """
    values = credentials.values
    if identity.DOCKER_CONFIG in values:
        return _of_config(credentials, host)
    if identity.REGISTRY_USER in values or identity.REGISTRY_PASSWORD in values:
        identity.demand_keys(credentials, identity.REGISTRY_USER, identity.REGISTRY_PASSWORD)
        return Login(values[identity.REGISTRY_USER], values[identity.REGISTRY_PASSWORD])
    if identity.CA_KEY not in values:
        identity.demand_keys(credentials, identity.DOCKER_CONFIG)
    return None


def _of_config(credentials: Credentials, host: str) -> Login:
    try:
        auths = json.loads(credentials.values[identity.DOCKER_CONFIG])["auths"]
        entries = {_host(name): entry for name, entry in auths.items()}
        if host not in entries:
            names = ", ".join(sorted(entries)) or "none"
            raise _unusable(credentials, f"has nothing for {host}, only for: {names}. Add this registry to it")
        return _of_entry(entries[host])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _unusable(
            credentials, "cannot be read. Make it anew, with `kubectl create secret docker-registry`"
        ) from error


def _of_entry(entry: dict[str, Any]) -> Login:
    """Of one registry; a user and a password by name, or both in one, in base64."""
    user, password = entry.get("username"), entry.get("password")
    if not user:
        user, _, password = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
    if not user or not password:
        raise ValueError("no user")
    return Login(user, password)


def _host(name: str) -> str:
    """A registry's name, which some write as an address.

    >>> _host("https://registry.example.com:5000/v1/")
    'registry.example.com:5000'
    """
    return name.rpartition("://")[2].partition("/")[0]


def _unusable(credentials: Credentials, why: str) -> Failed:
    what = f"{identity.DOCKER_CONFIG} in Secret {credentials.secret} {why}"
    return Failed(FetchReason.CREDENTIALS_MISSING, what)
