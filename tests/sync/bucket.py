"""What a test needs of any object store."""

from __future__ import annotations

from typing import Protocol


class Bucket(Protocol):
    """A bucket of a running server.

    Attributes:
        port: where the server listens.
    """

    port: int

    @property
    def endpoint(self) -> str:
        """Its address."""

    @property
    def keys(self) -> dict[str, str]:
        """What a Secret for it holds."""

    def uri(self, path: str) -> str:
        """How a source names what lies there."""

    def put(self, key: str, content: bytes) -> None:
        """Store an object."""

    def put_all(self, prefix: str, files: dict[str, bytes]) -> None:
        """Store a folder."""
