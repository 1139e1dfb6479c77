"""What the compiler and the bootstrap make, for the golden files in `tests/golden/gateway`.

The files are what a reader sees of them. After a change that is meant, rewrite them and read the diff:

    python -m tests.unit.gateway.golden
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import yaml
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.service.runtime.v3.rtds_pb2 import Runtime
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from tritium.gateway.bootstrap import BootstrapSettings, bootstrap
from tritium.gateway.snapshot.compile import compile_snapshot
from tritium.gateway.snapshot.listeners import ListenerSettings
from tritium.gateway.snapshot.resource import Resource, Snapshot, Type
from tritium.gateway.table import Bounds, Copies, Endpoint, Header, Hold, Log, Model, Share, Table

GOLDEN: Final = Path(__file__).parents[2] / "golden" / "gateway"

_MESSAGES: Final[Mapping[Type, Callable[[], Message]]] = {
    Type.CLUSTER: Cluster,
    Type.ENDPOINTS: ClusterLoadAssignment,
    Type.LISTENER: Listener,
    Type.ROUTES: RouteConfiguration,
    Type.RUNTIME: Runtime,
}


def parsed(resource: Resource) -> Any:
    """The message of a resource."""
    message = _MESSAGES[resource.type]()
    message.ParseFromString(resource.body)
    return message


def table(name: str) -> Table:
    """The table of a golden file."""
    one = (Endpoint("10.0.0.1", 8000, 8001), Endpoint("10.0.0.2", 8000, 8001))
    two = (Endpoint("fd00::3", 8000, 8001),)
    services = {"fraud-0a1b2c3d": one, "fraud-4e5f6071": two}
    stable, candidate = Share(1, "fraud-0a1b2c3d", 9_500), Share(2, "fraud-4e5f6071", 500)
    match name:
        case "simple":
            model = Model("fraud", "uid-1", 1, 10_000, "fraud", (Share(1, "fraud-0a1b2c3d", 10_000),))
        case "canary":
            split = (candidate, stable)
            model = Model("fraud", "uid-1", 7, 10_000, "fraud", split, sticky="x-user", copies=Copies(2, 10))
        case "arm":
            arm = Share(2, "fraud-4e5f6071", 0, (Header("x-arm", "new"), Header("host", "a.example")))
            model = Model(
                "fraud", "uid-1", 7, 10_000, "fraud", (arm, stable), bounds=Bounds(500, 1_000, 2_000, 3, 4_000)
            )
        case "preview":
            split = (replace(candidate, weight=0), replace(stable, weight=10_000))
            model = Model("fraud", "uid-1", 7, 10_000, "fraud", split, "x-user", Copies(2, 10), preview=2)
        case "held":
            hold = Hold(asleep=True, since=7, ms=120_000)
            model = replace(table("simple").models["fraud"], hold=hold, held="z7.1764000000000.1.0bfe935e")
        case "logged":
            told = Log("fraud-log", 1_000, request=True, response=False)
            model = Model("fraud", "uid-1", 7, 10_000, "fraud", (candidate, stable), log=told)
            services["fraud-log"] = (Endpoint("10.0.0.9", 9001, 9000),)
        case "nobody":
            model = Model("fraud", "uid-1", 1, 10_000, "fraud", (Share(1, "fraud-0a1b2c3d", 0),))
        case _:
            model = Model("fraud", "uid-1", 1, 10_000, "fraud", (stable,), host="ml.example.com", path="/fraud")
    return Table({"fraud": model}, services)


def compiled(name: str) -> Snapshot:
    """What is compiled from it."""
    return compile_snapshot(table(name), ListenerSettings())


FILES: Final[Mapping[str, Mapping[Type, tuple[str, ...]]]] = {
    "simple": dict.fromkeys(Type, ()),
    "canary": {Type.ROUTES: (), Type.RUNTIME: ()},
    "arm": {Type.ROUTES: (), Type.RUNTIME: ()},
    "preview": {Type.ROUTES: ("fraud/preview",)},
    "nobody": {Type.ROUTES: ()},
    "held": {Type.LISTENER: (), Type.ROUTES: ()},
    "logged": {Type.CLUSTER: ("fraud/log",), Type.ENDPOINTS: ("fraud/log",), Type.ROUTES: (), Type.RUNTIME: ()},
    "shared": {Type.ROUTES: ("/shared",)},
}
"""What each file shows: types, and of a type these names only, if any are given."""


class _Readable(yaml.SafeDumper):
    """No anchors where one value stands in two places."""

    def ignore_aliases(self, data: Any) -> bool:
        return data is not None


def rendered(name: str) -> str:
    """What a golden file holds."""
    if name == "bootstrap":
        return _yaml([bootstrap(BootstrapSettings("tritium-gateway-0", "ml"))])
    resources = compiled(name).resources
    shown = [
        MessageToDict(parsed(resource), preserving_proto_field_name=True)
        for type_, names in FILES[name].items()
        for resource in resources[type_].values()
        if not names or resource.name in names
    ]
    return _yaml(shown)


def _yaml(documents: list[Any]) -> str:
    plain = json.loads(json.dumps(documents, sort_keys=True))  # maps of protobuf have no order
    return yaml.dump_all(plain, Dumper=_Readable, sort_keys=False, width=120, allow_unicode=True)


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for each in (*FILES, "bootstrap"):
        (GOLDEN / f"{each}.yaml").write_text(rendered(each))
