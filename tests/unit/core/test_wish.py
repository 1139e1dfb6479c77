"""What a spec asks of the gateway, in the terms of the status, and of a rollout."""

from typing import Any

import pytest

from tritium.api.source import OPTIONS
from tritium.api.traffic_status import TrafficLimits
from tritium.core.wish import RoutingWish, SpecInvalid, Wish, wish

MODEL = {"source": {"uri": "s3://models/fraud/7"}}


def asked(**spec: Any) -> Wish:
    obj = {
        "metadata": {"namespace": "ml", "name": "fraud", "generation": 1},
        "spec": {"model": MODEL, **spec},
    }
    return wish(obj)


def routing(**spec: Any) -> RoutingWish:
    return asked(**spec).routing


def limits(**written: Any) -> TrafficLimits | None:
    return routing(traffic={"limits": written}).limits


@pytest.mark.parametrize("spec", [{}, {"traffic": {}, "routing": {}}, {"traffic": {"limits": {}}}])
def test_what_is_not_written_is_left_to_the_gateway(spec: dict[str, Any]) -> None:
    assert routing(**spec) == RoutingWish()


def test_a_sticky_header_is_lower_case_as_it_is_on_the_wire() -> None:
    assert routing(traffic={"sticky": {"header": "X-User-ID"}}).sticky_header == "x-user-id"


@pytest.mark.parametrize(
    ("written", "milliseconds"), [("500ms", 500), ("30s", 30_000), ("1h30m", 5_400_000), ("0s1ms", 1)]
)
def test_a_timeout_is_in_milliseconds(written: str, milliseconds: int) -> None:
    assert routing(traffic={"timeout": written}).limits == TrafficLimits(timeout_ms=milliseconds)


UNUSED = [
    ("s3", "accountName"),
    ("gs", "region"),
    ("az", "virtualHostedStyle"),
    ("hf", "region"),
    ("oci", "endpoint"),
    ("https", "endpoint"),
    ("https", "anonymous"),
    ("https", "allowHttp"),
    ("pvc", "proxyUrl"),
]


@pytest.mark.parametrize(("scheme", "option"), UNUSED)
def test_a_setting_that_the_source_does_not_use_is_refused(scheme: str, option: str) -> None:
    source = {"uri": f"{scheme}://models/fraud", "options": {option: "true"}}
    with pytest.raises(SpecInvalid, match=f"^spec.model.source.options: {scheme}:// does not use {option}; remove it"):
        asked(model={"source": source})


@pytest.mark.parametrize(("option", "scheme"), [(name, each) for name, schemes in OPTIONS.items() for each in schemes])
def test_a_setting_is_taken_where_it_means_something(option: str, scheme: str) -> None:
    source = {"uri": f"{scheme}://models/fraud", "options": {option: "true"}}
    assert asked(model={"source": source}).model == "fraud"


def test_where_a_registered_model_lies_is_not_known_before_it_is_looked_up() -> None:
    registered = {"trackingUri": "https://mlflow.example.com", "name": "fraud", "alias": "champion"}
    source = {"mlflow": registered, "options": dict.fromkeys(OPTIONS, "true")}
    assert asked(model={"source": source}).follows


IN_A_BUCKET = {"uri": "s3://models/fraud", "options": {"endpoint": "https://s3.example.com", "region": "x"}}
REGISTERED = {"mlflow": {"trackingUri": "https://mlflow.example.com", "name": "fraud", "alias": "champion"}}


def arms(*sources: dict[str, Any] | None) -> dict[str, Any]:
    """Arms with these sources, and one that is a kept revision before them."""
    models = [{"name": f"arm-{place}", "model": {"source": each}, "weight": 1} for place, each in enumerate(sources)]
    return {"arms": [{"name": "kept", "revision": 3, "weight": 1}, *models]}


@pytest.mark.parametrize(
    ("base", "uri", "unused"),
    [
        (IN_A_BUCKET, "oci://registry.example.com/fraud", "endpoint, region"),
        (IN_A_BUCKET, "gs://models/fraud", "region"),
        (IN_A_BUCKET, "pvc://models/fraud", "endpoint, region"),
        ({**REGISTERED, "options": {"region": "x", "proxyUrl": "http://10.0.0.1"}}, "gs://models/fraud", "region"),
    ],
)
def test_an_arm_that_does_not_use_what_it_has_from_the_base_is_refused(
    base: dict[str, Any], uri: str, unused: str
) -> None:
    experiment = arms({"uri": "s3://models/deep"} if "uri" in base else {"mlflow": {"version": 7}}, {"uri": uri})
    scheme = uri.partition("://")[0]
    with pytest.raises(SpecInvalid) as refused:
        asked(model={"source": base}, experiment=experiment)
    assert str(refused.value).startswith(
        f"spec.experiment.arms[2].model.source.uri: {scheme}:// does not use {unused}, which an arm has from "
        "spec.model.source.options; "
    )


def test_an_arm_that_uses_them_is_taken() -> None:
    experiment = arms({"uri": "s3://others/deep"}, None, {"uri": "s3://models/deep", "digest": f"sha256:{'a' * 64}"})
    assert asked(model={"source": IN_A_BUCKET}, experiment=experiment).experiment


def test_an_arm_that_is_another_version_is_not_known_before_it_is_looked_up() -> None:
    base = {**REGISTERED, "options": dict.fromkeys(OPTIONS, "true")}
    assert asked(model={"source": base}, experiment=arms({"mlflow": {"alias": "challenger"}})).experiment


SIZES = [
    ("64Mi", 64 * 2**20),
    ("10M", 10_000_000),
    (4096, 4096),
    ("4096", 4096),
    ("1.5Ki", 1536),
    ("0.1", 1),
    ("1e3", 1000),
    ("0", 1),
    (0, 1),
    ("9999Ei", 2**50),
]


@pytest.mark.parametrize(("written", "size"), SIZES, ids=[str(written) for written, _ in SIZES])
def test_sizes_are_whole_bytes_within_what_can_be_kept(written: str | int, size: int) -> None:
    assert limits(maxRequestBytes=written) == TrafficLimits(max_request_bytes=size)
    assert limits(maxResponseBytes=written) == TrafficLimits(max_response_bytes=size)
    assert limits(maxHeaderBytes=written) == TrafficLimits(max_header_bytes=size)


def test_limits_stand_side_by_side() -> None:
    written = {"timeout": "2s", "limits": {"maxConcurrency": 8, "maxRequestBytes": "1Ki", "maxHeaderBytes": "2Ki"}}
    assert routing(traffic=written).limits == TrafficLimits(
        timeout_ms=2000, max_concurrency=8, max_request_bytes=1024, max_header_bytes=2048
    )


@pytest.mark.parametrize("written", ["1e33", "1e-33", "1e99999"])
def test_an_amount_beyond_all_measure_is_not_understood_and_fails_no_pass(written: str) -> None:
    """The API server takes it for a quantity."""
    with pytest.raises(SpecInvalid) as raised:
        limits(maxRequestBytes=written)
    assert "spec.traffic.limits.maxRequestBytes" in str(raised.value)
    assert written in str(raised.value)


@pytest.mark.parametrize(
    ("written", "path"),
    [(None, None), ("/", None), ("/fraud", "/fraud"), ("/fraud/", "/fraud"), ("/team/fraud/", "/team/fraud")],
)
def test_a_path_has_no_slash_at_its_end(written: str | None, path: str | None) -> None:
    found = routing(routing={"host": "models.example.com", **({"path": written} if written else {})})
    assert found == RoutingWish(host="models.example.com", path=path)


def test_what_goes_through_the_gateway_makes_no_other_revision() -> None:
    traffic = {"timeout": "2s", "sticky": {"header": "x-user-id"}}
    assert asked(traffic=traffic, routing={"host": "models.example.com"}).written == asked().written


@pytest.mark.parametrize(
    ("spec", "enforces"),
    [
        ({}, True),
        ({"rollout": {}}, True),
        ({"rollout": {"compatibility": "Enforce"}}, True),
        ({"rollout": {"compatibility": "Warn"}}, False),
    ],
)
def test_other_tensors_are_let_through_only_if_the_spec_says_so(spec: dict[str, Any], *, enforces: bool) -> None:
    assert asked(**spec).enforces is enforces


def test_what_travels_in_one_variable_is_bounded_together() -> None:
    """Linux takes 128 KiB, in which a dollar sign has six characters."""
    tensor = {"name": "X", "datatype": "BYTES", "shape": [1], "data": ["a" * 40_000]}
    settings = {"parameters": {"a": "$" * 4096, "b": "$" * 4096}}
    for model in ({"warmup": [{"inputs": [tensor]}]}, {"config": settings}):
        asked(model=MODEL | model)
    with pytest.raises(SpecInvalid, match=r"spec\.model\.config: has, with warmup, more than 64 KiB"):
        asked(model=MODEL | {"warmup": [{"inputs": [tensor]}], "config": settings})
