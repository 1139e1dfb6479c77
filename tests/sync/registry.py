"""An OCI registry on loopback: the reference implementation, for everybody, with a password, or with tokens.

It can keep its blobs in an S3 server that it leads clients to, as registries of clouds do; in between sits a door that
notes what clients bring along.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
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
from typing import Any

import yaml

from e2e.cluster.binaries import ensure
from tests.ports import HOST, free_ports
from tests.sync.s3 import BUCKET, KEY, S3, SECRET

USER, PASSWORD = "reader", "of-a-test"
HASHED = "$2b$04$wkOUwj6ePiIbWuB3AHGWueWkrHIGSK5Sg2PK4M9E4CxklMgwhWysK"  # with bcrypt

Layer = dict[str, Any]
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
IMAGE = "application/vnd.oci.image.config.v1+json"


@dataclass
class Registry:
    """A running registry.

    Attributes:
        folder: with its blobs, below `data`, unless they lie elsewhere.
        password: how to be admitted; absent: everybody is, or with a token.
        tokens: who gives them, if any are wanted.
    """

    port: int
    folder: Path
    password: str | None = None
    tokens: Tokens | None = None

    @property
    def host(self) -> str:
        """Its name."""
        return f"{HOST}:{self.port}"

    def blob(self, repository: str, content: bytes) -> Layer:
        """Push a blob; return its descriptor, without a type."""
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        status, headers, said = self.ask("POST", f"/v2/{repository}/blobs/uploads/")
        assert status == 202, said
        where = urllib.parse.urlsplit(headers["location"])
        status, _, said = self.ask("PUT", f"{where.path}?{where.query}&digest={digest}", content)
        assert status == 201, said
        return {"digest": digest, "size": len(content)}

    def push(
        self, repository: str, reference: str, layers: list[Layer], kind: str = MANIFEST, config: str = EMPTY
    ) -> str:
        """Push a manifest of layers, or an index of manifests, under a tag; return its digest."""
        manifest: dict[str, Any] = {"schemaVersion": 2, "mediaType": kind}
        if kind == INDEX:
            manifest["manifests"] = layers
        else:
            manifest |= {"config": {"mediaType": config} | self.blob(repository, b"{}"), "layers": layers}
        body = json.dumps(manifest).encode()
        path = f"/v2/{repository}/manifests/{reference}"
        status, _, said = self.ask("PUT", path, body, {"Content-Type": kind})
        assert status == 201, said
        return "sha256:" + hashlib.sha256(body).hexdigest()

    def push_files(self, repository: str, tag: str, files: dict[str, bytes]) -> str:
        """Push files by their names, as ORAS does."""
        layers = [named(self.blob(repository, content), path) for path, content in files.items()]
        return self.push(repository, tag, layers)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """A request of somebody who may do everything."""
        proof = {"Authorization": basic(USER, self.password)} if self.password else {}
        if self.tokens:
            repository = path.removeprefix("/v2/").partition("/blobs/")[0].partition("/manifests/")[0]
            proof = {"Authorization": f"Bearer {self.tokens.token(repository, ['pull', 'push'], 3600)}"}
        sent = proof | (headers or {"Content-Type": "application/octet-stream"})
        return ask(self.port, method, path, body, sent)


@dataclass
class Tokens:
    """A server of tokens for one registry.

    Attributes:
        lasts: seconds that a token is good for.
        given: for each token that was given, who asked (empty: a stranger).
        public: repositories that strangers may read.
    """

    folder: Path
    port: int = 0
    lasts: float = 3600
    given: list[str] = field(default_factory=list)
    public: set[str] = field(default_factory=set)

    def token(self, repository: str, actions: list[str], lasts: float) -> str:
        """A signed token."""
        now = time.time()
        certificate = "".join((self.folder / "issuer.crt").read_text().splitlines()[1:-1])
        claims = {
            "iss": "tests",
            "sub": USER,
            "aud": "models",
            "iat": int(now),
            "nbf": int(now) - 120,
            "exp": int(now + lasts),
            "jti": str(now),
            "access": [{"type": "repository", "name": repository, "actions": actions}],
        }
        signed = ".".join(
            _encoded(json.dumps(each).encode())
            for each in ({"alg": "RS256", "typ": "JWT", "x5c": [certificate]}, claims)
        )
        command = ["openssl", "dgst", "-sha256", "-sign", str(self.folder / "issuer.key")]
        signature = subprocess.run(command, input=signed.encode(), capture_output=True, check=True).stdout
        return f"{signed}.{_encoded(signature)}"


@contextlib.contextmanager
def registry(
    folder: Path, *, storage: dict[str, Any] | None = None, password: bool = False, tokens: Tokens | None = None
) -> Iterator[Registry]:
    """The registry.

    Args:
        folder: for its files, and its log.
        storage: where it keeps blobs; absent: in that folder.
        password: it wants `USER` and `PASSWORD`.
        tokens: it wants tokens of this server.
    """
    folder.mkdir(exist_ok=True)
    port = free_ports(1)[0]
    config: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"cache": {"blobdescriptor": "inmemory"}}
        | (storage or {"filesystem": {"rootdirectory": str(folder / "data")}}),
        "http": {"addr": f"{HOST}:{port}", "secret": "of-a-test"},
    }
    if password:
        (folder / "htpasswd").write_text(f"{USER}:{HASHED}\n")
        config["auth"] = {"htpasswd": {"realm": "models", "path": str(folder / "htpasswd")}}
    if tokens:
        config["auth"] = {
            "token": {
                "realm": f"http://{HOST}:{tokens.port}/token",
                "service": "models",
                "issuer": "tests",
                "rootcertbundle": str(tokens.folder / "issuer.crt"),
            }
        }
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    with (folder / "log").open("w") as log:
        command = [str(ensure("registry")["registry"]), "serve", str(folder / "config.yml")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(400):
            with contextlib.suppress(OSError):
                ask(port, "GET", "/v2/")
                break
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield Registry(port, folder, PASSWORD if password else None, tokens)
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def token_server(folder: Path) -> Iterator[Tokens]:
    """Gives tokens to whoever has the password, and to strangers for what is public."""
    folder.mkdir()
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout", str(folder / "issuer.key"), "-out", str(folder / "issuer.crt"))
    command = ["openssl", "req", "-x509", *key, "-subj", "/CN=tests", "-days", "2"]
    subprocess.run(command, check=True, capture_output=True)
    state = Tokens(folder)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
            _, repository, actions = query["scope"][0].split(":")
            proof = self.headers.get("Authorization")
            known = proof == basic(USER, PASSWORD)
            if proof and not known:
                _answer(self, 401, b'{"errors":[{"code":"UNAUTHORIZED","message":"who?"}]}')
                return
            allowed = actions.split(",") if known or repository in state.public else []
            state.given.append(USER if known else "")
            _answer(self, 200, json.dumps({"token": state.token(repository, allowed, state.lasts)}).encode())

    with _serving(Handler) as state.port:
        yield state


@dataclass
class Door:
    """What comes to the S3 server behind a registry.

    Attributes:
        seen: of each request its method, path and headers.
    """

    port: int
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


@contextlib.contextmanager
def door(server: S3) -> Iterator[Door]:
    """Hands every request on as it is."""
    state = Door(0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _pass(self) -> None:
            headers = dict(self.headers)
            state.seen.append((self.command, self.path, headers))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said, content = ask(server.port, self.command, self.path, body, headers)
            _answer(self, status, content, {name: said[name] for name in said if name not in _HOP})

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass  # noqa: N815 - as the library looks for them

    with _serving(Handler) as state.port:
        yield state


def on_s3(between: Door) -> dict[str, Any]:
    """The storage of a registry that leads clients to S3."""
    s3 = {"accesskey": KEY, "secretkey": SECRET, "region": "us-east-1", "bucket": BUCKET, "secure": False}
    where = {"regionendpoint": f"http://{HOST}:{between.port}", "forcepathstyle": True, "rootdirectory": "/registry"}
    return {"s3": s3 | where}


def named(descriptor: Layer, path: str, kind: str = "application/vnd.oci.image.layer.v1.tar") -> Layer:
    """A layer that is a file; ORAS gives all of them this type if it is told none."""
    return {"mediaType": kind, **descriptor, "annotations": {"org.opencontainers.image.title": path}}


def basic(user: str, password: str | None) -> str:
    """A password, as `Authorization` has it."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def ask(
    port: int, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """One request on a connection of its own: status, headers (names in lower case) and body of the answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=20)
    with contextlib.closing(connection):
        connection.request(method, path, body if body or method in {"PUT", "POST"} else None, headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


_HOP = {"transfer-encoding", "connection", "date", "server"}


def _answer(to: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    to.send_response_only(status)
    for name, value in ({"content-length": str(len(body))} | (headers or {})).items():
        to.send_header(name, value)
    to.end_headers()
    with contextlib.suppress(OSError):
        to.wfile.write(body)


@contextlib.contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    with ThreadingHTTPServer((HOST, 0), handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield running.server_port
        running.shutdown()


def _encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")
