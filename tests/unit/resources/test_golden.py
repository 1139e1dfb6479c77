"""The objects are those of the golden files; `golden.py` says how to rewrite them."""

from __future__ import annotations

import pytest

from tests.unit.resources.golden import GOLDEN, NAMES, SAMPLES, has_preview, objects, owner_of, rendered, sample


@pytest.mark.parametrize("name", [*NAMES, "gateway", "follow"])
def test_the_objects_are_those_of_the_golden_file(name: str) -> None:
    assert rendered(name) == (GOLDEN / f"{name}.yaml").read_text()


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {*NAMES, "gateway", "follow"}


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("*.yaml")))
def test_every_sample_builds(name: str) -> None:
    model = sample(name)
    built = objects(owner_of(model), model["spec"])
    assert [each["kind"] for each in built] == [
        "Job", "ControllerRevision", "Deployment", "ConfigMap", "PodDisruptionBudget", "Service", "Service",
        *(["Service"] if has_preview(model["spec"]) else []),
        *(["Service", "Deployment"] if "logging" in model["spec"] else []),
    ]  # fmt: skip
    for each in built:
        assert each["metadata"]["ownerReferences"][0]["name"] == model["metadata"]["name"]
        assert len(each["metadata"]["name"]) <= 63
