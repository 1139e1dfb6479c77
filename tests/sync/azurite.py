"""Azure Blob Storage on loopback: Microsoft's own emulator, which checks keys and tokens as Azure does."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import os
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
from obstore.store import AzureStore

from e2e.cluster import npm
from tests.ports import HOST, free_ports

ACCOUNT = "tritium"
KEY = base64.b64encode(b"not a secret in a test").decode()
CONTAINER = "models"


@dataclass
class Azurite:
    """A running server with one container."""

    port: int

    @property
    def endpoint(self) -> str:
        """Its address; an emulator has the account in the path, where Azure has it in the host's name."""
        return f"http://{HOST}:{self.port}/{ACCOUNT}"

    @property
    def keys(self) -> dict[str, str]:
        """What a Secret for it holds."""
        return {"AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": KEY}

    @property
    def store(self) -> AzureStore:
        """A client with the account's key."""
        return AzureStore(
            CONTAINER,
            endpoint=self.endpoint,
            account_name=ACCOUNT,
            account_key=KEY,
            client_options={"allow_http": True},
        )

    def uri(self, path: str) -> str:
        """How a source names what lies there."""
        return f"az://{CONTAINER}/{path}"

    def put(self, key: str, content: bytes) -> None:
        """Store an object; with a slash at its end it marks a folder."""
        if key.endswith("/"):
            assert self.ask("PUT", f"{CONTAINER}/{key}", {"x-ms-blob-type": "BlockBlob"}, sr="b", sp="cw") == 201
        else:
            obstore.put(self.store, key, content, use_multipart=False)

    def put_all(self, prefix: str, files: dict[str, bytes]) -> None:
        """Store a folder."""
        for path, content in files.items():
            self.put(f"{prefix}/{path}", content)

    def token(self, resource: str = CONTAINER, *, sr: str = "c", sp: str = "rl", hours: float = 1) -> str:
        """A shared access signature (SAS) for the container, or for one object in it.

        Args:
            resource: the container, or container and object.
            sr: c for a container, b for an object.
            sp: what it allows: read, list, create, write.
            hours: for how long; negative, and it has expired.
        """
        ends, version = (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ"), "2020-12-06"
        signed = [sp, "", ends, f"/blob/{ACCOUNT}/{resource}", "", "", "", version, sr, *[""] * 7]
        signature = hmac.new(base64.b64decode(KEY), "\n".join(signed).encode(), hashlib.sha256).digest()
        members = {"sp": sp, "se": ends, "sv": version, "sr": sr, "sig": base64.b64encode(signature).decode()}
        return urllib.parse.urlencode(members)

    def ask(self, method: str, resource: str, headers: dict[str, str], *, sr: str, sp: str) -> int:
        """A request that the client cannot make; the status of the answer."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        with contextlib.closing(connection):
            path = f"/{ACCOUNT}/{resource}?{self.token(resource, sr=sr, sp=sp)}"
            connection.request(method, path, headers={"Content-Length": "0", "x-ms-version": "2020-12-06", **headers})
            return connection.getresponse().status


def _create_container(port: int) -> None:
    """Make the container, by a token for the account: one of a container cannot."""
    ends, version = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"), "2020-12-06"
    signed = f"{ACCOUNT}\nc\nb\nc\n\n{ends}\n\n\n{version}\n\n"
    signature = base64.b64encode(hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()).decode()
    members = {"sp": "c", "ss": "b", "srt": "c", "se": ends, "sv": version, "sig": signature, "restype": "container"}
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    with contextlib.closing(connection):
        path = f"/{ACCOUNT}/{CONTAINER}?{urllib.parse.urlencode(members)}"
        connection.request("PUT", path, headers={"Content-Length": "0", "x-ms-version": version})
        answer = connection.getresponse()
        assert answer.status == 201, answer.read()


@contextlib.contextmanager
def azure_storage(folder: Path) -> Iterator[Azurite]:
    """The server, with one empty container."""
    port = free_ports(1)[0]
    command = [str(npm.ensure("azurite", "azurite-blob")), "--blobHost", HOST, "--blobPort", str(port)]
    flags = ("--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck")
    with (folder / "log").open("w") as log:
        environment = os.environ | {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
        process = subprocess.Popen([*command, *flags], cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        for _ in range(600):
            with contextlib.suppress(ConnectionRefusedError):
                _create_container(port)
                break
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield Azurite(port)
    finally:
        process.terminate()
        process.wait()
