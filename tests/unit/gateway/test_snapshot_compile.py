"""The compiler: the same for the same, nothing anew that has not changed, and nothing named that is not there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.golden import compiled, parsed, table
from tests.unit.gateway.strategies import MODELS, PODS
from tests.unit.gateway.test_snapshot_request_log import logged_by
from tritium.gateway.snapshot.clusters import cluster
from tritium.gateway.snapshot.compile import compile_snapshot
from tritium.gateway.snapshot.held import ON_DEMAND
from tritium.gateway.snapshot.hosts import reachable
from tritium.gateway.snapshot.listeners import ListenerSettings
from tritium.gateway.snapshot.names import IN_FLIGHT, SHARED, Protocol, cluster_name, preview_name
from tritium.gateway.snapshot.paths import passing
from tritium.gateway.snapshot.request_log import LOG
from tritium.gateway.snapshot.resource import Resource, Snapshot, Type
from tritium.gateway.table import Endpoint, Model, Share, Table

SETTINGS = ListenerSettings()


def flat(snapshot: Snapshot) -> dict[tuple[Type, str], Resource]:
    """All resources by type and name."""
    return {(type_, name): each for type_, named in snapshot.resources.items() for name, each in named.items()}


def changed(before: Snapshot, after: Snapshot) -> set[tuple[Type, str]]:
    """What has another content, is new, or is gone."""
    old, new = flat(before), flat(after)
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


def tables() -> st.SearchStrategy[Table]:
    """Tables of some models."""
    models = st.lists(MODELS, max_size=3).map(
        lambda found: {f"m{number}": replace(model, name=f"m{number}") for number, model in enumerate(found)}
    )
    return st.builds(Table, models, st.dictionaries(st.sampled_from("abc"), PODS))


def named_by(route: Any) -> Iterator[str]:
    """Clusters that a route leads to, copies to or logs to, but for those that are made on demand."""
    yield from (each.name for each in route.route.weighted_clusters.clusters)
    yield from (each.cluster for each in route.route.request_mirror_policies)
    if route.route.cluster and ON_DEMAND not in route.typed_per_filter_config:
        yield route.route.cluster
    if LOG in route.typed_per_filter_config:
        yield logged_by(route).grpc_service.envoy_grpc.cluster_name


@given(tables())
def test_what_a_route_names_is_what_it_needs_and_is_there(given_table: Table) -> None:
    snapshot = compile_snapshot(given_table, SETTINGS)
    routes = {name: parsed(each) for name, each in snapshot.resources[Type.ROUTES].items()}
    assert snapshot.needs.keys() == routes.keys()
    for name, configuration in routes.items():
        named = {each for host in configuration.virtual_hosts for route in host.routes for each in named_by(route)}
        assert named == snapshot.needs[name]
        assert named <= snapshot.resources[Type.CLUSTER].keys()
    assert snapshot.resources[Type.CLUSTER].keys() == snapshot.resources[Type.ENDPOINTS].keys()


@given(tables())
def test_every_request_is_answered(given_table: Table) -> None:
    """The last route of each virtual host fits whatever comes, and the last host whoever is asked for."""
    for resource in compile_snapshot(given_table, SETTINGS).resources[Type.ROUTES].values():
        hosts = parsed(resource).virtual_hosts
        assert [*hosts[-1].domains] == ["*"]
        for host in hosts:
            last = host.routes[-1]
            assert (last.match.prefix, len(last.match.headers)) == ("/", 0)
            assert last.direct_response.status >= 400


@given(tables())
def test_the_order_of_a_split_is_that_of_the_shares(given_table: Table) -> None:
    snapshot = compile_snapshot(given_table, SETTINGS)
    for name, model in given_table.models.items():
        expected = [(share.revision, share.weight) for share in model.shares if share.weight]
        for route in parsed(snapshot.resources[Type.ROUTES][name]).virtual_hosts[0].routes:
            clusters = route.route.weighted_clusters.clusters
            found = [(int(each.name.split("/")[1]), each.weight.value) for each in clusters]
            assert found in ([], expected)


@given(tables())
def test_the_same_table_gives_the_same_objects(given_table: Table) -> None:
    first = compile_snapshot(given_table, SETTINGS)
    again = compile_snapshot(Table(dict(reversed([*given_table.models.items()])), given_table.endpoints), SETTINGS)
    assert flat(first).keys() == flat(again).keys()
    assert all(flat(again)[key] is each for key, each in flat(first).items())


def test_another_process_makes_the_same_bytes() -> None:
    shown = "print(sorted(map(str, flat(compiled('canary')).values())))"
    program = f"from tests.unit.gateway.test_snapshot_compile import *; {shown}"
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_another_version_of_the_traffic_with_the_same_content_changes_nothing() -> None:
    before = table("canary")
    after = Table({"fraud": replace(before.models["fraud"], version=8, uid="uid-2")}, before.endpoints)
    old, new = compile_snapshot(before, SETTINGS), compile_snapshot(after, SETTINGS)
    assert changed(old, new) == set()
    abouts = {each.about for each in flat(new).values() if each.about}
    assert {(each.uid, each.version) for each in abouts} == {("uid-2", 8)}


@given(tables())
def test_a_preview_leads_to_one_revision_and_to_no_other(given_table: Table) -> None:
    snapshot = compile_snapshot(given_table, SETTINGS)
    for name, model in given_table.models.items():
        shown = snapshot.resources[Type.ROUTES].get(preview_name(name))
        assert (shown is not None) is (model.preview in {share.revision for share in model.shares})
        for route in parsed(shown).virtual_hosts[0].routes if shown else ():
            to = {each.split("/")[1] for each in named_by(route)}
            assert to == set() if route.direct_response.status else {str(model.preview)}


def test_a_preview_is_beside_the_models_port_and_closed_where_that_is() -> None:
    resources = compiled("preview").resources
    own, shown = (parsed(resources[Type.LISTENER][name]) for name in ("fraud", "fraud/preview"))
    ports = [each.address.socket_address.port_value for each in (own, shown)]
    assert ports == [10_000, 11_000]
    routes = [parsed(resources[Type.ROUTES][name]).virtual_hosts[0].routes for name in ("fraud", "fraud/preview")]
    answers = [[(str(each.match), each.direct_response.status) for each in found] for found in routes]
    assert answers[0] == answers[1]
    assert len(answers[0]) > len(passing("fraud"))


def test_a_preview_that_goes_to_another_revision_changes_its_routes_and_nothing_else() -> None:
    before = table("preview")
    after = Table({"fraud": replace(before.models["fraud"], preview=1)}, before.endpoints)
    found = changed(compile_snapshot(before, SETTINGS), compile_snapshot(after, SETTINGS))
    assert found == {(Type.ROUTES, "fraud/preview")}


def test_a_weight_changes_routes_and_nothing_else() -> None:
    before = table("canary")
    model = before.models["fraud"]
    first, second = model.shares
    moved = replace(model, shares=(replace(first, weight=600), replace(second, weight=9_400)))
    after = compile_snapshot(Table({"fraud": moved}, before.endpoints), SETTINGS)
    assert changed(compile_snapshot(before, SETTINGS), after) == {(Type.ROUTES, "fraud")}


def test_a_pod_changes_endpoints_and_what_may_be_in_flight() -> None:
    before = table("canary")
    pods = (*before.endpoints["fraud-4e5f6071"], Endpoint("10.0.0.9", 8000, 8001))
    after = compile_snapshot(Table(before.models, {**before.endpoints, "fraud-4e5f6071": pods}), SETTINGS)
    names = {(Type.ENDPOINTS, "fraud/2/http"), (Type.ENDPOINTS, "fraud/2/grpc"), (Type.RUNTIME, IN_FLIGHT)}
    assert changed(compile_snapshot(before, SETTINGS), after) == names


def test_limits_never_change_a_cluster() -> None:
    before, after = compiled("canary"), compiled("arm")
    assert not [key for key in changed(before, after) if key[0] is Type.CLUSTER]
    assert before.resources[Type.CLUSTER]["fraud/1/http"].body == cluster(
        cluster_name("fraud", 1, Protocol.HTTP), Protocol.HTTP
    ).SerializeToString(deterministic=True)


def test_a_model_that_goes_takes_all_of_its_own_along() -> None:
    assert flat(compile_snapshot(Table(), SETTINGS)).keys() == {(Type.RUNTIME, IN_FLIGHT)}


def test_one_model_changes_the_routes_of_the_shared_port_and_not_the_listener() -> None:
    before = table("shared")
    model = before.models["fraud"]
    moved = replace(model, shares=(Share(1, "fraud-0a1b2c3d", 1),), path="/other")
    after = compile_snapshot(Table({"fraud": moved}, before.endpoints), SETTINGS)
    assert changed(compile_snapshot(before, SETTINGS), after) == {(Type.ROUTES, SHARED)}


def test_the_longest_path_comes_first() -> None:
    models = [Model(f"m{len(path)}", "", 1, 1, "t", (), host="h", path=path) for path in ("", "/a", "/a/b")]
    assert [model.path for model in reachable(models)] == ["/a/b", "/a", ""]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v2/models/fraud/infer", "infer"),
        ("/v2/models/fraud/versions/12/generate", "infer"),
        ("/v2/models/fraud/generate_stream", "generate-stream"),
        ("/v2/models/fraud/versions/1/stats", "read"),
        ("/v2/models/fraud", "read"),
        ("/v2", "read"),
        ("/inference.GRPCInferenceService/ModelInfer", "ModelInfer"),
        ("/inference.GRPCInferenceService/ModelConfig", "grpc-read"),
        ("/grpc.health.v1.Health/Watch", "watch"),
        ("/v2/models/fraud/versions/x/infer", None),
        ("/v2/models/fraud/versions/infer", None),
        ("/v2/models/fraud/infer/", None),
        ("/v2/models/Fraud/infer", None),
        ("/v2/models/fraud/load", None),
        ("/v2/models", None),
        ("/v2/", None),
        ("/inferenceXGRPCInferenceService/ModelInfer", None),
        ("/inference.GRPCInferenceService/RepositoryIndex", None),
        ("/inference.GRPCInferenceService/ModelInferX", None),
    ],
)
def test_what_passes(path: str, name: str | None) -> None:
    found = [kind.name for kind in passing("fraud") if re.fullmatch(kind.path, path, re.ASCII)]
    assert found == ([name] if name else [])
