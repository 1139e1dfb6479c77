"""A real S3 server on loopback, and what a test needs of it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.store import S3Store

from e2e.cluster.binaries import ensure
from tests.ports import HOST, free_ports

if TYPE_CHECKING:
    from obstore.store import ClientConfig

KEY = "tritium"
SECRET = "not-a-secret-in-a-test"  # noqa: S105 - of a server that lives for a test
BUCKET = "models"


@dataclass
class S3:
    """A running server; a bucket is a folder of its data."""

    data: Path
    port: int
    scheme: str = "http"
    authority: Path | None = None

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"{self.scheme}://{HOST}:{self.port}"

    @property
    def keys(self) -> dict[str, str]:
        """What a Secret for it holds."""
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}

    def uri(self, path: str) -> str:
        """How a source names what lies there."""
        return f"s3://{BUCKET}/{path}"

    def put(self, key: str, content: bytes) -> None:
        """Store an object, with an ETag as S3 makes it."""
        client: ClientConfig = {"allow_http": True}
        if self.authority:
            client["root_certificate"] = self.authority.read_bytes()
        store = S3Store(
            BUCKET,
            endpoint=self.endpoint,
            access_key_id=KEY,
            secret_access_key=SECRET,
            client_options=client,
        )
        obstore.put(store, key, content, use_multipart=False)

    def put_all(self, prefix: str, files: dict[str, bytes]) -> None:
        """Store a folder."""
        for path, content in files.items():
            self.put(f"{prefix}/{path}", content)

    def lay(self, key: str, content: bytes) -> Path:
        """Put a file on the server's disk: an object without an ETag, told apart by its modification time."""
        path = self.data / BUCKET / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


class Server:
    """The process."""

    def __init__(self, folder: Path, certificate: Path | None = None, key: Path | None = None) -> None:
        data = folder / "data"
        (data / BUCKET).mkdir(parents=True)
        self.s3 = S3(data, free_ports(1)[0], "https" if certificate else "http")
        self._log = folder / "log"
        self._tls = [f"--cert={certificate}", f"--key={key}"] if certificate else []
        self.start()

    def start(self) -> None:
        """Run it: the first time, or again with what it has stored."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [
                    str(ensure("versitygw")["versitygw"]),
                    *("--quiet", "--keep-alive", f"--port={HOST}:{self.s3.port}"),
                    *self._tls,
                    *("posix", str(self.s3.data)),
                ],
                env=os.environ | {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET},
                stdout=log,
                stderr=log,
            )
        self._wait()

    def _wait(self) -> None:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex((HOST, self.s3.port)) == 0:
                    return
            assert self._process.poll() is None, "the S3 server ended"
            time.sleep(0.05)
        raise AssertionError("the S3 server does not listen")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
