"""The request log: which requests are to be logged, and whether they are.

It is beside everything else: no request, no revision and no other condition waits for it.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final

from tritium.api import names
from tritium.api.conditions import ConditionType, Finding
from tritium.api.request_log import DEFAULT_BYTES, DEFAULT_FIELDS, MOST_BYTES, LogField
from tritium.api.source import OPTIONS, Source
from tritium.api.spec import ModelDeploymentSpec
from tritium.api.traffic_status import LogTraffic
from tritium.core.reasons import Reason
from tritium.core.revision import amount
from tritium.core.seen import Seen

_MILLION: Final = 1_000_000

_SAME_STORE: Final = ("", "s3")
"""Schemes of sources (none: of a registry) whose settings are those of an S3 server as well."""


@dataclass(frozen=True, slots=True)
class LogWish:
    """What is to be logged.

    Attributes:
        uri: the folder.
        per_million: requests of a million.
        fields: what is written of each.
        max_bytes: of each body.
    """

    uri: str
    per_million: int
    fields: tuple[LogField, ...]
    max_bytes: int


class NotLoggable(ValueError):
    """A log that cannot be written as it is asked for; the text begins with the member below `spec.logging`."""


def log_wish(spec: ModelDeploymentSpec) -> LogWish | None:
    """What a spec asks for; none where it is nothing.

    Raises:
        NotLoggable: it cannot be had.

    >>> source = {"uri": "s3://models/fraud/7"}
    >>> asked = {"uri": "s3://logs/fraud", "sampleRate": 0.01}
    >>> log_wish(ModelDeploymentSpec(model={"source": source}, logging=asked)).per_million
    10000
    >>> log_wish(ModelDeploymentSpec(model={"source": source}, logging=asked | {"maxBytes": "2Mi"}))
    Traceback (most recent call last):
    tritium.core.request_log.NotLoggable: maxBytes: of a body at most 1Mi is kept
    """
    asked = spec.logging
    if asked is None or not asked.sample_rate:
        return None
    size = amount(asked.max_bytes).get("amount") if asked.max_bytes is not None else DEFAULT_BYTES
    if size is None or Fraction(size) > MOST_BYTES:
        raise NotLoggable("maxBytes: of a body at most 1Mi is kept")
    if asked.secret_ref is None and (spec.model.source.options or {}).get("anonymous") == "true":
        raise NotLoggable(
            "secretRef: model.source is read anonymously, and so nothing can be written; name a Secret with keys"
        )
    bucket, *path = asked.uri.removeprefix("s3://").split("/")
    if ":" in bucket or ".." in path:
        raise NotLoggable("uri: begins with the bucket, and has no .. in it; an endpoint belongs into the Secret")
    fields = tuple(asked.fields) if asked.fields is not None else DEFAULT_FIELDS
    rate = max(1, round(asked.sample_rate * _MILLION))
    return LogWish(asked.uri, rate, fields, ceil(Fraction(size)))


def target(spec: ModelDeploymentSpec, uri: str) -> Source:
    """The folder, as a source is written: with the Secret that is named for it, or as the model's own source is read.

    What the source's settings say of an S3 server is true of this one if both are told by the same keys; how the
    internet is reached is true of any.

    >>> model = {"source": {"uri": "gs://models/fraud", "options": {"proxyUrl": "http://proxy:3128"}}}
    >>> target(ModelDeploymentSpec(model=model), "s3://logs").options
    {'proxyUrl': 'http://proxy:3128'}
    """
    source, secret = spec.model.source, spec.logging.secret_ref if spec.logging else None
    same = secret is None and (source.uri or "").partition("://")[0] in _SAME_STORE
    options = {
        name: value
        for name, value in (source.options or {}).items()
        if name == "proxyUrl" or (same and "s3" in OPTIONS[name] and name != "anonymous")
    }
    credentials = {"secretRef": {"name": secret.name}} if secret else source.credentials
    return Source.model_validate({"uri": uri, "options": options or None, "credentials": credentials})


def logged(wish: LogWish | None, name: str) -> LogTraffic | None:
    """What the gateway is told."""
    if wish is None:
        return None
    return LogTraffic(
        service=names.request_log(name),
        per_million=wish.per_million,
        request="request" in wish.fields or None,
        response="response" in wish.fields or None,
    )


def log_finding(wish: LogWish | None, wrong: str, seen: Seen) -> Finding | None:
    """Whether the requests are logged; none where that is not asked for.

    Args:
        wish: what is asked for.
        wrong: why that cannot be had.
        seen: what there is.
    """
    kind = ConditionType.REQUESTS_LOGGED
    if wrong:
        return Finding(kind, "False", Reason.SPEC_INVALID, wrong)
    if wish is None:
        return None
    if seen.log_refusal:
        return Finding(kind, "False", seen.log_refusal.reason, seen.log_refusal.message)
    if seen.logger is None:
        return Finding(kind, "False", Reason.STARTING, "the logger is being made")
    if seen.logger.trouble:
        return Finding(kind, "False", seen.logger.trouble.reason, seen.logger.trouble.message)
    return Finding(kind, "True", Reason.LOGGING, f"{_share(wish.per_million)} of the requests goes to {wish.uri}")


def _share(per_million: int) -> str:
    """A share for people.

    >>> _share(1_000_000), _share(10_000), _share(5)
    ('all', '1 %', '0.0005 %')
    """
    return "all" if per_million == _MILLION else f"{per_million / 10_000:.7g} %"
