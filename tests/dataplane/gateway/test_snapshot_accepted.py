"""Envoy takes whatever the compiler makes: of 2,000 ModelDeployments, no two alike."""

from dataclasses import replace

from envoy.config.listener.v3.listener_pb2 import Listener
from google.protobuf.wrappers_pb2 import BoolValue
from hypothesis import HealthCheck, Phase, given, settings

from tests.dataplane.gateway.serving import Gateway
from tests.unit.gateway.strategies import MODELS, PODS
from tritium.gateway.snapshot.compile import compile_snapshot
from tritium.gateway.snapshot.listeners import ListenerSettings
from tritium.gateway.snapshot.resource import Resource, Snapshot, Type
from tritium.gateway.table import Endpoint, Model, Table

MANY = 2_000


def generated() -> Table:
    """Many models at once; each has services of its own."""
    models: dict[str, Model] = {}
    endpoints: dict[str, tuple[Endpoint, ...]] = {}

    @settings(max_examples=MANY, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
    @given(MODELS, PODS)
    def collect(model: Model, pods: tuple[Endpoint, ...]) -> None:
        number = len(models)
        services = {kind: f"{kind}-{number}" for kind in "abc"}
        shares = tuple(replace(share, service=services[share.service]) for share in model.shares)
        name = f"m{number}"
        port = 10_000 + number + number // 1_000 * 1_000  # with room for the previews of each thousand
        log = model.log and replace(model.log, service=services["c"])
        models[name] = replace(model, name=name, port=port, shares=shares, log=log)
        endpoints[services["a"]] = pods
        endpoints[services["b"]] = pods[:1]
        endpoints[services["c"]] = pods[: number % 2]

    collect()
    return Table(models, endpoints)


def unbound(snapshot: Snapshot) -> Snapshot:
    """The same, but for the ports: there are not as many free ones."""
    listeners = {}
    for name, resource in snapshot.resources[Type.LISTENER].items():
        listener = Listener.FromString(resource.body)
        listener.bind_to_port.CopyFrom(BoolValue(value=False))
        listeners[name] = Resource.of(Type.LISTENER, name, listener, resource.about)
    return Snapshot({**snapshot.resources, Type.LISTENER: listeners}, snapshot.needs)


async def test_envoy_takes_every_table() -> None:
    table = generated()
    assert len(table.models) >= MANY
    async with Gateway(Table(), memory_bytes=2**32) as gateway:
        await gateway.run(unbound(compile_snapshot(table, ListenerSettings())), within=60)
