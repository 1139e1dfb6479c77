"""Who the pods run as, and what they may do: the Pod Security Standard `restricted`, and a read-only root."""

from typing import Any, Final

USER: Final = 1000
"""Triton's own user in its image. Fetch has the same, so that each can read what the other wrote."""


def pod_security() -> dict[str, Any]:
    """The security context of every pod."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        # Without this the kubelet would walk through all files of a volume at each start.
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, Any]:
    """The security context of every container."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
