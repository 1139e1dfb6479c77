"""Addresses of model pods, and where what answers in their place listens.

Kubernetes takes no loopback address for an endpoint, and nobody may have another one without rights. So a model's pod
has an address that leads nowhere, and the stand-in for its Triton has the same one with another beginning.
"""

from __future__ import annotations

from typing import Final

TRITON_PORT: Final = 8001


def stand_in(ip: str) -> str:
    """Where the stand-in for the Triton of a pod answers.

    >>> stand_in("10.244.3.7")
    '127.244.3.7:8001'
    """
    return f"{stand_in_host(ip)}:{TRITON_PORT}"


def stand_in_host(ip: str) -> str:
    """The same without a port: its HTTP and its metrics are there, too."""
    return f"127.{ip.partition('.')[2]}"
