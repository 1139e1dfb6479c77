"""What an installation of the operator contributes to the objects it makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Final

ENVOY_IMAGE: Final = "envoyproxy/envoy:v1.40.0"
"""Envoy as it is published, in the version that the gateway's configuration is made for and tested with."""

GATEWAY_REPLICAS: Final = 2

Network = IPv4Network | IPv6Network

Resources = Mapping[str, Mapping[str, str | int | float]]
"""Amounts by resource, of a container's requests and limits."""

ENVOY_RESOURCES: Final[Resources] = {
    "requests": {"cpu": "100m", "memory": "128Mi"},
    "limits": {"memory": "512Mi"},
}
"""Of one Envoy. No limit on the CPU, which would add to the latency of requests."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """Images and amounts of an installation.

    Attributes:
        fetch_image: the operator's own image, which lists and fetches models, and is the gateway's agent.
        triton_image: Triton's image where the user names none.
        image_pull_policy: of these images and the gateway's. One that the user names has Kubernetes' own default.
        gateway_image: Envoy's image.
        gateway_replicas: pods of each namespace's gateway.
        gateway_resources: requests and limits of one Envoy; a limit on its memory is among them.
        allowed_networks: what is open to sources besides the internet.
        refused_networks: what is closed to them, whatever is allowed.
        signature_keys: public keys in PEM form, of which one must have signed a model; none: it need not be signed.
    """

    fetch_image: str
    triton_image: str
    image_pull_policy: str = "IfNotPresent"
    gateway_image: str = ENVOY_IMAGE
    gateway_replicas: int = GATEWAY_REPLICAS
    gateway_resources: Resources = field(default_factory=lambda: ENVOY_RESOURCES)
    allowed_networks: tuple[Network, ...] = ()
    refused_networks: tuple[Network, ...] = ()
    signature_keys: tuple[str, ...] = ()
