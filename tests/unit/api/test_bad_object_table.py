"""The table of bad objects is complete: every rule and bound of the CRD has a line against it."""

from __future__ import annotations

from tests.controlplane.admission.bad_objects import BAD_OBJECTS, against_bound, against_rule
from tests.controlplane.admission.schema import BOUNDS, spec_nodes
from tritium.api.crd import custom_resource_definition


def test_the_table_is_large_and_its_lines_differ() -> None:
    assert len(BAD_OBJECTS) >= 80
    assert len({repr(bad.object()) + bad.says for bad in BAD_OBJECTS}) == len(BAD_OBJECTS)


def test_every_rule_has_a_bad_object() -> None:
    for path, node in spec_nodes(custom_resource_definition()):
        for rule in node.get("x-kubernetes-validations", []):
            assert against_rule(path, rule) or "oldSelf" in rule["rule"], f"{path}: {rule['message']}"


def test_every_list_and_map_has_a_bad_object_beyond_its_bound() -> None:
    bounded = [(path, node, bound) for path, node in spec_nodes(custom_resource_definition()) for bound in BOUNDS]
    for path, node, bound in bounded:
        assert bound not in node or against_bound(path, bound, node[bound]), f"{path}: {bound} {node[bound]}"
