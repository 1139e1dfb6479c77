"""What is seen of a model: its own objects, and no pods of a predecessor."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.core.pods import model_pod
from tests.unit.resources.golden import RENDERING, objects, owner_of, sample
from tritium.api import names
from tritium.core.seen import Refusal, Seen, Trouble
from tritium.kube import kinds
from tritium.kube.store import Key, Store
from tritium.loop.observe import Heard, observe
from tritium.resources.owner import Owner
from tritium.resources.request_log import logger, logger_service

Object = dict[str, Any]

SHORT = sample("short")
OWNER = owner_of(SHORT)
KEY = Key(OWNER.namespace, OWNER.name)
NOON = "2026-01-01T12:00:00Z"
PORT = 10_012
MADE = (kinds.CONTROLLER_REVISIONS, kinds.DEPLOYMENTS, kinds.SERVICES, kinds.CONFIG_MAPS, kinds.JOBS)


def stored(owner: Owner) -> Store:
    """All that was made for an owner at noon."""
    store = Store()
    for each in objects(owner, SHORT["spec"]):
        given = {"uid": f"{each['kind']}-1", "resourceVersion": "5", "creationTimestamp": NOON}
        store.remember(kinds.of(each), each | {"metadata": each["metadata"] | given})
    return store


def add_pod(store: Store, name: str, created: str, **labels: str) -> None:
    """A pod of the model's revision, unless its labels say something else."""
    (deployment,) = store.children(KEY, kinds.DEPLOYMENTS)
    pod = model_pod()
    metadata = {"uid": name, "name": name, "namespace": OWNER.namespace, "creationTimestamp": created}
    of = deployment["spec"]["template"]["metadata"]["labels"] | labels
    store.remember(kinds.PODS, pod | {"metadata": metadata | {"labels": of, "resourceVersion": "7"}})


def seen(store: Store, **others: Any) -> Seen:
    nothing: dict[str, Any] = {"smoke": {}, "refusals": (), "without_pods": {}, "gateways": (), "gateway_trouble": None}
    return observe(store, KEY, OWNER.uid, Heard(**nothing | {"port": PORT} | others))


def test_what_is_its_own_is_seen() -> None:
    found = seen(stored(OWNER))
    (revision,), (deployment,), (job,) = found.revisions, found.deployments, found.resolutions
    assert deployment.revision == revision.hash
    assert found.service
    assert (found.service.number, found.service.port) == (revision.number, PORT)
    assert found.digests.keys() == {revision.hash}
    assert job.written


def without_marks(store: Store, kind: kinds.Kind) -> None:
    """Somebody removes what Tritium wrote onto an object, but for whose it is."""
    for each in store.children(KEY, kind):
        metadata = each["metadata"] | {"resourceVersion": "6", "labels": OWNER.labels(), "annotations": {}}
        store.remember(kind, each | {"metadata": metadata})


def test_a_label_that_is_lost_hides_nothing() -> None:
    store = stored(OWNER)
    before = seen(store)
    for kind in (kinds.CONTROLLER_REVISIONS, kinds.DEPLOYMENTS, kinds.CONFIG_MAPS):
        without_marks(store, kind)
    assert seen(store) == before


def test_what_cannot_be_read_is_absent_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    store = stored(OWNER)
    without_marks(store, kinds.JOBS)
    for each in store.children(KEY, kinds.CONTROLLER_REVISIONS):
        emptied = {"metadata": each["metadata"] | {"resourceVersion": "6"}, "data": {}}
        store.remember(kinds.CONTROLLER_REVISIONS, each | emptied)
    for _ in range(2):
        found = seen(store)
        assert (found.revisions, found.resolutions) == ((), ())
    assert [each.levelname for each in caplog.records] == ["WARNING", "WARNING"]
    assert "does not say what it resolves" in caplog.text
    assert "is not one of Tritium's" in caplog.text


def test_what_belongs_to_a_predecessor_is_not() -> None:
    predecessor = Owner(OWNER.namespace, OWNER.name, "another-uid")
    store = stored(predecessor)
    add_pod(store, "a", NOON)
    assert all(store.children(KEY, kind) for kind in MADE)
    assert seen(store) == Seen(port=PORT)


def test_a_pod_is_as_old_as_its_deployment_at_most() -> None:
    """A Deployment of the same name finds pods of the one before it, which end only later."""
    store = stored(OWNER)
    add_pod(store, "before", "2026-01-01T11:59:59Z")
    add_pod(store, "together", NOON)
    add_pod(store, "after", "2026-01-01T12:00:01Z")
    assert [pod.name for pod in seen(store).pods] == ["after", "together"]


def test_pods_of_no_deployment_or_of_a_listing_are_not_the_models() -> None:
    store = stored(OWNER)
    add_pod(store, "another", NOON, **{names.REVISION: "00000000"})
    add_pod(store, "listing", NOON, **{names.COMPONENT: names.Component.RESOLVE.value})
    assert seen(store).pods == ()


def test_why_a_job_has_no_pod_is_seen_with_it() -> None:
    trouble = Trouble("Job", "Quota", "the quota says no")
    store = stored(OWNER)
    assert seen(store, without_pods={"Job-1": trouble}).resolutions[0].trouble == trouble
    refusal = Refusal("Service", "fraud", "NameTaken", "it is taken")
    preview = Refusal("Service", "fraud-preview", "NameTaken", "it is taken")
    found = seen(store, refusals=[preview, refusal])
    assert (found.refusals, found.preview_refusal) == ((refusal,), preview)


def test_what_writes_the_log_is_none_of_the_models_pods() -> None:
    store = stored(OWNER)
    before = seen(store)
    spec = SHORT["spec"] | {"logging": {"uri": "s3://logs", "sampleRate": 1}}
    for each in (logger(OWNER, spec, RENDERING), logger_service(OWNER)):
        given = {"uid": f"log-{each['kind']}", "resourceVersion": "5", "creationTimestamp": NOON}
        store.remember(kinds.of(each), each | {"metadata": each["metadata"] | given})
    found = seen(store)
    assert (found.deployments, found.pods, found.service) == (before.deployments, before.pods, before.service)
    assert found.logger
    refused = Refusal("Deployment", names.request_log(OWNER.name), "PodRefused", "no")
    found = seen(store, refusals=(refused,))
    assert (found.refusals, found.log_refusal) == ((), refused)
