"""Settings of the agent, from its environment; the operator's pod template sets them."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tritium.api.gateway import AGENT_PORT, RUN_FOLDER, SHARED_PORT
from tritium.environment import read
from tritium.gateway.bootstrap import BootstrapSettings
from tritium.gateway.snapshot.listeners import ListenerSettings


class Settings(BaseModel):
    """What one agent is told. Each field is the variable TRITIUM_<FIELD>."""

    model_config = ConfigDict(frozen=True)

    namespace: str
    """Whose ModelDeployments it serves."""
    pod_name: str
    """The pod it is in."""
    pod_ip: IPv4Address | IPv6Address
    """Address of the pod: its family is that of the addresses to listen on."""
    drain_token: str = Field(min_length=16)
    """What a request to drain has to carry in the header `DRAIN_HEADER`."""
    address: IPv4Address | IPv6Address | None = None
    """Where Envoy and the agent listen. Absent: on all addresses of the pod, those of its loopback device too."""
    port: int = Field(default=AGENT_PORT, ge=0)
    """The agent's own."""
    shared_port: int = Field(default=SHARED_PORT, ge=0)
    """Envoy's, for models that are told apart by host and path."""
    folder: Path = Path(RUN_FOLDER)
    """The volume that it shares with Envoy."""
    envoy_memory: int = Field(default=512 * 2**20, gt=0)
    """Bytes that Envoy's container may use."""
    settle: float = Field(default=5.0, ge=0)
    """Seconds from the beginning of a drain on until clients are asked to connect elsewhere: by then they can."""
    shortest_drain: float = Field(default=15.0, ge=0)
    """Seconds that a drain takes at least, those of `settle` among them."""
    idle_drain: float = Field(default=30.0, ge=0)
    """Seconds after which a drain waits no more for connections that nobody uses."""
    longest_drain: float = Field(default=75.0, ge=0)
    """Seconds after which a drain waits for nothing. The pod's grace period is longer."""
    log_level: str = "INFO"

    @property
    def listen(self) -> str:
        """The address to listen on, in words that Envoy and aiohttp share.

        >>> Settings(namespace="a", pod_name="b", pod_ip="fd00::2", drain_token="x" * 16).listen
        '::'
        """
        if self.address is not None:
            return str(self.address)
        return "::" if self.pod_ip.version == 6 else "0.0.0.0"  # noqa: S104 - Service and probes come from outside

    def envoy(self) -> BootstrapSettings:
        """What Envoy is started with."""
        return BootstrapSettings(
            node=self.pod_name,
            cluster=self.namespace,
            xds_socket=str(self.xds_socket),
            admin_socket=str(self.admin_socket),
            memory_bytes=self.envoy_memory,
            address=self.listen,
        )

    def listeners(self) -> ListenerSettings:
        """Where Envoy listens."""
        return ListenerSettings(self.listen, self.shared_port)

    @property
    def xds_socket(self) -> Path:
        """Where the agent serves Envoy's configuration."""
        return self.folder / "xds.sock"

    @property
    def admin_socket(self) -> Path:
        """Envoy's admin interface."""
        return self.folder / "admin.sock"

    @property
    def bootstrap_file(self) -> Path:
        """What Envoy is started with."""
        return self.folder / "envoy.json"

    @property
    def snapshot_file(self) -> Path:
        """The last good facts."""
        return self.folder / "snapshot.json"


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        SettingsInvalid: with the variable's name.

    >>> from_environment({"TRITIUM_POD_NAME": "a", "TRITIUM_POD_IP": "10.0.0.7", "TRITIUM_DRAIN_TOKEN": "x" * 16})
    Traceback (most recent call last):
    tritium.environment.SettingsInvalid: TRITIUM_NAMESPACE: Field required
    """
    return read(Settings, environment)
