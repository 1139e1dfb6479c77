"""Where a model's files lie, and with which identity they are read."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from tritium.api.object import ApiObject
from tritium.api.rules import Rule, exactly_one
from tritium.api.values import VISIBLE, Digest, HttpAddress, Limit, ObjectName, Text, cel_string

OPTIONS: Final = {
    "accountName": ("az",),
    "allowHttp": ("s3", "gs", "az", "hf", "oci"),
    "anonymous": ("s3", "gs", "az", "hf", "oci"),
    "endpoint": ("s3", "gs", "az", "hf"),
    "proxyUrl": ("s3", "gs", "az", "hf", "oci", "https"),
    "region": ("s3",),
    "virtualHostedStyle": ("s3",),
}
"""The store settings that are no secret, and the schemes that use them. What is secret is a key of the Secret in
`credentials`."""

OF_AN_ALIAS = "1m"
"""How often an alias is looked at."""

_ALLOWED_OPTIONS = ", ".join(OPTIONS)
SERVER: Final = rf"^https?://{VISIBLE}+(/{VISIBLE}*)*$"
"""The address of a server, as a pattern: without user, query or fragment."""

Uri = Annotated[
    str,
    Text(
        rf"^(s3|gs|az|https|hf|oci|pvc)://{VISIBLE}+(/({VISIBLE}|@)*)*$",
        "must be a URI such as s3://bucket/path, without user, query or fragment",
        max_length=2048,
    ),
]


OF_A_URI = (
    Rule(
        "!has(self.uri) || !self.uri.contains('/../') && !self.uri.endsWith('/..')",
        "must not contain .. as a path segment",
        field=".uri",
    ),
    Rule(
        "!has(self.uri) || !self.uri.matches('^(s3|gs|az)://[^/]*:')",
        "begins with the bucket; the address of a server belongs into options.endpoint",
        field=".uri",
    ),
    Rule(
        "!has(self.uri) || !self.uri.matches('^(hf|oci)://') || self.uri.matches('://[^/]+/[^/:@]')",
        "must name the repository: hf://owner/name, oci://registry/name",
        field=".uri",
    ),
)
"""Rules for an object with a member `uri`."""


class SecretReference(ApiObject):
    """The name of a Secret in the ModelDeployment's own namespace."""

    name: ObjectName
    """The Secret's name, in the same namespace. The operator never reads it."""


class Credentials(ApiObject):
    """Who reads the source: a Secret's keys, or a ServiceAccount with workload identity."""

    rules: ClassVar = (exactly_one("secretRef", "serviceAccountName", "static keys in a Secret, or workload identity"),)

    secret_ref: SecretReference | None = None
    """A Secret with the store's usual variables as keys (docs/sources.md), and ca.crt for a private authority."""
    service_account_name: ObjectName | None = None
    """The ServiceAccount the model's pods run as (IRSA, GKE or Azure workload identity)."""


class MlflowSource(ApiObject):
    """A registered model of an MLflow tracking server."""

    rules: ClassVar = (exactly_one("version", "alias", "a version stays, an alias is followed when it moves"),)

    tracking_uri: HttpAddress
    """Address of the tracking server."""
    name: str = Field(min_length=1, max_length=256)
    """Name of the registered model."""
    version: int | None = Field(default=None, ge=1)
    """Version of the registered model."""
    alias: str | None = Field(default=None, min_length=1, max_length=256)
    """Alias of the registered model, such as champion."""


class Source(ApiObject):
    """Where the model lies. It is listed and pinned when a revision is made, and verified at every fetch."""

    rules: ClassVar = (
        exactly_one("uri", "mlflow", "a place in a store, or a registered model"),
        *OF_A_URI,
        Rule(
            "!has(self.pollInterval) || duration(self.pollInterval) >= duration('5s')",
            "must be 5s or more",
            field=".pollInterval",
        ),
        Rule(
            "!has(self.pollInterval) || !has(self.digest)",
            "excludes digest: bytes that are pinned do not change; remove one of the two",
            field=".pollInterval",
        ),
        Rule(
            f"!has(self.options) || self.options.all(key, key in {list(OPTIONS)})",
            f"knows the settings {_ALLOWED_OPTIONS}; keys and tokens belong into the Secret that credentials names",
            field=".options",
        ),
        Rule(
            "!has(self.options) || self.options.all(key, !(key in ['endpoint', 'proxyUrl']) || "
            f"self.options[key].matches({cel_string(SERVER)}))",
            "endpoint and proxyUrl must be addresses such as https://s3.example.com, without user, query or fragment",
            field=".options",
        ),
        Rule(
            "!has(self.options) || self.options.all(key, !(key in ['allowHttp', 'anonymous', 'virtualHostedStyle']) || "
            "self.options[key] in ['true', 'false'])",
            "allowHttp, anonymous and virtualHostedStyle must be 'true' or 'false', in quotes",
            field=".options",
        ),
        Rule(
            "!has(self.options) || !('anonymous' in self.options) || self.options['anonymous'] != 'true' || "
            "!has(self.credentials)",
            "exclude anonymous: 'true' in options; remove one of the two",
            field=".credentials",
        ),
    )

    uri: Uri | None = None
    """The model's folder or file: s3://bucket/path, gs://bucket/path, az://container/path, hf://owner/name@revision/path,
    oci://registry/repository:tag, pvc://claim/path, or one file at https://."""
    mlflow: MlflowSource | None = None
    """A registered model of an MLflow tracking server."""
    poll_interval: Limit | None = None
    """How often to look for a change at the source, such as 1m; a change makes a new revision. Absent: an alias of
    MLflow every minute, anything else never."""
    options: dict[str, Annotated[str, Field(max_length=1024)]] | None = Field(default=None, max_length=16)
    """Settings of the store that are no secret: endpoint, region, accountName, allowHttp, anonymous, proxyUrl,
    virtualHostedStyle."""
    digest: Digest | None = None
    """Refuse anything but these bytes: sha256 over the sorted lines "sha256 size path" of all files."""
    credentials: Credentials | None = None
    """Who reads the source. Absent: anonymous, or what the cloud gives every pod."""

    def unused(self, scheme: str) -> list[str]:
        """Settings that a place with this scheme does not use.

        >>> of_buckets = {"endpoint": "https://a.example.com", "region": "x"}
        >>> Source(uri="gs://models/fraud", options=of_buckets).unused("gs")
        ['region']
        """
        return sorted(name for name in self.options or () if scheme not in OPTIONS.get(name, ()))

    @property
    def looked_at(self) -> str | None:
        """How often to look for a change; None: never.

        >>> registered = {"trackingUri": "https://mlflow.example.com", "name": "fraud"}
        >>> [Source(mlflow=registered | which).looked_at for which in ({"version": 7}, {"alias": "champion"})]
        [None, '1m']
        """
        follows = self.mlflow is not None and self.mlflow.alias is not None and self.digest is None
        return self.poll_interval or (OF_AN_ALIAS if follows else None)

    @property
    def address(self) -> str:
        """How messages name it: the URI, or the registered model as MLflow writes it.

        >>> Source(mlflow={"trackingUri": "https://mlflow.example.com", "name": "fraud", "version": 7}).address
        'models:/fraud/7 at https://mlflow.example.com'
        """
        if self.mlflow is None:
            return self.uri or ""
        which = f"/{self.mlflow.version}" if self.mlflow.version else f"@{self.mlflow.alias}"
        return f"models:/{self.mlflow.name}{which} at {self.mlflow.tracking_uri}"


Layout = Literal["auto", "triton", "onnx", "torchscript", "tensorrt", "openvino", "savedmodel", "python"]
