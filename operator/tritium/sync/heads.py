"""The heads of requests that pass a proxy."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_LARGEST: Final = 256 << 10
"""Bytes of a request's head; a token in it may have some ten thousand."""

_END: Final = b"\r\n\r\n"

_PROOFS: Final = (
    ("PUT", "/latest/api/token", "x-aws-ec2-metadata-token-ttl-seconds"),
    ("GET", "/latest/meta-data/iam/security-credentials", "x-aws-ec2-metadata-token"),
    ("GET", "/computeMetadata/v1/instance/service-accounts/", "metadata-flavor"),
    ("GET", "/metadata/identity/oauth2/token", "metadata"),
)
"""How clouds are asked for a pod's identity: method, path, and the header by which they know that it is meant. No
redirection adds such a header, and no setting of a source does."""

_CONTAINER: Final = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
"""Where EKS hands out a pod's identity, as it says in the pod's environment."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request to a proxy.

    Attributes:
        method: such as GET, or CONNECT.
        target: after CONNECT `host:port`, else a whole URL.
        version: of HTTP.
        headers: by name in small letters, without what is for the proxy itself.
    """

    method: str
    target: str
    version: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, text: bytes) -> "Head":
        """From a request's bytes.

        Raises:
            ValueError: it is no request.
        """
        first, *lines = text.decode("latin-1").split("\r\n")
        method, target, version = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        headers.pop("proxy-connection", None)
        return cls(method, target, version, headers)

    @property
    def server(self) -> tuple[str, int]:
        """Host and port that it is for."""
        tunnel = self.method == "CONNECT"
        url = urlsplit(f"//{self.target}" if tunnel else self.target)
        return url.hostname or "", url.port or (443 if tunnel else 80)

    @property
    def length(self) -> int:
        """Bytes of its body.

        Raises:
            ValueError: it does not say.
        """
        if "transfer-encoding" in self.headers:
            raise ValueError("a body of unknown length")
        return int(self.headers.get("content-length", "0"))

    @property
    def for_identity(self) -> bool:
        """Whether it asks a cloud for the pod's identity, in the way that only who means it can ask."""
        url = urlsplit(self.target)
        if self.target == os.environ.get(_CONTAINER):
            return not self.headers.get("authorization", "AWS4-").startswith("AWS4-")
        return any(
            self.method == method and url.path.startswith(path) and header in self.headers
            for method, path, header in _PROOFS
        )

    def onward(self, *, whole: bool) -> bytes:
        r"""For the next server: with the whole URL for another proxy, else as a server expects it.

        >>> Head.of(b"GET http://s3.test:9000/a?b HTTP/1.1\r\nHost: s3.test:9000\r\nProxy-Connection: x").onward(
        ...     whole=False
        ... )
        b'GET /a?b HTTP/1.1\r\nhost: s3.test:9000\r\n\r\n'
        """
        url = urlsplit(self.target)
        target = self.target if whole else (url.path or "/") + (f"?{url.query}" if url.query else "")
        lines = [f"{self.method} {target} {self.version}", *(f"{each}: {said}" for each, said in self.headers.items())]
        return "\r\n".join(lines).encode("latin-1") + _END


class Heads:
    """The requests that come over a connection, one after the other."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._read = b""

    def following(self) -> Head | None:
        """The head of the next request; None when the client has no more.

        Raises:
            ValueError: it is no request.
        """
        while (end := self._read.find(_END)) < 0:
            piece = self._client.recv(65536) if len(self._read) < _LARGEST else b""
            if not piece:
                return None
            self._read += piece
        text, self._read = self._read[:end], self._read[end + len(_END) :]
        return Head.of(text)

    def body(self, length: int, server: socket.socket) -> None:
        """Hand on the body of the request before."""
        while length > 0:
            piece = self._read[:length] or self._client.recv(min(length, 65536))
            if not piece:
                raise ConnectionResetError("the client is gone")
            self._read = self._read[len(piece) :]
            server.sendall(piece)
            length -= len(piece)
