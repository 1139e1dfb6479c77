"""Settings from the environment: what is missing or wrong is named as the variable it is."""

from __future__ import annotations

import pytest

from tritium.environment import SettingsInvalid
from tritium.resources.rendering import ENVOY_RESOURCES
from tritium.settings import from_environment

GIVEN = {"TRITIUM_IMAGE": "a", "TRITIUM_TRITON_IMAGE": "b", "TRITIUM_NAMESPACE": "c", "TRITIUM_POD_NAME": "d"}


def test_what_the_chart_gives_is_enough() -> None:
    settings = from_environment({**GIVEN, "TRITIUM_LOG_LEVEL": "DEBUG", "PATH": "/bin"})
    assert (settings.image, settings.log_level, settings.port) == ("a", "DEBUG", 8080)


def test_resources_are_json() -> None:
    given = '{"limits":{"memory":"1Gi"},"requests":{"cpu":0.5}}'
    settings = from_environment({**GIVEN, "TRITIUM_GATEWAY_RESOURCES": given})
    assert settings.gateway_resources == {"limits": {"memory": "1Gi"}, "requests": {"cpu": 0.5}}
    assert from_environment(GIVEN).gateway_resources == ENVOY_RESOURCES


@pytest.mark.parametrize(
    "address", ["", "prometheus:9090", "ftp://a", "http://user:word@a", "http://a/?b=c", "http://a#b"]
)
def test_prometheus_has_an_address_without_password_or_query(address: str) -> None:
    assert from_environment(GIVEN).prometheus_url is None
    assert (
        from_environment({**GIVEN, "TRITIUM_PROMETHEUS_URL": "http://a:9090/b/"}).prometheus_url == "http://a:9090/b/"
    )
    with pytest.raises(SettingsInvalid, match=r"^TRITIUM_PROMETHEUS_URL: [^;]*without user, query or fragment$"):
        from_environment({**GIVEN, "TRITIUM_PROMETHEUS_URL": address})


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"^{name}: "):
        from_environment({key: value for key, value in GIVEN.items() if key != name})


def test_what_has_no_meaning_is_named() -> None:
    with pytest.raises(SettingsInvalid, match=r"^TRITIUM_PORT: .*valid integer"):
        from_environment({**GIVEN, "TRITIUM_PORT": "http"})
