"""Every bound of the schema holds on a real server, and a refusal names the field.

The bounds are read from the kept copy of the CRD, the server runs the generated one: a bound that the generator
loses is missed here.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from tests.controlplane.admission.instances import Broken, broken
from tests.controlplane.admission.objects import good, put
from tests.controlplane.admission.schema import whole
from tests.controlplane.api import Api, ApiError, Object
from tritium.api import names
from tritium.api.spec import ModelDeploymentSpec

pytestmark = pytest.mark.usefixtures("installed")
KEPT = Path(__file__).parents[2] / "golden" / "crds" / f"schema-{names.SCHEMA_NUMBER}.yaml"
SAYS = {
    "minimum": "should be greater than or equal to",
    "exclusiveMinimum": "should be greater than",
    "maximum": "should be less than or equal to",
    "maxLength": "may not be more than",
    "minLength": "should be at least",
    "enum": "supported values:",
    "type": "must be of type",
    "required": "Required value",
}


def cases() -> list[Broken]:
    """All bounds of spec."""
    return list(broken(whole(yaml.safe_load(KEPT.read_text()))["properties"]["spec"]))


@pytest.mark.parametrize("keyword", SAYS)
async def test_a_broken_bound_is_refused_by_its_path(keyword: str, api: Api) -> None:
    these = [case for case in cases() if case.keyword == keyword]
    assert these
    for case in these:
        with pytest.raises(ApiError) as refused:
            await api.create(good() | {"spec": case.spec}, "default", fieldValidation="Strict", dryRun="All")
        assert refused.value.status == 422, case.path
        assert f"{case.path}: " in refused.value.message, (case.path, refused.value.message)
        assert SAYS[keyword] in refused.value.message, (case.path, refused.value.message)


def test_each_kind_of_bound_is_there() -> None:
    assert set(Counter(case.keyword for case in cases())) == set(SAYS)


@pytest.mark.parametrize("odd", ["\x00", "\t", "\n", "\v", "\x1b", " ", "\x7f", "\x85", "\xa0", "é", "@", "#"])
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("model.source.uri", "s3://models/fraud{}/7"),
        ("model.name", "fraud{}"),
        ("server.image", "triton{}:26.07"),
        ("rollout.bakeTime", "10m{}"),
        ("server.runtimeClassName", "nvidia{}"),
    ],
)
async def test_the_server_and_the_operator_read_text_alike(path: str, text: str, odd: str, api: Api) -> None:
    """What the one accepts the other can read: a pattern means the same in RE2 and in Python."""
    obj = good()
    put(obj["spec"], path, text.format(odd))
    assert await accepts(api, obj) == reads(obj)


async def accepts(api: Api, obj: Object) -> bool:
    """Whether the server takes the object."""
    try:
        await api.create(obj, "default", fieldValidation="Strict", dryRun="All")
    except ApiError as error:
        if error.status != 422:
            raise
        return False
    return True


def reads(obj: Object) -> bool:
    """Whether the operator can read the object's spec."""
    try:
        ModelDeploymentSpec.model_validate(obj["spec"])
    except ValidationError:
        return False
    return True
