"""A real MLflow tracking server on loopback, and what a test needs of it."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e.cluster import wheels
from tests.ports import HOST, free_ports
from tests.sync.s3 import BUCKET, KEY, S3, SECRET
from tritium.api.fetch import FetchRequest

USER = "tritium"
PASSWORD = "not-a-secret-in-a-test"  # noqa: S105 - of a server that lives for a test
MODELS = Path(__file__).with_name("models")
"""Models that MLflow 3.17.2 saved: see there."""


def saved(name: str) -> dict[str, bytes]:
    """The files of a model that MLflow's own library saved."""
    folder = MODELS / name
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@dataclass
class Mlflow:
    """A running server.

    Attributes:
        port: where it listens.
        keys: what a Secret for it holds.
        host: the address that it listens at.
    """

    port: int
    keys: dict[str, str] = field(default_factory=dict)
    host: str = HOST

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://{self.host}:{self.port}"

    def ask(self, method: str, path: str, body: bytes | dict[str, Any] | None = None) -> dict[str, Any]:
        """A request that works, and the answer's members."""
        content = json.dumps(body).encode() if isinstance(body, dict) else body
        kind = "application/json" if isinstance(body, dict) else "application/octet-stream"
        status, said = self._request(method, path, content, {"Content-Type": kind})
        assert status == 200, said
        found: dict[str, Any] = json.loads(said or b"{}")
        return found

    def status_of_a_part(self, place: str) -> int:
        """How it answers a range request."""
        below = place.removeprefix("mlflow-artifacts:/")
        return self._request("GET", f"mlflow-artifacts/artifacts/{below}", None, {"Range": "bytes=0-0"})[0]

    def _request(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        if self.keys:
            token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            headers["Authorization"] = f"Basic {token}"
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, f"/api/2.0/{path}", content, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def log(self, files: dict[str, bytes]) -> tuple[str, str]:
        """Log a model in a run, through the server; the place of its files, and the run's ID."""
        run = self.ask("POST", "mlflow/runs/create", {"experiment_id": "0"})["run"]["info"]
        place = f"{run['artifact_uri']}/model"
        for path, content in files.items():
            below = urllib.parse.quote(f"{place.removeprefix('mlflow-artifacts:/')}/{path}")
            self.ask("PUT", f"mlflow-artifacts/artifacts/{below}", content)
        return place, run["run_id"]

    def register(self, name: str, place: str, run: str | None = None) -> int:
        """Make a version of a registered model, and the model where there is none; the version's number."""
        with contextlib.suppress(AssertionError):
            self.ask("POST", "mlflow/registered-models/create", {"name": name})
        body = {"name": name, "source": place, **({"run_id": run} if run else {})}
        return int(self.ask("POST", "mlflow/model-versions/create", body)["model_version"]["version"])

    def add(self, name: str, files: dict[str, bytes]) -> int:
        """Log a model and register it."""
        return self.register(name, *self.log(files))

    def point(self, name: str, alias: str, version: int) -> None:
        """Have an alias lead to a version."""
        self.ask("POST", "mlflow/registered-models/alias", {"name": name, "alias": alias, "version": str(version)})

    def wants(self, name: str, *, options: dict[str, str] | None = None, **more: Any) -> FetchRequest:
        """A request for a version or an alias of a registered model, as the operator writes it."""
        which = {key: more.pop(key) for key in ("version", "alias") if key in more}
        source: dict[str, Any] = {"mlflow": {"trackingUri": self.endpoint, "name": name, **which}}
        if options:
            source["options"] = options
        if more.pop("credentials", True):
            source["credentials"] = {"secretRef": {"name": "mlflow-keys"}}
        allowed = {"allowedNetworks": ["127.0.0.0/8"]}
        return FetchRequest.model_validate({"source": source, "model": "fraud", **allowed, **more})


@contextlib.contextmanager
def tracking_server(folder: Path, bucket: S3 | None = None, host: str = HOST, called: str = "") -> Iterator[Mlflow]:
    """The server, with SQLite; with a bucket for its artifacts it wants a name and a password, too.

    Args:
        folder: where it keeps everything.
        bucket: for its artifacts.
        host: the address that it listens at.
        called: what others call it. It refuses requests to a name that it was not told.
    """
    port = free_ports(1)[0]
    artifacts = f"s3://{BUCKET}/behind-mlflow" if bucket else str(folder / "artifacts")
    command = [str(wheels.mlflow()), "-m", "mlflow", "server", "--host", host, "--port", str(port), "--workers", "1"]
    more = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", artifacts]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment["MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES"] = "hdfs"
    if called:
        environment["MLFLOW_SERVER_ALLOWED_HOSTS"] = f"{called},{host}:*"
    if bucket:
        settings = folder / "auth.ini"
        settings.write_text(
            f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder}/auth.db\n"
            f"admin_username = {USER}\nadmin_password = {PASSWORD}\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        )
        more += ["--app-name", "basic-auth"]
        environment |= {"MLFLOW_AUTH_CONFIG_PATH": str(settings), "MLFLOW_FLASK_SERVER_SECRET_KEY": "of-a-test"}
        environment |= {"MLFLOW_S3_ENDPOINT_URL": bucket.endpoint, "AWS_DEFAULT_REGION": "us-east-1"}
        environment |= {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, *more], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    keys = {"MLFLOW_TRACKING_USERNAME": USER, "MLFLOW_TRACKING_PASSWORD": PASSWORD} if bucket else {}
    running = Mlflow(port, keys, host)
    try:
        _wait(running, process, folder / "log")
        yield running
    finally:
        process.terminate()  # it ends the processes that it started
        process.wait()


def _wait(running: Mlflow, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120  # it reads some hundred megabytes of Python first
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            running.ask("GET", "mlflow/experiments/get?experiment_id=0")
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"the MLflow server does not answer: {log.read_text()}")
