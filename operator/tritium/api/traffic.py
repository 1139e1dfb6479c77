"""What happens to requests on their way: split, mirror, limits, log, address."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tritium.api.object import ApiObject
from tritium.api.rules import Rule, exactly_one, not_yet
from tritium.api.source import OF_A_URI, SecretReference, Uri
from tritium.api.values import (
    VISIBLE,
    Digest,
    HeaderName,
    Label,
    Limit,
    Percent,
    Quantity,
    Revision,
    Share,
    Text,
    Unique,
)


class HeaderMatch(ApiObject):
    """A request header and the value it must have."""

    name: HeaderName
    """Name of the header."""
    value: str = Field(min_length=1, max_length=256)
    """The exact value."""


class Match(ApiObject):
    """Requests that go to an arm whatever the weights say."""

    headers: Annotated[list[HeaderMatch], Field(min_length=1, max_length=8), Unique]
    """All of them must match."""


class Sticky(ApiObject):
    """Requests with the same value of a header go to the same revision."""

    header: HeaderName
    """The header, such as x-user-id."""


class RegisteredVersion(ApiObject):
    """Another version of the base model's registered model."""

    rules: ClassVar = (exactly_one("version", "alias", "a version stays, an alias is followed when it moves"),)

    version: int | None = Field(default=None, ge=1)
    """Version of the registered model."""
    alias: str | None = Field(default=None, min_length=1, max_length=256)
    """Alias of the registered model."""


class SourceOverlay(ApiObject):
    """Other bytes from the same store or tracking server, with the same settings and credentials."""

    rules: ClassVar = (
        exactly_one("uri", "mlflow", "a place in a store, or a registered version"),
        *OF_A_URI,
    )

    uri: Uri | None = None
    """The arm's folder or file."""
    mlflow: RegisteredVersion | None = None
    """Version or alias of the registered model that the base model's source names."""
    digest: Digest | None = None
    """Refuse anything but these bytes."""


class ConfigOverlay(ApiObject):
    """Its members come when an arm may have it; until then it is refused."""


class ModelOverlay(ApiObject):
    """What an arm has instead of the base model's."""

    rules: ClassVar = (not_yet("config", "an arm has the base's config; put other settings into config.pbtxt"),)

    source: SourceOverlay | None = None
    """Where the arm's model lies."""
    config: ConfigOverlay | None = None
    """Overrides merged into its config.pbtxt."""


class Arm(ApiObject):
    """One side of an experiment."""

    rules: ClassVar = (exactly_one("revision", "model", "a kept revision, or the base model with changes"),)

    name: Label
    """Name of the arm, shown in status and metrics."""
    revision: Revision | None = None
    """Number of a kept revision."""
    model: ModelOverlay | None = None
    """The base model with these changes."""
    weight: Percent
    """Percent of the traffic; what the arms leave goes to the stable revision."""
    match: Match | None = None
    """Requests that go to this arm whatever the weights say."""


_NUMBERS = "self.arms.filter(arm, has(arm.revision)).map(arm, arm.revision)"


class Experiment(ApiObject):
    """An A/B test: arms run side by side and nothing is promoted."""

    rules: ClassVar = (
        Rule(
            "self.arms.map(arm, arm.weight).sum() <= 100",
            "the weights of the arms must not add up to more than 100",
            field=".arms",
        ),
        Rule("self.arms.all(arm, arm.name != 'stable')", "stable is what the arms are compared with", field=".arms"),
        Rule(
            f"{_NUMBERS}.all(number, {_NUMBERS}.exists_one(other, other == number))",
            "no two arms may name the same revision",
            field=".arms",
        ),
    )

    arms: Annotated[list[Arm], Field(min_length=1, max_length=8), Unique]
    """The sides of the test."""
    sticky: Sticky | None = None
    """Keeps a user on one side."""
    ends_at: datetime | None = None
    """When all of the traffic goes back to the stable revision."""


class Mirror(ApiObject):
    """A copy of requests whose answers nobody sees."""

    revision: Revision | None = None
    """The revision that gets the copies. Absent: the candidate of a rollout."""
    percent: int = Field(ge=1, le=100)
    """Percent of the requests that are copied."""


class Limits(ApiObject):
    """Bounds that keep one client from hurting the others."""

    max_request_bytes: Quantity | None = None
    """Largest request; more is answered with 413. Absent: 64Mi."""
    max_response_bytes: Quantity | None = None
    """Largest response. Absent: 64Mi."""
    max_concurrency: int | None = Field(default=None, ge=1, le=1_000_000)
    """Requests in flight for each replica; more are answered with 503. Absent: 256."""
    max_header_bytes: Quantity | None = None
    """Largest sum of a request's headers. Absent: 60Ki."""


class Traffic(ApiObject):
    """What the gateway does with requests."""

    mirror: Mirror | None = None
    """A copy of requests for another revision."""
    sticky: Sticky | None = None
    """Keeps a user on one side while the weight grows."""
    timeout: Limit | None = None
    """Longest time for one request. Absent: 60s."""
    limits: Limits | None = None
    """Sizes and numbers."""


class RequestLog(ApiObject):
    """A sample of requests and responses, in a bucket."""

    uri: Annotated[
        str,
        Text(rf"^s3://{VISIBLE}+(/{VISIBLE}*)*$", "must be a folder such as s3://bucket/path", max_length=2048),
    ]
    """Its folder."""
    sample_rate: Share
    """Share of the requests, 0 to 1."""
    max_bytes: Quantity | None = None
    """A longer body is cut off here, 1Mi at most. Absent: 64Ki."""
    fields: list[Literal["request", "response", "headers"]] | None = Field(default=None, max_length=3)
    """What is written. Absent: request and response."""
    secret_ref: SecretReference | None = None
    """A Secret with the bucket's keys, region and endpoint. Absent: as the source."""


class Routing(ApiObject):
    """Where the model can be reached besides its Service."""

    rules: ClassVar = (
        Rule(
            "!has(self.path) || has(self.host)",
            "a path needs the host it belongs to",
            field=".host",
            reason="FieldValueRequired",
        ),
    )

    provider: Literal["Embedded"] | None = None
    """The gateway that Tritium brings. Absent: Embedded."""
    host: (
        Annotated[
            str,
            Text(
                r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
                "must be a host name such as models.example.com",
                max_length=253,
            ),
        ]
        | None
    ) = None
    """Host name on the gateway's shared port."""
    path: (
        Annotated[str, Text(r"^/([A-Za-z0-9_~-][A-Za-z0-9._~-]*/?)*$", "must be a path such as /fraud", max_length=256)]
        | None
    ) = None
    """Path before /v2 on the shared port. Absent: /."""
