"""What a logger is told of its own pod, by its environment."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from tritium.api.request_log import LOG_GRPC_PORT, LOG_HTTP_PORT
from tritium.environment import read


class Settings(BaseModel):
    """Each field is the variable TRITIUM_<FIELD>."""

    model_config = ConfigDict(frozen=True)

    pod_name: str = Field(pattern=r"^[a-z0-9.-]{1,253}$")
    """The pod it is in; the names of its files have it."""
    grpc_port: int = LOG_GRPC_PORT
    """Where Envoy tells of requests."""
    http_port: int = LOG_HTTP_PORT
    """For the kubelet and Prometheus."""


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        SettingsInvalid: with the variable's name.

    >>> from_environment({"TRITIUM_POD_NAME": "fraud-log-7d4f"}).grpc_port
    9000
    """
    return read(Settings, environment)
