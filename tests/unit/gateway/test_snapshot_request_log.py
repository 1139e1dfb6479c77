"""Which requests are logged, and what that changes; tests/dataplane/gateway/test_request_log.py logs some."""

from dataclasses import replace
from typing import Any

import pytest
from envoy.extensions.common.matching.v3.extension_matcher_pb2 import ExtensionWithMatcherPerRoute
from envoy.extensions.filters.http.composite.v3.composite_pb2 import ExecuteFilterAction
from envoy.extensions.filters.http.ext_proc.v3.ext_proc_pb2 import ExternalProcessor

from tests.dataplane.gateway import facts
from tests.unit.gateway.golden import compiled, parsed, table
from tritium.gateway.reading import read
from tritium.gateway.snapshot.compile import compile_snapshot
from tritium.gateway.snapshot.listeners import ListenerSettings
from tritium.gateway.snapshot.names import IN_FLIGHT, SHARED
from tritium.gateway.snapshot.request_log import LOG
from tritium.gateway.snapshot.resource import Snapshot, Type
from tritium.gateway.table import Endpoint, Header, Log, Model, Share, Table

FRAUD = table("logged").models["fraud"]
PODS = table("logged").endpoints
ARM = Share(3, "fraud-4e5f6071", 0, (Header("x-arm", "new"),))


def logged_by(route: Any) -> ExternalProcessor:
    """The filter that a route which logs turns on, for a request that does not say that it is large."""
    matcher, action, processor = ExtensionWithMatcherPerRoute(), ExecuteFilterAction(), ExternalProcessor()
    assert route.typed_per_filter_config[LOG].Unpack(matcher)
    assert matcher.xds_matcher.on_no_match.action.typed_config.Unpack(action)
    assert action.typed_config.typed_config.Unpack(processor)
    return processor


def made(*models: Model) -> Snapshot:
    """What is compiled of some."""
    return compile_snapshot(Table({each.name: each for each in models}, PODS), ListenerSettings())


def routes_of(snapshot: Snapshot, name: str = "fraud") -> list[Any]:
    """All routes of a RouteConfiguration."""
    return [route for host in parsed(snapshot.resources[Type.ROUTES][name]).virtual_hosts for route in host.routes]


def logged(snapshot: Snapshot, name: str = "fraud") -> list[str]:
    """Names of the routes that log."""
    return [route.name for route in routes_of(snapshot, name) if LOG in route.typed_per_filter_config]


def changed(before: Snapshot, after: Snapshot) -> set[tuple[Type, str]]:
    """What has another content, is new, or is gone."""
    old, new = (
        {(each.type, each.name): each for named in one.resources.values() for each in named.values()}
        for one in (before, after)
    )
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


def test_inference_is_logged_and_nothing_else() -> None:
    """In an arm like in the split. A stream of gRPC is not: it has many requests."""
    kinds = ["infer", "ModelInfer", "generate-stream"]
    assert logged(made(FRAUD)) == kinds
    assert logged(made(replace(FRAUD, shares=(ARM, *FRAUD.shares)))) == kinds * 2


def test_what_is_not_served_is_not_logged() -> None:
    shown = made(replace(FRAUD, preview=2))
    assert logged(shown) != []
    assert logged(shown, "fraud/preview") == []
    hold = table("held").models["fraud"].hold
    assert logged(made(replace(FRAUD, hold=hold, held="z7.1"))) == []
    nobody = made(replace(FRAUD, shares=()))
    assert (logged(nobody), nobody.needs["fraud"]) == ([], frozenset())


def test_each_model_has_a_logger_of_its_own_on_the_shared_port() -> None:
    churn = replace(FRAUD, name="churn", uid="uid-2", port=10_001)
    both = made(*(replace(each, host="ml.example.com", path=f"/{each.name}") for each in (FRAUD, churn)))
    told = [logged_by(each) for each in routes_of(both, SHARED) if LOG in each.typed_per_filter_config]
    clusters = [each.grpc_service.envoy_grpc.cluster_name for each in told]
    assert clusters == ["churn/log"] * 3 + ["fraud/log"] * 3
    assert [each.stat_prefix for each in told] == ["churn"] * 3 + ["fraud"] * 3


def test_another_share_changes_routes_and_nothing_else() -> None:
    assert FRAUD.log is not None
    more = replace(FRAUD, log=replace(FRAUD.log, per_million=2_000))
    assert changed(made(FRAUD), made(more)) == {(Type.ROUTES, "fraud")}


def test_a_log_changes_nothing_of_a_models_pods_nor_of_another_model() -> None:
    churn = replace(FRAUD, name="churn", uid="uid-2", port=10_001, log=None)
    assert changed(made(churn, replace(FRAUD, log=None)), made(churn, FRAUD)) == {
        (Type.LISTENER, "fraud"),
        (Type.ROUTES, "fraud"),
        (Type.CLUSTER, "fraud/log"),
        (Type.ENDPOINTS, "fraud/log"),
        (Type.RUNTIME, IN_FLIGHT),
    }


def test_a_route_that_logs_is_otherwise_as_it_was() -> None:
    """With its weights, its limits, and what counts it."""
    without = routes_of(made(replace(FRAUD, log=None)))
    found = routes_of(made(FRAUD))
    for route in found:
        route.typed_per_filter_config.pop(LOG, None)
    assert found == without


def test_all_loggers_together_have_so_many_samples_on_their_way() -> None:
    fields = parsed(compiled("logged").resources[Type.RUNTIME][IN_FLIGHT]).layer.fields
    assert fields["circuit_breakers.fraud/log.default.max_requests"].number_value == 16
    churn = replace(FRAUD, name="churn", uid="uid-2", port=10_001)
    fields = parsed(made(FRAUD, churn).resources[Type.RUNTIME][IN_FLIGHT]).layer.fields
    for name in ("fraud", "churn"):
        assert fields[f"circuit_breakers.{name}/log.default.max_requests"].number_value == 8


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"perMillion": 10_000, "request": True}, Log("fraud-log", 10_000, request=True, response=False)),
        ({"perMillion": 10_000, "response": True}, Log("fraud-log", 10_000, request=False, response=True)),
        ({"perMillion": 2_000_000}, Log("fraud-log", 1_000_000, request=False, response=False)),
        ({"perMillion": 0, "request": True, "response": True}, None),
    ],
)
def test_what_the_status_says(told: dict[str, Any], expected: Log | None) -> None:
    log = {"service": "fraud-log", **told}
    served = facts.model(version=1, port=10_000, revisions=[facts.revision(1)], log=log)
    logger = Endpoint("10.0.0.9", 9001, 9000)
    found = read(facts.facts([served], [facts.slice_of("fraud-log", logger)])).table
    assert found.models["fraud"].log == expected
    assert found.endpoints.get("fraud-log") == ((logger,) if expected else None)
