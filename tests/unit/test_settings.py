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


def test_networks_are_json() -> None:
    given = {"TRITIUM_SOURCE_ALLOWED_NETWORKS": '["10.0.0.0/8","::/0"]', "TRITIUM_SOURCE_REFUSED_NETWORKS": "[]"}
    settings = from_environment({**GIVEN, **given})
    assert [str(each) for each in settings.source_allowed_networks] == ["10.0.0.0/8", "::/0"]
    assert from_environment(GIVEN).source_allowed_networks == settings.source_refused_networks == ()


@pytest.mark.parametrize("key", ["", "rubbish", "-----BEGIN PRIVATE KEY-----\\nAA==\\n-----END PRIVATE KEY-----"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    good = "-----BEGIN PUBLIC KEY-----\\nAA==\\n-----END PUBLIC KEY-----\\n"
    settings = from_environment({**GIVEN, "TRITIUM_SOURCE_SIGNATURE_KEYS": f'["{good}"]'})
    assert settings.source_signature_keys == ("-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n",)
    with pytest.raises(SettingsInvalid, match=r"^TRITIUM_SOURCE_SIGNATURE_KEYS: "):
        from_environment({**GIVEN, "TRITIUM_SOURCE_SIGNATURE_KEYS": f'["{key}"]'})


@pytest.mark.parametrize("network", ["10.0.0.1/8", "10.0.0.0/33", "minio", "10.0.0.0-10.1.0.0"])
def test_a_network_that_is_none_is_refused(network: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"^TRITIUM_SOURCE_ALLOWED_NETWORKS: "):
        from_environment({**GIVEN, "TRITIUM_SOURCE_ALLOWED_NETWORKS": f'["{network}"]'})


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
