"""What the measurements judge by."""

from collections import Counter
from typing import Any

import pytest

from bench.loss import is_served
from bench.many import Outcome, is_only_what_changed
from bench.told import Told, counting, read


def told(**stats: int) -> Told:
    """What Envoy was told, by kind and model: `routes_fraud=1`."""
    patterns = {
        "routes": "http.model/{0}.rds.{0}.config_reload",
        "endpoints": "cluster.{0}/1/http.update_success",
        "runtime": "runtime.load_success",
        "listeners": "listener_manager.listener_modified",
    }
    names = {key: key.split("_") for key in stats}
    return read({patterns[kind].format(model): stats[key] for key, (kind, model) in names.items()})


@pytest.mark.parametrize(
    ("stats", "good"),
    [
        ({"routes_a": 2, "routes_b": 1}, True),
        ({"endpoints_a": 4, "endpoints_b": 2, "runtime_x": 3}, True),
        ({"routes_a": 2, "routes_b": 1, "runtime_x": 1}, False),
        ({"routes_a": 2}, False),
        ({"routes_a": 2, "routes_b": 1, "routes_c": 1}, False),
        ({"routes_a": 3, "routes_b": 1}, False),
        ({"routes_a": 2, "routes_b": 1, "endpoints_a": 2}, False),
        ({"routes_a": 2, "routes_b": 1, "listeners_x": 1}, False),
    ],
)
def test_envoy_is_told_what_changed_and_nothing_else(stats: dict[str, int], good: bool) -> None:  # noqa: FBT001
    outcome = Outcome([], [], {}, told(**stats), Counter({"a": 2, "b": 1}))
    assert is_only_what_changed(outcome) is good


def test_the_statistics_that_are_counted_are_asked_for() -> None:
    patterns = [{"prefix": "server."}]
    bootstrap: dict[str, Any] = {"stats_config": {"stats_matcher": {"inclusion_list": {"patterns": patterns}}}}
    found = counting(bootstrap)["stats_config"]["stats_matcher"]["inclusion_list"]["patterns"]
    assert found[:1] == patterns
    assert {"suffix": ".config_reload"} in found
    assert patterns == [{"prefix": "server."}]


def status(told: int, observed: int, **weights: int) -> dict[str, Any]:
    """A ModelDeployment: the versions of its traffic, and the observed weights (`r1=10_000`)."""
    revisions = [{"revision": int(name[1:]), "weight": weight, "endpoints": 1} for name, weight in weights.items()]
    return {"status": {"traffic": {"version": told}, "trafficObserved": {"version": observed, "revisions": revisions}}}


@pytest.mark.parametrize(
    ("obj", "served"),
    [
        (status(4, 4, r2=10_000, r1=0), True),
        (status(4, 4, r2=0, r1=10_000), False),
        (status(4, 4, r2=9_999, r1=1), False),
        (status(5, 4, r2=10_000), False),
        (status(4, 4), False),
        ({"status": {"traffic": {"version": 4}}}, False),
        ({}, False),
    ],
)
def test_a_revision_is_served_when_every_gateway_runs_it(obj: dict[str, Any], served: bool) -> None:  # noqa: FBT001
    assert is_served(obj, 2) is served
