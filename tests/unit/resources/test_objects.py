"""The objects around the pod template."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.resources.golden import RENDERING, objects, owner_of, sample
from tritium.api.fetch import FetchRequest, Origin
from tritium.api.names import APPLIED
from tritium.cli.facts.made_from import led_to, made_from
from tritium.core.seen import RevisionSeen
from tritium.resources.controller_revision import NotARevision, controller_revision, read_controller_revision
from tritium.resources.deployment import deployment
from tritium.resources.pod_template import pod_template
from tritium.resources.seal import sealed

Object = dict[str, Any]

SHORT = sample("short")
OWNER = owner_of(SHORT)


def built(kind: str) -> Object:
    """The first of its kind; of the Services, that is the one of the revision."""
    return next(each for each in objects(OWNER, SHORT["spec"]) if each["kind"] == kind)


def stored(obj: Object) -> Object:
    """As a server gives it back."""
    return obj | {"metadata": obj["metadata"] | {"creationTimestamp": "2026-01-02T03:04:05Z", "uid": "1"}}


def test_a_revision_is_read_as_it_was_written() -> None:
    written = built("ControllerRevision")
    template = written["data"]["template"]
    assert read_controller_revision(stored(written)) == RevisionSeen(
        hash=written["metadata"]["name"].removeprefix("fraud-"),
        number=1,
        written=written["data"]["written"],
        fingerprint=written["data"]["fingerprint"],
        created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        template=template,
        model="fraud",
    )
    assert built("Deployment")["spec"]["template"] == template


def test_where_a_reference_led_is_kept_and_its_pods_go_there_again() -> None:
    origin = Origin(pin="version 7", uri="s3://mlflow/1/models/m-2", run_id="8f2c")
    template = pod_template(
        OWNER, SHORT["spec"], hash="0a1b2c3d", fingerprint="sha256:f", size=1, rendering=RENDERING, pin=origin.pin
    )
    revision = controller_revision(
        OWNER,
        hash="0a1b2c3d",
        number=1,
        written="sha256:aa",
        fingerprint="sha256:f",
        model="fraud",
        files=1,
        size=1,
        template=template,
        origin=origin,
    )
    assert revision["data"]["origin"] == {"pin": "version 7", "uri": "s3://mlflow/1/models/m-2", "runId": "8f2c"}
    made = made_from(revision)
    assert led_to(made) == "version 7 · s3://mlflow/1/models/m-2 · run 8f2c"
    variable, address = template["spec"]["initContainers"][0]["env"]
    assert address["valueFrom"]["fieldRef"]["fieldPath"] == "status.podIP"
    assert FetchRequest.model_validate_json(variable["value"]).pin == "version 7"


@pytest.mark.parametrize("data", [None, {}, "text", {"written": "sha256:aa"}])
def test_a_foreign_controller_revision_is_named(data: Any) -> None:
    revision = stored(built("ControllerRevision")) | {"data": data}
    with pytest.raises(NotARevision, match=revision["metadata"]["name"]):
        read_controller_revision(revision)


def test_the_selectors_select_the_pods() -> None:
    pods = built("Deployment")["spec"]["template"]["metadata"]["labels"].items()
    assert pods >= built("Deployment")["spec"]["selector"]["matchLabels"].items()
    assert pods >= built("PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items()
    assert pods >= built("Service")["spec"]["selector"].items()
    resolving = built("Job")["spec"]["template"]["metadata"]["labels"].items()
    assert not resolving >= built("Deployment")["spec"]["selector"]["matchLabels"].items()
    assert not resolving >= built("Service")["spec"]["selector"].items()


def test_no_replicas_are_written_out() -> None:
    template = built("Deployment")["spec"]["template"]
    assert deployment(OWNER, hash="0a1b2c3d", replicas=0, template=template)["spec"]["replicas"] == 0


def test_the_mark_changes_with_any_member_and_is_not_part_of_the_pods() -> None:
    one, other = (deployment(OWNER, hash="0a1b2c3d", replicas=replicas, template={}) for replicas in (1, 2))
    assert one["metadata"]["annotations"] != other["metadata"]["annotations"]
    pods = built("Deployment")["spec"]["template"]
    assert APPLIED not in pods["metadata"].get("annotations", {})
    without = sealed({"metadata": {"name": "a", "annotations": {"b": "c"}}})["metadata"]["annotations"]
    assert set(without) == {"b", APPLIED}
    assert without[APPLIED] != sealed({"metadata": {"name": "a"}})["metadata"]["annotations"][APPLIED]
