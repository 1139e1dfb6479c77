"""Google Cloud Storage on loopback: an emulator that keeps the objects, behind a door that does what it does not.

The emulator (fake-gcs-server) lets everybody in, ignores `If-Match`, and has no answer of its own for a missing bucket.
The door answers these as Google's XML API does; all else goes through it as it is.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from e2e.cluster.binaries import ensure
from tests.ports import HOST, free_ports

BUCKET = "models"


@dataclass
class Google:
    """A bucket, and the service account that may read it.

    Attributes:
        port: of the door.
        behind: of the emulator.
        key: the account's private key, in PEM form; the public one lies beside it.
        tokens: what else opens the door, such as a metadata server's tokens.
        ahead: seconds that its clock is ahead.
    """

    port: int
    behind: int
    key: Path
    tokens: set[str] = field(default_factory=set)
    ahead: float = 0

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    @property
    def keys(self) -> dict[str, str]:
        """What a Secret for it holds."""
        return {"GOOGLE_APPLICATION_CREDENTIALS": account(self.key)}

    def uri(self, path: str) -> str:
        """How a source names what lies there."""
        return f"gs://{BUCKET}/{path}"

    def put(self, key: str, content: bytes) -> None:
        """Store an object; with a slash at its end it marks a folder."""
        name = urllib.parse.quote(key, safe="")
        status, _, said = ask(
            self.behind, "POST", f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={name}", content
        )
        assert status == 200, said

    def put_all(self, prefix: str, files: dict[str, bytes]) -> None:
        """Store a folder."""
        for path, content in files.items():
            self.put(f"{prefix}/{path}", content)

    def remove(self, key: str) -> None:
        """Take an object away."""
        status, _, said = ask(self.behind, "DELETE", f"/storage/v1/b/{BUCKET}/o/{urllib.parse.quote(key, safe='')}")
        assert status == 200, said

    def admits(self, authorization: str) -> bool:
        """Whether it is a token that the account signed and that has not expired, or one of the others."""
        token = authorization.removeprefix("Bearer ")
        if token in self.tokens:
            return True
        signed, _, signature = token.rpartition(".")
        if signed.count(".") != 1 or json.loads(_decoded(signed.split(".")[1]))["exp"] < time.time() + self.ahead:
            return False
        where = self.key.with_name(f"signature-{threading.get_ident()}")
        where.write_bytes(_decoded(signature))
        verify = ("openssl", "dgst", "-sha256", "-verify", self.key.with_suffix(".pub"), "-signature", where)
        return subprocess.run(verify, input=signed.encode(), capture_output=True, check=False).returncode == 0


def account(key: Path) -> str:
    """The JSON file that Google gives for a service account's key."""
    members = {
        "type": "service_account",
        "project_id": "tritium",
        "private_key_id": "1",
        "private_key": key.read_text(),
        "client_email": "reader@tritium.iam.gserviceaccount.com",
    }
    return json.dumps(members, indent=2)


def private_key(folder: Path, name: str) -> Path:
    """A key of 2048 bits, and its public half beside it."""
    key = folder / f"{name}.pem"
    for command in (
        ("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key),
        ("pkey", "-in", key, "-pubout", "-out", key.with_suffix(".pub")),
    ):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    return key


@contextlib.contextmanager
def google_storage(folder: Path) -> Iterator[Google]:
    """The emulator and its door, with one empty bucket."""
    behind = free_ports(1)[0]
    program = ensure("fake-gcs-server")["fake-gcs-server"]
    # With the port in the public name, nothing that comes by another port would be found.
    where = ("-scheme=http", f"-host={HOST}", f"-port={behind}", f"-public-host={HOST}")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([program, *where, "-backend=memory", "-log-level=error"], stdout=log, stderr=log)
    try:
        for _ in range(400):
            with contextlib.suppress(OSError):
                made, _, _ = ask(behind, "POST", "/storage/v1/b?project=tritium", json.dumps({"name": BUCKET}).encode())
                assert made == 200
                break
            assert process.poll() is None, "the emulator ended"
            time.sleep(0.05)
        with ThreadingHTTPServer((HOST, 0), Door) as door:
            door.daemon_threads = True
            Door.google = Google(door.server_port, behind, private_key(folder, "reader"))
            threading.Thread(target=door.serve_forever, args=(0.02,), daemon=True).start()
            yield Door.google
            door.shutdown()
    finally:
        process.terminate()
        process.wait()


class Door(BaseHTTPRequestHandler):
    """Who may read, and what the emulator leaves out."""

    google: Google
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if not self.google.admits(self.headers.get("Authorization", "")):
            self._refuse(401, "AuthenticationRequired", "Authentication required.")
            return
        wanted = {name: value for name, value in self.headers.items() if name.lower() in {"range", "host"}}
        status, headers, body = ask(self.google.behind, self.command, self.path, headers=wanted)
        if b"no bucket named" in body:
            self._refuse(404, "NoSuchBucket", "The specified bucket does not exist.")
        elif (tag := self.headers.get("If-Match")) and status < 300 and headers.get("etag") != tag:
            self._refuse(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
        else:
            self._answer(status, headers, body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _refuse(self, status: int, code: str, message: str) -> None:
        text = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        self._answer(status, {"content-length": str(len(text))}, text.encode())

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name not in {"transfer-encoding", "connection"}:
                self.send_header(name, value)
        if "content-length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            with contextlib.suppress(OSError):  # whoever asked may have lost interest
                self.wfile.write(body)


def ask(
    port: int, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """One request on a connection of its own: status, headers (names in lower case) and body of the answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request(method, path, body or None, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
