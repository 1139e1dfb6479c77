"""Names of Envoy's resources, and of the statistics that are made from them.

A ModelDeployment's name is a DNS label: it holds no `/`, `.` or `:`. So a name can be taken apart again, also where
Envoy has put it into the name of a statistic, `cluster.<model>/<revision>/<protocol>.<statistic>`.
"""

from enum import StrEnum
from typing import Final

AGENT: Final = "xds"
"""The cluster that is the agent; it is in the bootstrap."""

SHARED: Final = "/shared"
"""Listener and route configuration of the shared port."""

IN_FLIGHT: Final = "in-flight"
"""The Runtime resource that says how many requests may be in flight; the bootstrap has a layer of that name."""

ENDED: Final = "inference.ended.model"
"""What the name of a statistic begins with: requests for inference that have ended, by the model after it."""


def log_lost(model: str) -> str:
    """Name of the statistic that counts the samples of a model's requests that its logger has not taken to their end.

    >>> log_lost("fraud")
    'http..ext_proc.fraud.streams_closed'
    """
    return f"http..ext_proc.{model}.streams_closed"


def preview_name(model: str) -> str:
    """Listener and route configuration of a model's preview port.

    >>> preview_name("fraud")
    'fraud/preview'
    """
    return f"{model}/preview"


def listener_stats(listener: str) -> str:
    """What the statistics of a listener are called by; Envoy has some of its own, such as `http.admin`.

    Those of a preview are not taken for a model's (`counters.py`): what arrives there arrives at no model's address.

    >>> listener_stats("admin"), listener_stats(SHARED), listener_stats(preview_name("fraud"))
    ('model/admin', '/shared', 'model/fraud/preview')
    """
    return listener if listener == SHARED else f"model/{listener}"


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


def log_cluster_name(model: str) -> str:
    """Name of the cluster that is a model's logger, and of its endpoint.

    >>> log_cluster_name("fraud")
    'fraud/log'
    """
    return f"{model}/log"
