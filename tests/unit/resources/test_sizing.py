"""How much a pod asks for and may use."""

from __future__ import annotations

from typing import Any

import pytest

from tritium.api.server import Server
from tritium.resources.amounts import GI, MI, number
from tritium.resources.sizing import fetch_resources, models_volume, shared_memory, triton_resources

SIZES = [0, 1, 100 * MI, 7 * GI, 300 * GI]


def resources(size: int = 100 * MI, **server: Any) -> dict[str, dict[str, Any]]:
    return triton_resources(Server.model_validate(server), size, size)


def value(amount: Any) -> Any:
    known = number(amount)
    assert known is not None
    return known


@pytest.mark.parametrize("size", SIZES)
def test_the_defaults_have_room_for_the_model(size: int) -> None:
    built = resources(size)
    limits, requests = built["limits"], built["requests"]
    assert models_volume(size) > size
    assert value(limits["memory"]) > size + value(shared_memory(Server(), size))
    assert value(limits["ephemeral-storage"]) > value(requests["ephemeral-storage"]) >= models_volume(size)
    assert value(limits["memory"]) > value(requests["memory"]) > size


def test_all_is_explicit_but_for_a_limit_on_the_cpu() -> None:
    assert set(resources()["requests"]) == {"cpu", "memory", "ephemeral-storage"}
    assert set(resources()["limits"]) == {"memory", "ephemeral-storage"}


def test_a_limit_without_a_request_is_the_request() -> None:
    built = resources(resources={"limits": {"cpu": 2, "memory": "8Gi"}})
    assert (built["requests"]["cpu"], built["requests"]["memory"]) == (2, "8Gi")


def test_a_request_above_the_default_limit_raises_it() -> None:
    built = resources(resources={"requests": {"memory": "64Gi", "cpu": "100m"}})
    assert built["limits"]["memory"] == "64Gi"
    assert built["requests"]["cpu"] == "100m"
    assert value(resources(resources={"requests": {"memory": "1Mi"}})["limits"]["memory"]) > GI


@pytest.mark.parametrize(
    ("server", "resource", "count"),
    [
        ({"gpu": {"count": 2}}, "nvidia.com/gpu", 2),
        ({"gpu": {"count": 1, "resourceName": "nvidia.com/mig-1g.10gb"}}, "nvidia.com/mig-1g.10gb", 1),
        ({"resources": {"requests": {"example.com/npu": 4}}}, "example.com/npu", 4),
        ({"resources": {"limits": {"hugepages-2Mi": "64Mi"}}}, "hugepages-2Mi", "64Mi"),
    ],
)
def test_what_cannot_be_shared_is_request_and_limit(server: dict[str, Any], resource: str, count: Any) -> None:
    built = resources(**server)
    assert built["requests"][resource] == built["limits"][resource] == count


def test_dev_shm_is_as_written_else_by_the_model() -> None:
    assert shared_memory(Server(shm_size="1Gi"), 7 * GI) == "1Gi"
    assert [shared_memory(Server(), size) for size in SIZES] == ["256Mi", "256Mi", "256Mi", "1792Mi", "4096Mi"]
    assert value(resources(shmSize="8Gi")["limits"]["memory"]) > 8 * GI + 100 * MI


def test_fetch_does_not_cost_the_pod_its_class() -> None:
    same = {"cpu": "1500m", "memory": "8Gi"}
    guaranteed = fetch_resources(resources(resources={"requests": same, "limits": same | {"cpu": "1.5"}}))
    assert guaranteed["requests"] == guaranteed["limits"]
    assert value(guaranteed["limits"]["cpu"]) == value("1.5")


def test_fetch_asks_for_less_than_triton_does_by_default() -> None:
    triton = resources(size=0)
    fetch = fetch_resources(triton)
    assert set(fetch["requests"]) == set(fetch["limits"]) == {"cpu", "memory", "ephemeral-storage"}
    for name, amount in fetch["requests"].items():
        assert value(amount) <= value(triton["requests"][name])
        assert value(amount) <= value(fetch["limits"][name])


def test_what_is_no_amount_is_handed_on_for_the_api_server_to_refuse() -> None:
    assert resources(resources={"requests": {"memory": "much"}})["requests"]["memory"] == "much"
