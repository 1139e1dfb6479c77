"""A server that answers at once, for more requests than Triton can answer while a test runs.

It is an Envoy that has the answer in its configuration.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from e2e.cluster import wheels
from tests.dataplane.envoy import Envoy
from tests.ports import HOST, free_ports
from tritium.gateway.table import Endpoint

_EXTENSIONS: Final = "type.googleapis.com/envoy.extensions.filters"
_ROUTER: Final = {"name": "router", "typed_config": {"@type": f"{_EXTENSIONS}.http.router.v3.Router"}}
_ROUTE: Final = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
_ALL_IS_WELL: Final = {"header": {"key": "grpc-status", "value": "0"}}
_GRPC_ROUTE: Final = {
    "match": {"prefix": "/", "grpc": {}},
    "direct_response": {"status": 200},
    "response_headers_to_add": [_ALL_IS_WELL],
}


@contextmanager
def answering() -> Iterator[Endpoint]:
    """It runs; 200 to whatever is asked, in HTTP/1.1 and HTTP/2, and OK without a message in gRPC."""
    folder = Path(tempfile.mkdtemp(prefix="tritium-up-"))
    port = free_ports(1)[0]
    try:
        with Envoy(wheels.envoy(), folder, _bootstrap(port, folder / "admin.sock"), folder / "log") as envoy:
            envoy.wait_live()
            yield Endpoint(HOST, port, port)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bootstrap(port: int, admin: Path) -> dict[str, Any]:
    manager = {
        "@type": f"{_EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "up",
        "http_filters": [_ROUTER],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [_GRPC_ROUTE, _ROUTE]}]},
    }
    listener = {
        "name": "up",
        "address": {"socket_address": {"address": HOST, "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return {
        "admin": {"address": {"pipe": {"path": str(admin)}}},
        "static_resources": {"listeners": [listener]},
    }
