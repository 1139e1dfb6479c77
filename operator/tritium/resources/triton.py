"""The command line of tritonserver."""

from typing import Final

from tritium.api.fetch import REPOSITORY_FOLDER

HTTP_PORT: Final = 8000
GRPC_PORT: Final = 8001
METRICS_PORT: Final = 8002

EXIT_TIMEOUT: Final = 45
"""Seconds that Triton lets requests finish in after SIGTERM. Together with the time before it a pod has as long as the
gateway gives a request by default. Idle connections would use it up, and of those the gateway leaves none."""


def arguments(*, gpu: bool, further: list[str]) -> list[str]:
    """The flags; the user's own come last, because Triton takes the last of two.

    >>> arguments(gpu=True, further=["--log-verbose=1"])[-2:]
    ['--metrics-port=8002', '--log-verbose=1']
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
    }
    if not gpu:
        flags["allow-gpu-metrics"] = "false"
    return [f"--{name}={value}" for name, value in flags.items()] + further
