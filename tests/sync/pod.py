"""What a pod gives to `fetch`: the request, the mounted folders, and a place for the answer."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.sync.bucket import Bucket
from tests.sync.s3 import BUCKET, KEY, SECRET
from tritium.api.fetch import REQUEST_VARIABLE, FetchReason, FetchRequest, FetchResult
from tritium.sync import work
from tritium.sync.__main__ import ROOT_VARIABLE
from tritium.sync.download import Patience
from tritium.sync.errors import Failed
from tritium.sync.work import Mounts

ROOT = Path(__file__).parents[2]
KEYS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
SECRETS = frozenset(
    {
        "AWS_SECRET_ACCESS_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "HF_TOKEN",
    }
    | {"MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"}
)
"""Keys of a Secret whose values no message may have."""

QUICK = Patience(tries=6, first=0.1, longest=1.0)


def request(
    server: Bucket | str,
    path: str,
    *,
    model: str = "fraud",
    options: dict[str, str] | None = None,
    credentials: bool = True,
    digest: str | None = None,
    **more: Any,
) -> FetchRequest:
    """A request as the operator writes it, for a path in the bucket or for a whole URI."""
    endpoint = server if isinstance(server, str) else server.endpoint
    place = f"s3://{BUCKET}/{path}" if isinstance(server, str) else server.uri(path)
    source: dict[str, Any] = {
        "uri": path if "://" in path else place,
        "options": {"endpoint": endpoint, "allowHttp": "true"} if options is None else options,
    }
    if credentials:
        source["credentials"] = {"secretRef": {"name": "s3-keys"}}
    if digest:
        source["digest"] = digest
    # The servers of the tests are on loopback, which nobody else has to allow.
    allowed = {"allowedNetworks": ["127.0.0.0/8"]}
    return FetchRequest.model_validate({"source": source, "model": model, **allowed, **more})


@dataclass
class Pod:
    """The folders of one pod; they outlive its containers."""

    root: Path
    secret: dict[str, str] = field(default_factory=lambda: dict(KEYS))
    digest: str | None = None
    claim: Path | None = None
    kept: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        self.mounts = Mounts.below(self.root)
        self.mounts.termination.parent.mkdir(parents=True)
        for folder in (self.mounts.models, self.mounts.credentials, self.mounts.facts, self.mounts.kept):
            folder.mkdir(parents=True)
        if self.claim:
            self.mounts.cache.symlink_to(self.claim)

    @property
    def ready(self) -> Path:
        return self.mounts.models / "ready"

    def model(self, name: str = "fraud") -> dict[str, bytes]:
        """The files that Triton would see."""
        folder = self.ready / "repository" / name
        return {each.relative_to(folder).as_posix(): each.read_bytes() for each in folder.rglob("*") if each.is_file()}

    def mount(self) -> None:
        """Write the Secret and the ConfigMap as they are now."""
        for folder, files in (
            (self.mounts.credentials, self.secret),
            (self.mounts.facts, {"digest": self.digest} if self.digest else {}),
            (self.mounts.kept, {} if self.kept is None else {"revisions": "".join(f"{each}\n" for each in self.kept)}),
        ):
            for old in folder.iterdir():
                old.unlink()
            for name, text in files.items():
                (folder / name).write_text(text)

    async def resolve(self, wanted: FetchRequest) -> FetchResult:
        self.mount()
        return await work.resolve(wanted, self.mounts)

    async def fetch(self, wanted: FetchRequest) -> FetchResult:
        self.mount()
        return await work.fetch(wanted, self.mounts, QUICK)

    async def resolve_and_fetch(self, wanted: FetchRequest) -> FetchResult:
        """What the operator does for a new revision."""
        found = await self.resolve(wanted)
        pin = found.origin.pin if found.origin else None
        return await self.fetch(wanted.model_copy(update={"fingerprint": found.fingerprint, "pin": pin}))

    async def refuses(self, verb: str, wanted: FetchRequest) -> tuple[FetchReason, str]:
        """The reason and the message of a run that must fail."""
        with pytest.raises(Failed) as caught:
            await (self.resolve(wanted) if verb == "resolve" else self.fetch(wanted))
        for key, value in self.secret.items():
            assert key not in SECRETS or value not in caught.value.message
        assert "PRIVATE KEY" not in caught.value.message
        return caught.value.reason, caught.value.message

    def command(self, verb: str) -> list[str]:
        """What a container runs."""
        return [sys.executable, "-m", "tritium.sync", verb]

    def environment(self, wanted: FetchRequest) -> dict[str, str]:
        """Of a container that runs `fetch`."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "operator"),
            "PYTHONSAFEPATH": "1",
            REQUEST_VARIABLE: wanted.model_dump_json(by_alias=True, exclude_none=True),
            ROOT_VARIABLE: str(self.root),
        }

    def start(self, verb: str, wanted: FetchRequest, **more: str) -> subprocess.Popen[str]:
        """Run it as a container does: a process of its own."""
        self.mount()
        return subprocess.Popen(
            self.command(verb),
            env=self.environment(wanted) | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def result(self) -> FetchResult:
        """The termination message."""
        return FetchResult.model_validate_json(self.mounts.termination.read_text())
