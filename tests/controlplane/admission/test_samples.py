"""Every sample in `manifests/samples/` is accepted as a user would apply it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tritium.api import names
from tritium.api.spec import ModelDeploymentSpec

if TYPE_CHECKING:
    from tests.controlplane.api import Api

ROOT = Path(__file__).parents[3]
SAMPLES = sorted((ROOT / "manifests" / "samples").glob("*.yaml"))


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def models(path: Path) -> list[dict[str, Any]]:
    return [each for each in documents(path) if each["kind"] == names.KIND]


def test_there_are_samples() -> None:
    assert len(SAMPLES) >= 5


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
async def test_a_sample_is_accepted(sample: Path, api: Api, namespace: str) -> None:
    for document in documents(sample):
        stored = await api.create(document, namespace, fieldValidation="Strict")
        if document["kind"] == names.KIND:
            # Nothing is added and nothing lost on the way, so a revision's key sees what the user wrote.
            assert stored["spec"] == document["spec"]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_what_the_operator_reads(sample: Path) -> None:
    for document in documents(sample):
        if document["kind"] == names.KIND:
            spec = ModelDeploymentSpec.model_validate(document["spec"])
            assert spec.model.source.address


def test_each_kind_of_source_has_a_sample() -> None:
    found = [ModelDeploymentSpec.model_validate(each["spec"]).model.source for path in SAMPLES for each in models(path)]
    schemes = {"mlflow" if each.mlflow else (each.uri or "").partition("://")[0] for each in found}
    assert schemes == {"s3", "gs", "az", "https", "hf", "oci", "pvc", "mlflow"}
    page = (ROOT / "docs" / "sources.md").read_text()
    for scheme in schemes - {"mlflow"}:
        section = page.partition(f"\n## {scheme}://\n")[2].partition("\n## ")[0]
        (named,) = set(re.findall(r"manifests/samples/([a-z-]+\.yaml)", section))
        (shown,) = models(ROOT / "manifests" / "samples" / named)
        assert shown["spec"]["model"]["source"]["uri"].startswith(f"{scheme}://")
