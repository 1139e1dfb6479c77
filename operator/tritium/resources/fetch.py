"""The part of a pod that lists or fetches a source: its container, and the volumes that it needs."""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from tritium.api import names
from tritium.api.fetch import (
    ADDRESS_VARIABLE,
    CACHE_FOLDER,
    CREDENTIALS_FOLDER,
    KEPT_FOLDER,
    KEPT_KEY,
    REQUEST_VARIABLE,
    SOURCE_FOLDER,
    CacheUse,
    FetchRequest,
)
from tritium.api.object import ApiObject
from tritium.api.source import Source
from tritium.api.spec import ModelDeploymentSpec
from tritium.resources.owner import Owner
from tritium.resources.rendering import Rendering
from tritium.resources.security import container_security

CREDENTIALS: Final = "credentials"
SCRATCH: Final = "fetch-tmp"
CACHE: Final = "cache"
KEPT: Final = "kept"
SOURCE: Final = "source"


def request(  # noqa: PLR0913 - each by its name
    owner: Owner,
    spec: ModelDeploymentSpec,
    rendering: Rendering,
    *,
    fingerprint: str | None = None,
    pin: str | None = None,
    revision: str | None = None,
) -> FetchRequest:
    """What is to be listed or, with a fingerprint (and the pin of a moving reference), fetched for a revision."""
    cache = spec.model.cache
    # How often to look for a change is no part of what is looked at.
    source = spec.model.source.model_copy(update={"poll_interval": None})
    return FetchRequest(
        source=source,
        model=spec.model.name or owner.name,
        layout=spec.model.layout or "auto",
        fingerprint=fingerprint,
        pin=pin,
        allowed_networks=list(rendering.allowed_networks) or None,
        refused_networks=list(rendering.refused_networks) or None,
        signature_keys=list(rendering.signature_keys) or None,
        # Which state of the source there is, is not asked of a cache.
        cache=CacheUse(claim_name=cache.claim_name, revision=revision) if cache and revision else None,
        # Of this a mistake can be told, and is, before there is a revision.
        config=spec.model.config,
        # No part of the source, so a listing does not need it.
        warmup=spec.model.warmup if fingerprint else None,
    )


def container(  # noqa: PLR0913 - each by its name
    verb: Literal["fetch", "follow", "resolve"],
    asked: FetchRequest,
    *,
    resources: dict[str, Any],
    mounts: list[dict[str, Any]],
    rendering: Rendering,
    variable: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """The container, with the mounts that every source needs before the given ones.

    Args:
        verb: what it does.
        asked: what it does it with.
        resources: requests and limits.
        mounts: beside those of every source.
        rendering: what the installation contributes.
        variable: name and value of what it is told, where that is more than one request.
    """
    name, value = variable or (REQUEST_VARIABLE, wire(asked))
    scratch = {"name": SCRATCH, "mountPath": "/tmp"}  # noqa: S108 - a volume of its own
    cache = [
        {"name": CACHE, "mountPath": CACHE_FOLDER},
        {"name": KEPT, "mountPath": KEPT_FOLDER, "readOnly": True},
    ]
    source = [{"name": SOURCE, "mountPath": SOURCE_FOLDER, "readOnly": True}] if _claim(asked) else []
    of_pod = {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}
    address = [{"name": ADDRESS_VARIABLE, "valueFrom": of_pod}] if verb == "fetch" else []
    return {
        "name": verb,
        "image": rendering.fetch_image,
        "imagePullPolicy": rendering.image_pull_policy,
        "command": ["python3", "-m", "tritium.sync", verb],
        "env": [{"name": name, "value": value}, *address],
        "resources": resources,
        "volumeMounts": [scratch, *secret_mounts(asked.source), *source, *(cache if asked.cache else []), *mounts],
        "securityContext": container_security(),
        # The result is what fetch writes; the end of its log must not be taken for one.
        "terminationMessagePolicy": "File",
    }


def asking(container: Any, asked: FetchRequest) -> Any:
    """The container that fetches, with the request in its environment and nothing else under that name; or another."""
    if not isinstance(container, Mapping) or container.get("name") != "fetch":
        return container
    env = container.get("env")
    # What is no list the API server refuses, and says where.
    others = env if isinstance(env, list) else []
    kept = [each for each in others if not isinstance(each, Mapping) or each.get("name") != REQUEST_VARIABLE]
    return {**container, "env": [{"name": REQUEST_VARIABLE, "value": wire(asked)}, *kept]}


def volumes(asked: FetchRequest) -> list[dict[str, Any]]:
    """The volumes that every source needs."""
    needed: list[dict[str, Any]] = [{"name": SCRATCH, "emptyDir": {"sizeLimit": "64Mi"}}]
    needed += secret_volumes(asked.source)
    if claim := _claim(asked):
        needed.append({"name": SOURCE, "persistentVolumeClaim": {"claimName": claim}})
    if asked.cache:
        needed.append({"name": CACHE, "persistentVolumeClaim": {"claimName": asked.cache.claim_name}})
        # Optional: without it only nothing is removed.
        kept = {"name": names.GATEWAY, "optional": True, "items": [{"key": KEPT_KEY, "path": KEPT_KEY}]}
        needed.append({"name": KEPT, "configMap": kept})
    return needed


def shown(asked: FetchRequest) -> list[dict[str, Any]]:
    """What Triton mounts besides the volume of its pod: where fetch leads it."""
    return [{"name": CACHE, "mountPath": CACHE_FOLDER, "readOnly": True}] if asked.cache else []


def identity(spec: ModelDeploymentSpec) -> dict[str, Any]:
    """Members of a pod's spec: whom the cloud takes it for, and for whom the registry does."""
    credentials = spec.model.source.credentials
    account = credentials.service_account_name if credentials else None
    pull = pull_secrets(spec)
    members: dict[str, Any] = {"serviceAccountName": account} if account else {}
    if pull:
        members["imagePullSecrets"] = [{"name": name} for name in pull]
    # Nothing in these pods speaks to the API server. A cloud's own token is mounted by its webhook all the same.
    return members | {"automountServiceAccountToken": False}


def placement(*specs: ModelDeploymentSpec) -> dict[str, Any]:
    """Members of the spec of a pod that looks at sources: where it may run.

    It may run wherever the models may. Where it mounts a claim it runs where they do: it must not hold the volume
    on a node that they never come to.
    """
    servers = [each.server for each in specs if each.server]
    tolerations = {json.dumps(one, sort_keys=True): one for each in servers for one in each.tolerations or ()}
    found: dict[str, Any] = {"tolerations": [tolerations[key] for key in sorted(tolerations)]} if tolerations else {}
    on_claim = any((each.model.source.uri or "").startswith("pvc://") for each in specs)
    selector = next((each.node_selector for each in servers if each.node_selector), None) if on_claim else None
    return found | ({"nodeSelector": selector} if selector else {})


def pull_secrets(spec: ModelDeploymentSpec) -> list[str]:
    """Names of the Secrets that images are pulled with."""
    return [each.name for each in (spec.server.image_pull_secrets if spec.server else None) or ()]


def _claim(asked: FetchRequest) -> str | None:
    """The claim that a source names; a pod mounts claims of its own namespace only."""
    scheme, _, place = (asked.source.uri or "").partition("://")
    return place.partition("/")[0] if scheme == "pvc" else None


def secret_mounts(source: Source) -> list[dict[str, Any]]:
    """Where the Secret of a source is mounted, if it has one."""
    return [{"name": CREDENTIALS, "mountPath": CREDENTIALS_FOLDER, "readOnly": True}] if _secret(source) else []


def secret_volumes(source: Source) -> list[dict[str, Any]]:
    """The Secret of a source, if it has one.

    Optional: who reads it can say which Secret is missing, where a pod that waits for it says nothing.
    """
    if secret := _secret(source):
        return [{"name": CREDENTIALS, "secret": {"secretName": secret, "optional": True, "defaultMode": 0o440}}]
    return []


def _secret(source: Source) -> str | None:
    credentials = source.credentials
    return credentials.secret_ref.name if credentials and credentials.secret_ref else None


def wire(asked: ApiObject) -> str:
    r"""The request as JSON that means the same after Kubernetes, which replaces `$(NAME)` and `$$` in a value.

    >>> asked = FetchRequest(source={"uri": "s3://models/$(HOME)"}, model="fraud")
    >>> print(wire(asked))
    {"layout": "auto", "model": "fraud", "source": {"uri": "s3://models/\u0024(HOME)"}}
    """
    members = asked.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(members, sort_keys=True).replace("$", "\\u0024")
