"""What can be said of the CRD without a server."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.controlplane.admission.schema import nodes, whole
from tritium.api import names
from tritium.api.crd import custom_resource_definition
from tritium.api.server import OWN_ARGUMENTS
from tritium.cli.crd_yaml import crd_yaml

FILE = Path(__file__).parents[3] / "crds" / f"{names.CRD_NAME}.yaml"


def test_the_file_is_under_60_kilobytes() -> None:
    assert FILE.stat().st_size < 60 * 1024


def test_the_text_is_the_same_crd() -> None:
    assert yaml.safe_load(crd_yaml(custom_resource_definition())) == custom_resource_definition()


def test_no_member_has_a_default() -> None:
    """A default would appear on every old object without a new generation, and change the key of its revision."""
    for path, node in nodes(whole(custom_resource_definition()), ""):
        assert "default" not in node, path


def test_every_member_of_spec_and_status_is_described() -> None:
    for part in ("spec", "status"):
        for path, node in nodes(whole(custom_resource_definition())["properties"][part], part):
            named_member = not path.endswith(("[]", ".*"))
            assert not named_member or node.get("description", "").endswith((".", "?")), path


def test_what_helm_reads_holds_no_template() -> None:
    """The chart's copy goes through helm's templates: two braces there would be taken for one."""
    text = crd_yaml(custom_resource_definition())
    assert "{{" not in text


def test_the_flags_that_tritium_sets_are_those_the_rule_refuses() -> None:
    rules = json.dumps(whole(custom_resource_definition())["properties"]["spec"]["properties"]["server"])
    assert all(flag in rules for flag in OWN_ARGUMENTS)


def test_no_object_names_another_namespace() -> None:
    """What an object refers to (a Secret, a ServiceAccount, a volume) is looked for beside it; none says where else."""
    spec = whole(custom_resource_definition())["properties"]["spec"]
    # What Kubernetes defines is handed to Kubernetes as it is: a pod refers to nothing in another namespace either.
    ours = [path for path, _ in nodes(spec, "spec")]
    assert "spec.model.source.credentials.secretRef.name" in ours
    assert [path for path in ours if "namespace" in path.lower()] == []
