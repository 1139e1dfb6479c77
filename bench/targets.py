"""What is asked by the measurements of the data path: Triton itself, and what can stand before it."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.client import HOST, MODEL
from e2e.cluster import wheels
from tests.dataplane.envoy import Envoy
from tests.dataplane.gateway.facts import facts, model, revision, slice_of
from tests.dataplane.gateway.pod import GatewayPod
from tests.dataplane.runtime import runtime
from tests.dataplane.triton import Triton, repository
from tests.ports import free_ports
from tritium.gateway import disk
from tritium.gateway.table import Endpoint

Object = dict[str, Any]
NAME: Final = "fraud"
EXTENSIONS: Final = "type.googleapis.com/envoy.extensions"


@dataclass(frozen=True, slots=True)
class Target:
    """One way to the model.

    Attributes:
        http, grpc: its ports.
        pid: the Envoy on the way, if there is one.
    """

    http: int
    grpc: int
    pid: int | None = None

    def port(self, protocol: str) -> int:
        """Its port for a protocol."""
        return self.http if protocol == "http" else self.grpc


@asynccontextmanager
async def triton(folder: Path) -> AsyncIterator[Target]:
    """A Triton with the model `adder`."""
    (folder / "runtime").mkdir()
    models = repository(folder / "models", MODEL)
    with Triton(runtime(folder / "runtime"), models, folder / "triton.log") as server:
        yield Target(server._http, server._grpc)  # noqa: SLF001 - it has no other use for its port of HTTP


@asynccontextmanager
async def bare(upstream: Target, folder: Path) -> AsyncIterator[Target]:
    """An Envoy that hands on what comes, and has nothing but what that needs."""
    with tempfile.TemporaryDirectory(prefix="tritium-bare-") as place:  # the path of a socket has to be short
        (port,) = free_ports(1)
        config = bare_bootstrap(port, upstream, Path(place) / "admin.sock")
        with Envoy(wheels.envoy(), Path(place), config, folder / "bare.log") as envoy:
            envoy.wait_live()
            yield Target(port, port, envoy.pid)


@asynccontextmanager
async def gateway(upstream: Target, folder: Path) -> AsyncIterator[tuple[Target, int]]:
    """A pod of the gateway, agent and Envoy, as they are; and the agent's process.

    The agent has its facts from the disk, so that no API server shares the machine.
    """
    async with GatewayPod(folder) as pod:
        (port,) = free_ports(1)
        traffic: Object = {"port": port, "model": MODEL, "revisions": [revision(1, name=NAME)]}
        endpoint = Endpoint(HOST, upstream.http, upstream.grpc)
        known = facts([model(NAME, version=1, **traffic)], [slice_of(f"{NAME}-1", endpoint)])
        disk.save(pod.snapshot, pod.namespace, known)
        await pod.start()
        if pod.envoy is None or pod.agent is None:
            raise RuntimeError("the gateway has not started")
        yield Target(port, port, pod.envoy.pid), pod.agent.pid


def bare_bootstrap(port: int, upstream: Target, admin: Path) -> Object:
    """One listener, one virtual host, a cluster for each protocol; all else is Envoy's default."""
    routes = [
        {"match": {"prefix": "/", "grpc": {}}, "route": {"cluster": "grpc"}},
        {"match": {"prefix": "/"}, "route": {"cluster": "http"}},
    ]
    manager = {
        "@type": f"{EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bare",
        "route_config": {"virtual_hosts": [{"name": "bare", "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{EXTENSIONS}.filters.http.router.v3.Router"}}],
    }
    listener = {
        "name": "bare",
        "address": _address(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    clusters = [_cluster("http", upstream.http), _cluster("grpc", upstream.grpc) | _http2()]
    return {
        "admin": {"address": {"pipe": {"path": str(admin)}}},
        "static_resources": {"listeners": [listener], "clusters": clusters},
    }


def _cluster(name: str, port: int) -> Object:
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": name,
        "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _http2() -> Object:
    options = {
        "@type": f"{EXTENSIONS}.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    return {"typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options}}


def _address(port: int) -> Object:
    return {"socket_address": {"address": HOST, "port_value": port}}
