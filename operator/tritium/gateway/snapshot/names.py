"""Names of Envoy's resources, and of the statistics that are made from them.

A ModelDeployment's name is a DNS label: it holds no `/`, `.` or `:`. So a name can be taken apart again, also where
Envoy has put it into the name of a statistic, `cluster.<model>/<revision>/<protocol>.<statistic>`.
"""

from enum import StrEnum
from typing import Final

SHARED: Final = "/shared"
"""Listener and route configuration of the shared port."""

IN_FLIGHT: Final = "in-flight"
"""The Runtime resource that says how many requests may be in flight; the bootstrap has a layer of that name."""


class Protocol(StrEnum):
    """What a pod is asked with."""

    HTTP = "http"
    GRPC = "grpc"


def cluster_name(model: str, revision: int, protocol: Protocol) -> str:
    """Name of a cluster, and of its endpoints.

    >>> cluster_name("fraud", 3, Protocol.GRPC)
    'fraud/3/grpc'
    """
    return f"{model}/{revision}/{protocol}"
