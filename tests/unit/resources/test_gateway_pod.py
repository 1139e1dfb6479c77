"""What is special about the gateway's pod; the whole of it stands in the golden file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.resources.golden import RENDERING
from tritium.api.gateway import AGENT_PORT, HEALTH_PATH, HEALTH_PORT, RUN_FOLDER
from tritium.gateway.settings import from_environment
from tritium.gateway.table import Bounds
from tritium.resources.amounts import number
from tritium.resources.gateway.identity import Gateway
from tritium.resources.gateway.pod import GRACE, LEAVING, LONGEST_REQUEST, pod_template
from tritium.resources.pod_template import DRAIN
from tritium.resources.triton import EXIT_TIMEOUT

Object = dict[str, Any]

GATEWAY = Gateway("ml", "00000000-0000-0000-0000-000000000003")
POD = pod_template(GATEWAY, RENDERING)["spec"]
(AGENT,) = POD["initContainers"]
(ENVOY,) = POD["containers"]


def mounts(container: Object) -> dict[str, str]:
    return {each["name"]: each["mountPath"] for each in container["volumeMounts"]}


def test_the_agent_begins_before_envoy_and_ends_after_it() -> None:
    assert AGENT["restartPolicy"] == "Always"
    assert AGENT["startupProbe"]["httpGet"]["path"] == "/startedz"


def test_only_the_agent_gets_the_token() -> None:
    (token,) = (each["name"] for each in POD["volumes"] if "projected" in each)
    assert POD["automountServiceAccountToken"] is False
    assert token in mounts(AGENT)
    assert token not in mounts(ENVOY)
    assert not any("secret" in each for each in POD["volumes"])


def test_both_see_the_same_folder() -> None:
    assert mounts(AGENT)["run"] == mounts(ENVOY)["run"] == RUN_FOLDER


@pytest.mark.parametrize("container", [AGENT, ENVOY], ids=["agent", "envoy"])
def test_resources_are_explicit_and_nothing_slows_requests_down(container: Object) -> None:
    resources = container["resources"]
    assert resources["requests"].keys() == {"cpu", "memory", "ephemeral-storage"}
    assert resources["limits"].keys() == {"memory", "ephemeral-storage"}
    for name, limit in resources["limits"].items():
        wanted, bound = number(resources["requests"][name]), number(limit)
        assert wanted is not None
        assert bound is not None
        assert 0 < wanted <= bound


def test_what_the_installation_says_of_envoy_counts() -> None:
    resources: Object = {"requests": {"cpu": 2, "ephemeral-storage": "1Gi"}, "limits": {"memory": "4Gi"}}
    chosen = replace(RENDERING, gateway_image="envoy:own", gateway_resources=resources, image_pull_policy="Always")
    (envoy,) = pod_template(GATEWAY, chosen)["spec"]["containers"]
    assert (envoy["image"], envoy["imagePullPolicy"]) == ("envoy:own", "Always")
    assert envoy["resources"] == {
        "requests": {"cpu": 2, "ephemeral-storage": "1Gi"},
        "limits": {"memory": "4Gi", "ephemeral-storage": "256Mi"},
    }


def test_the_agent_knows_how_much_memory_envoy_has() -> None:
    variable = next(each for each in AGENT["env"] if each["name"] == "TRITIUM_ENVOY_MEMORY")
    assert variable["valueFrom"]["resourceFieldRef"] == {"containerName": ENVOY["name"], "resource": "limits.memory"}


def test_a_kubelet_finds_the_agent_from_both_containers() -> None:
    """A hook's port is looked up among those of its own container, so the one in Envoy's is a number."""
    assert AGENT["ports"] == [{"name": AGENT["startupProbe"]["httpGet"]["port"], "containerPort": AGENT_PORT}]
    assert ENVOY["lifecycle"]["preStop"]["httpGet"]["port"] == AGENT_PORT
    assert ENVOY["startupProbe"]["httpGet"]["port"] == AGENT_PORT


def test_a_pod_stays_in_the_services_without_its_agent() -> None:
    """Envoy goes on by itself, so its readiness is its own word."""
    assert "readinessProbe" not in AGENT
    assert ENVOY["readinessProbe"]["httpGet"] == {"path": HEALTH_PATH, "port": HEALTH_PORT}
    assert "livenessProbe" not in ENVOY


def test_the_agent_has_all_it_must_be_told_and_drains_for_who_brings_the_token() -> None:
    by_kubelet = {"TRITIUM_POD_IP": "10.0.0.7", "TRITIUM_ENVOY_MEMORY": str(2**29)}
    given = {each["name"]: each.get("value", by_kubelet.get(each["name"], "a")) for each in AGENT["env"]}
    (header,) = ENVOY["lifecycle"]["preStop"]["httpGet"]["httpHeaders"]
    told = from_environment(given)
    assert told.drain_token == header["value"]
    assert told.envoy().memory_bytes == 2**29
    assert told.longest_drain + 10 < GRACE  # the hook's own time is part of it


def test_a_request_of_the_default_length_ends_before_what_serves_it() -> None:
    assert Bounds().timeout_ms == LONGEST_REQUEST * 1000
    assert GRACE > LEAVING + LONGEST_REQUEST
    assert DRAIN + EXIT_TIMEOUT >= LONGEST_REQUEST
