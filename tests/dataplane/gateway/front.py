"""A load balancer in front that speaks HTTP/2 without TLS to the gateway, whatever its own clients speak.

It is an Envoy with one connection to where it leads.
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

_EXTENSIONS: Final = "type.googleapis.com/envoy.extensions"
_ROUTER: Final = {"name": "router", "typed_config": {"@type": f"{_EXTENSIONS}.filters.http.router.v3.Router"}}
_ROUTE: Final = {"match": {"prefix": "/"}, "route": {"cluster": "there"}}


@contextmanager
def in_front_of(target: int) -> Iterator[int]:
    """It runs; the port at which it listens."""
    folder = Path(tempfile.mkdtemp(prefix="tritium-front-"))
    [port] = free_ports(1)
    try:
        bootstrap = _bootstrap(port, target, folder / "admin.sock")
        with Envoy(wheels.envoy(), folder, bootstrap, folder / "log") as envoy:
            envoy.wait_live()
            yield port
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bootstrap(port: int, target: int, admin: Path) -> dict[str, Any]:
    manager = {
        "@type": f"{_EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        "http_filters": [_ROUTER],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [_ROUTE]}]},
    }
    listener = {
        "name": "front",
        "address": _address(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return {
        "admin": {"address": {"pipe": {"path": str(admin)}}},
        "static_resources": {"listeners": [listener], "clusters": [_cluster(target)]},
    }


def _cluster(target: int) -> dict[str, Any]:
    name = f"{_EXTENSIONS}.upstreams.http.v3.HttpProtocolOptions"
    return {
        "name": "there",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": "there",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(target)}}]}],
        },
        "typed_extension_protocol_options": {
            name.partition("/")[2]: {"@type": name, "explicit_http_config": {"http2_protocol_options": {}}}
        },
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": HOST, "port_value": port}}
