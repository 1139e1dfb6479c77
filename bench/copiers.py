"""Who brings a folder of a bucket to a disk: Tritium, and those that it is compared with."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from bench.used import Used, used
from e2e.cluster import wheels
from e2e.cluster.binaries import ensure
from tests.sync.pod import Pod, request
from tests.sync.s3 import S3

OURS: Final = "tritium"
DIRECT: Final = "tritium, by address"
S5CMD: Final = "s5cmd"
INITIALIZER: Final = "kserve"

# What the image of KServe's storage initializer runs, without what it does for encrypted models.
_INITIALIZER: Final = """
import sys
from kserve_storage import Storage
from kserve_storage.logging import configure_logging
configure_logging()
Storage.download_files(sys.argv[1:2], sys.argv[2:3])
"""


class Copier(Protocol):
    """One of them."""

    def __call__(self, prefix: str, folder: Path) -> Used:
        """Copy it into a folder that is not there yet; what came is left there."""


def copiers(server: S3) -> Mapping[str, Copier]:
    """All of them, each with its own usual settings, by name."""
    programs = wheels.sync_bench()
    s5cmd = (str(ensure("s5cmd")["s5cmd"]), "--log", "error", "cp")
    aws = (str(programs / "python"), str(programs / "aws"), "s3", "cp", "--recursive", "--only-show-errors")
    return {
        OURS: Tritium(server, f"http://localhost:{server.port}"),
        DIRECT: Tritium(server, server.endpoint),
        S5CMD: Command(server, s5cmd, after="*"),
        "aws s3 cp": Command(server, aws),
        INITIALIZER: Command(server, (str(programs / "python"), "-c", _INITIALIZER)),
    }


@dataclass(frozen=True, slots=True)
class Tritium:
    """`python -m tritium.sync fetch`, as the pod's init container runs it.

    The server's network is allowed, as it is for one in the cluster. Its connections pass the guard where the endpoint
    is a name, and go straight to an address.
    """

    server: S3
    endpoint: str

    def __call__(self, prefix: str, folder: Path) -> Used:
        """Give it what a pod of a new revision has, and run it."""
        pod = Pod(folder)
        wanted = request(self.endpoint, prefix)
        # As the operator does once for each revision, before there is a pod.
        pod.start("resolve", wanted).communicate()
        wanted = wanted.model_copy(update={"fingerprint": pod.result().fingerprint})
        return used(pod.command("fetch"), pod.environment(wanted), folder, folder.with_suffix(".log"))


@dataclass(frozen=True, slots=True)
class Command:
    """A program that takes a URI and a folder."""

    server: S3
    command: tuple[str, ...]
    after: str = ""
    """What it wants at the end of the URI."""

    def __call__(self, prefix: str, folder: Path) -> Used:
        """Run it with the server's keys in its environment."""
        folder.mkdir()
        environment = self.server.keys | {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder.parent),
            "AWS_ENDPOINT_URL": self.server.endpoint,
            "S3_ENDPOINT_URL": self.server.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        command = [*self.command, self.server.uri(f"{prefix}/{self.after}"), f"{folder}/"]
        return used(command, environment, folder, folder.with_suffix(".log"))


def remove(folder: Path) -> None:
    """Make room for the next."""
    shutil.rmtree(folder)
