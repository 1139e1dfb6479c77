"""The command line of tritonserver, for the version that an image holds."""

import re
from typing import Final

from tritium.api.fetch import REPOSITORY_FOLDER

HTTP_PORT: Final = 8000
GRPC_PORT: Final = 8001
METRICS_PORT: Final = 8002

EXIT_TIMEOUT: Final = 30
"""Seconds that Triton lets requests finish in after SIGTERM."""

CONNECTION_AGE: Final = 10
"""Seconds until a gRPC client is asked to connect again.

A Service chooses a pod when a connection is made: without this a client would stay with the pod of the old revision
for as long as that lives. The client makes a new connection first and loses no request. It is less than the time a
pod has between leaving the Service and SIGTERM, because Triton refuses what comes after that.
"""

OLDEST: Final = (24, 10)
"""The oldest release that is tested with, so the one an image is taken for that does not name its own."""

SINCE: Final = {"grpc-max-connection-age": (24, 1)}
"""First release that knows a flag. Those not named here are older than any release still in use."""

_TAG: Final = re.compile(r":(\d{2})\.(0[1-9]|1[0-2])(?=[-@]|$)", re.ASCII)


def triton_version(image: str) -> tuple[int, int] | None:
    """Year and month of the release in an image, as the tag says it in NVIDIA's own way; None if it does not.

    >>> triton_version("nvcr.io/nvidia/tritonserver:26.07-py3"), triton_version("localhost:5000/triton:24.10-cpu")
    ((26, 7), (24, 10))
    >>> triton_version("triton@sha256:0123"), triton_version("triton:latest"), triton_version("triton:2.51.0")
    (None, None, None)
    """
    match = _TAG.search(image.rpartition("/")[2])
    return (int(match[1]), int(match[2])) if match else None


def arguments(image: str, *, gpu: bool, further: list[str]) -> list[str]:
    """The flags for an image; the user's own come last, because Triton takes the last of two.

    >>> arguments("triton:24.10-py3", gpu=True, further=["--log-verbose=1"])[-2:]
    ['--grpc-max-connection-age=10000', '--log-verbose=1']
    >>> arguments("triton:23.12-py3", gpu=True, further=[])[-1]
    '--metrics-port=8002'
    """
    flags = {
        "model-repository": REPOSITORY_FOLDER,
        # A pod serves one revision for all its life. Nothing can be loaded into it, so nobody can run code in it.
        "model-control-mode": "none",
        # A model that cannot be loaded ends the server, so that the pod shows it, and the log says why.
        "exit-on-error": "true",
        # What is ready is asked of the model itself; the server's own answer stays bad after a failure that is over.
        "strict-readiness": "false",
        "exit-timeout-secs": str(EXIT_TIMEOUT),
        "log-format": "ISO8601",
        # Of a container that ended a kubelet keeps the last 2 KiB of the log. Triton's table of its own options, after
        # the reason why it ends, has 5.
        "log-info": "false",
        "http-port": str(HTTP_PORT),
        "grpc-port": str(GRPC_PORT),
        "metrics-port": str(METRICS_PORT),
        "grpc-max-connection-age": str(CONNECTION_AGE * 1000),
    }
    if not gpu:
        flags["allow-gpu-metrics"] = "false"
    version = triton_version(image) or OLDEST
    return [f"--{name}={value}" for name, value in flags.items() if version >= SINCE.get(name, (0, 0))] + further
