"""A real API server refuses each bad object, names the field and says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controlplane.admission.bad_objects import BAD_OBJECTS
from tests.controlplane.admission.objects import Bad, good
from tests.controlplane.api import ApiError

if TYPE_CHECKING:
    from tests.controlplane.api import Api

pytestmark = pytest.mark.usefixtures("installed")


@pytest.mark.parametrize("bad", BAD_OBJECTS, ids=str)
async def test_a_bad_object_is_refused_with_a_sentence(bad: Bad, api: Api) -> None:
    with pytest.raises(ApiError) as refused:
        await api.create(bad.object(), "default", fieldValidation="Strict", dryRun="All")
    assert refused.value.status in {400, 422}
    assert bad.named in refused.value.message
    assert bad.says in refused.value.message


async def test_the_good_object_that_they_all_start_from_is_accepted(api: Api, namespace: str) -> None:
    await api.create(good(), namespace, fieldValidation="Strict")


async def test_several_mistakes_are_told_at_once(api: Api, namespace: str) -> None:
    bad = good(scaling={"min": 2, "max": 1}, replicas=1, pinRevision=1, rollout={"bakeTime": "soon"})
    with pytest.raises(ApiError) as refused:
        await api.create(bad, namespace)
    for path in ("spec.replicas:", "spec.scaling.max:", "spec.rollout.bakeTime:"):
        assert path in refused.value.message


async def test_the_name_for_clients_cannot_change(api: Api, namespace: str) -> None:
    stored = await api.create(good(), namespace)
    stored["spec"]["model"]["name"] = "fraud"  # says what was true before
    stored = await api.update(stored)
    stored["spec"]["model"]["name"] = "other"
    with pytest.raises(ApiError) as refused:
        await api.update(stored)
    assert "the name that clients use stays the same across revisions" in refused.value.message
    assert "spec.model" in refused.value.message
