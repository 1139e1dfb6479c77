"""Settings of the operator, from its environment; the chart sets them all."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, Json

from tritium.api.values import HttpAddress
from tritium.environment import read
from tritium.resources.rendering import ENVOY_IMAGE, ENVOY_RESOURCES, GATEWAY_REPLICAS, Network, Resources

_KEY: Final = r"^\s*-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$"

PublicKey = Annotated[str, Field(pattern=_KEY)]


class Settings(BaseModel):
    """What one installation of the operator is told. Each field is the variable TRITIUM_<FIELD>."""

    model_config = ConfigDict(frozen=True)

    image: str
    """The image that lists and fetches models, and runs beside Envoy: the operator's own."""
    triton_image: str
    """Triton's image for a ModelDeployment that names none."""
    image_pull_policy: str = "IfNotPresent"
    """Pull policy of the pods' images."""
    gateway_image: str = ENVOY_IMAGE
    """Envoy's image."""
    gateway_replicas: int = Field(default=GATEWAY_REPLICAS, ge=1)
    """Pods of each namespace's gateway."""
    gateway_resources: Json[Resources] = ENVOY_RESOURCES
    """Requests and limits of one Envoy, as JSON."""
    source_allowed_networks: Json[tuple[Network, ...]] = ()
    """Networks that sources may be read from besides the internet, as JSON."""
    source_refused_networks: Json[tuple[Network, ...]] = ()
    """Networks that they may not be read from, whatever is allowed."""
    source_signature_keys: Json[tuple[PublicKey, ...]] = ()
    """Public keys in PEM form, of which one must have signed a model, as JSON. None: it need not be signed."""
    prometheus_url: HttpAddress | None = None
    """The Prometheus that the queries of rollouts are for. Absent: they cannot be asked."""
    namespace: str
    """Where the Lease is, and the operator's pods."""
    pod_name: str
    """Who holds the Lease."""
    port: int = Field(default=8080, ge=0)
    """For /healthz, /readyz and /metrics."""
    log_level: str = "INFO"
    workers: int = Field(default=8, ge=1)
    """Passes at the same time."""
    sweep_every: float = Field(default=300.0, gt=0)
    """Seconds between two listings of everything, which find what the watches missed."""


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        SettingsInvalid: with the variable's name.

    >>> from_environment({"TRITIUM_IMAGE": "a", "TRITIUM_TRITON_IMAGE": "b", "TRITIUM_NAMESPACE": "c"})
    Traceback (most recent call last):
    tritium.environment.SettingsInvalid: TRITIUM_POD_NAME: Field required
    """
    return read(Settings, environment)
