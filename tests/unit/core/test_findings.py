"""The conditions: always all of them, and what each says."""

import re
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.unit.core.seeing import (
    BROKEN,
    DENIED,
    NO_IMAGE,
    NO_ROOM,
    NOW,
    STARTING,
    Gateway,
    absent,
    answer,
    decide,
    deployments,
    following,
    gateway,
    job,
    lagging,
    not_asked,
    pod,
    pods,
    revision,
    selecting,
    serving,
    silent,
    status_of,
    unaware_of,
    unready,
    unsynced,
    wish,
)
from tritium.api.conditions import Condition, ConditionType
from tritium.api.fetch import FetchReason, FetchResult
from tritium.api.status import ModelDeploymentStatus
from tritium.api.traffic_status import TrafficStatus
from tritium.core.reasons import Reason
from tritium.core.seen import GatewaySeen, PodSeen, Refusal, Seen, Trouble
from tritium.core.wish import Wish

ONE, TWO = revision(1), revision(2, "b")
SERVES = status_of(wish(), serving(ONE))
SERVED = decide(wish(), SERVES, serving(ONE), NOW).status
NOTHING = ModelDeploymentStatus()
TAKEN = Refusal("Service", "fraud", Reason.NAME_TAKEN, "Service fraud exists and belongs to somebody else")
NO_JOB = Refusal("Job", "fraud-src-1", Reason.QUOTA, "Job fraud-src-1: exceeded quota")
CHANGED = Trouble("fetch", FetchReason.DIGEST_MISMATCH, "The bytes are others.", rejects=True)


def upgrading(*candidates: PodSeen, **changes: Any) -> Seen:
    return serving(ONE, TWO, deployments=deployments(a=1, b=1), pods=(*pods(ONE), *candidates), **changes)


def saying_nothing_of_pods(wanted: TrafficStatus | None, sees: Seen) -> tuple[GatewaySeen, ...]:
    return (gateway(answer(wanted)),)


ABORTED = decide(wish("b"), SERVES, upgrading(pod("p", TWO, BROKEN)), NOW).status
MOVED = decide(wish("b"), SERVES, upgrading(pod("p", TWO)), NOW).status
BEFORE = SERVES.model_copy(update={"traffic": None})
NO_GATEWAY = Trouble("Deployment", Reason.QUOTA, "No pod can be made.")
NO_PORT = Trouble("gateway", Reason.NO_PORT, "All ports are in use.")
REFUSED = "Error adding/updating listener(s) fraud: no such field: 'x' at 10.0.0.1:5->10.0.0.2:80"


@dataclass(frozen=True)
class Case:
    asks: Wish
    before: ModelDeploymentStatus
    sees: Seen
    says: dict[str, str]
    """By the condition: status and reason."""
    gateway: Gateway = following


CASES = {
    "the source of a first revision is being listed": Case(
        wish(), NOTHING, Seen(resolutions=(job(),)),
        {"Ready": "False Resolving", "Released": "Unknown Resolving", "Reconciling": "True Resolving",
         "Stalled": "False NotStalled", "SourceReady": "Unknown Resolving", "ModelLoaded": "Unknown Resolving",
         "TrafficConfigured": "Unknown Starting", "ScalingActive": "False FixedReplicas"},
    ),
    "the source of a first revision cannot be listed": Case(
        wish(), NOTHING, Seen(resolutions=(job(trouble=DENIED),)),
        {"Ready": "False AccessDenied", "Released": "False ResolveFailed", "Reconciling": "True ResolveFailed",
         "Stalled": "False NotStalled", "SourceReady": "False AccessDenied"},
    ),
    "no Job can be made": Case(
        wish(), NOTHING, Seen(refusals=(NO_JOB,)),
        {"Ready": "False QuotaExceeded", "Released": "False ResolveFailed", "SourceReady": "False QuotaExceeded"},
    ),
    "the first revision is being made ready": Case(
        wish(), NOTHING, Seen((ONE,), deployments(a=1), (pod("p", ONE, STARTING),)),
        {"Ready": "False Starting", "Released": "False RollingOut", "Reconciling": "True RollingOut",
         "SourceReady": "True Resolved", "ModelLoaded": "Unknown Starting", "TrafficConfigured": "Unknown Starting"},
    ),
    "the first revision cannot pull its image": Case(
        wish(), NOTHING, Seen((ONE,), deployments(a=1), (pod("p", ONE, NO_IMAGE),)),
        {"Ready": "False ImagePullFailed", "Released": "False RollingOut", "Stalled": "False NotStalled",
         "ModelLoaded": "False ImagePullFailed"},
    ),
    "the first revision's model is broken": Case(
        wish(), NOTHING, Seen((ONE,), deployments(a=1), (pod("p", ONE, BROKEN),)),
        {"Ready": "False ModelLoadFailed", "ModelLoaded": "False ModelLoadFailed"},
    ),
    "a pin of a first revision that is not there": Case(
        wish(pin=3), NOTHING, Seen(),
        {"Ready": "False PinNotFound", "Released": "False PinNotFound", "Reconciling": "False PinNotFound",
         "Stalled": "True PinNotFound", "SourceReady": "Unknown PinNotFound", "ModelLoaded": "Unknown PinNotFound"},
    ),
    "all is well": Case(
        wish(), SERVES, serving(ONE),
        {"Ready": "True Serving", "Released": "True Released", "Reconciling": "False Settled",
         "Stalled": "False NotStalled", "SourceReady": "True Resolved", "ModelLoaded": "True Loaded",
         "TrafficConfigured": "True Configured", "ScalingActive": "False FixedReplicas"},
    ),
    "the files were verified": Case(
        wish(), SERVES, serving(ONE, pods=(pod("p", ONE, fetched=FetchResult(digest="sha256:d")),)),
        {"SourceReady": "True Verified"},
    ),
    "the files were verified by a pod that is gone": Case(
        wish(), SERVES, serving(ONE, pods=(), digests={ONE.hash: "sha256:d"}), {"SourceReady": "True Verified"}
    ),
    "the Service does not lead there yet": Case(
        wish(), SERVES, serving(ONE, service=None),
        {"Ready": "False Starting", "Released": "False RollingOut", "Reconciling": "True RollingOut",
         "TrafficConfigured": "True Configured"},
    ),
    "the Service's name is taken": Case(
        wish(), SERVES, serving(ONE, service=None, refusals=(TAKEN,)),
        {"Ready": "False NameTaken", "Released": "False RollingOut", "Reconciling": "False NameTaken",
         "Stalled": "True NameTaken", "TrafficConfigured": "False NameTaken"},
    ),
    "nothing is asked for": Case(
        wish(replicas=0), SERVES, serving(ONE, count=0),
        {"Ready": "False NoReplicas", "Released": "True Released", "Reconciling": "False Settled",
         "ModelLoaded": "Unknown NoReplicas", "TrafficConfigured": "True Configured"},
    ),
    "the stable revision has lost its pod": Case(
        wish(), SERVES, serving(ONE, pods=(pod("p", ONE, NO_ROOM),)),
        {"Ready": "False Unschedulable", "Released": "True Released", "Reconciling": "True Unschedulable",
         "ModelLoaded": "False Unschedulable"},
    ),
    "one of two pods of the stable revision is ready": Case(
        wish(replicas=2), SERVES, serving(ONE, count=2, pods=pods(ONE)),
        {"Ready": "True Serving", "Released": "True Released", "Reconciling": "True Starting"},
    ),
    "a new spec is being listed": Case(
        wish("b"), SERVES, serving(ONE, resolutions=(job("b"),)),
        {"Ready": "True Serving", "Released": "Unknown Resolving", "SourceReady": "Unknown Resolving",
         "ModelLoaded": "True Loaded", "TrafficConfigured": "True Configured"},
    ),
    "a listing whose pod is only starting has not failed": Case(
        wish("b"), SERVES, serving(ONE, resolutions=(job("b", trouble=STARTING),)),
        {"Released": "Unknown Resolving", "SourceReady": "Unknown Resolving"},
    ),
    "a new revision is being made ready": Case(
        wish("b"), SERVES, upgrading(pod("p", TWO, STARTING)),
        {"Ready": "True Serving", "Released": "False RollingOut", "Reconciling": "True RollingOut",
         "Stalled": "False NotStalled", "SourceReady": "True Resolved", "ModelLoaded": "Unknown Starting"},
    ),
    "a new revision finds no room": Case(
        wish("b"), SERVES, upgrading(pod("p", TWO, NO_ROOM)),
        {"Ready": "True Serving", "Released": "False RollingOut", "Stalled": "False NotStalled",
         "ModelLoaded": "False Unschedulable"},
    ),
    "a new revision was turned down": Case(
        wish("b"), ABORTED, upgrading(pod("p", TWO, BROKEN)),
        {"Ready": "True Serving", "Released": "False Aborted", "Reconciling": "False Aborted",
         "Stalled": "True Aborted", "ModelLoaded": "False ModelLoadFailed", "TrafficConfigured": "True Configured"},
    ),
    "a new revision was turned down for its files, and its pods are gone": Case(
        wish("b"), decide(wish("b"), SERVES, upgrading(pod("p", TWO, CHANGED)), NOW).status, upgrading(),
        {"Released": "False Aborted", "SourceReady": "False DigestMismatch", "ModelLoaded": "False DigestMismatch"},
    ),
    "a revision is pinned": Case(
        wish("b", pin=1), SERVES, serving(ONE, TWO), {"Released": "True Pinned", "Stalled": "False NotStalled"}
    ),
    "a pin is not kept": Case(
        wish("b", pin=7), SERVES, serving(ONE, TWO),
        {"Ready": "True Serving", "Released": "False PinNotFound", "Stalled": "True PinNotFound",
         "SourceReady": "True Resolved", "ModelLoaded": "True Loaded"},
    ),
    "the record of the stable revision was deleted by hand": Case(
        wish(), SERVES, serving(ONE, revisions=()),
        {"Ready": "True Serving", "Released": "Unknown Resolving"},
    ),
    # The gateway.
    "there is no gateway pod yet": Case(
        wish(), SERVES, serving(ONE),
        {"Ready": "False Starting", "Released": "True Released", "Reconciling": "True Starting",
         "TrafficConfigured": "Unknown Starting"},
        absent,
    ),
    "the gateway's pods find no room": Case(
        wish(), SERVES, serving(ONE),
        {"Ready": "False Unschedulable", "Reconciling": "True Unschedulable", "Stalled": "False NotStalled",
         "ModelLoaded": "True Loaded", "TrafficConfigured": "False Unschedulable"},
        unready(NO_ROOM),
    ),
    "the gateway's pods are starting": Case(
        wish(), SERVES, serving(ONE), {"Ready": "False Starting", "TrafficConfigured": "Unknown Starting"},
        unready(STARTING),
    ),
    "no pod of the gateway can be made": Case(
        wish(), SERVES, serving(ONE, gateway_trouble=NO_GATEWAY),
        {"Ready": "False QuotaExceeded", "TrafficConfigured": "False QuotaExceeded"}, absent,
    ),
    "the gateway has no port for a first revision": Case(
        wish(), NOTHING, Seen((ONE,), deployments(a=1), pods(ONE), gateway_trouble=NO_PORT),
        {"Ready": "False PortsExhausted", "Released": "False RollingOut", "TrafficConfigured": "False PortsExhausted"},
        unaware_of(ONE),
    ),
    "a second pod of the gateway cannot be made, and there is no first revision yet": Case(
        wish(), NOTHING, Seen((ONE,), deployments(a=1), (pod("p", ONE, NO_ROOM),), gateway_trouble=NO_GATEWAY),
        {"Ready": "False Unschedulable", "TrafficConfigured": "False QuotaExceeded"},
    ),
    "a first revision waits for the gateway": Case(
        wish(), NOTHING, Seen((ONE,), deployments(a=1), pods(ONE)),
        {"Ready": "False Unschedulable", "Released": "False RollingOut", "TrafficConfigured": "Unknown Starting"},
        unready(NO_ROOM),
    ),
    "a gateway pod does not answer": Case(
        wish(), SERVES, serving(ONE),
        {"Ready": "True Serving", "Released": "True Released", "Reconciling": "True GatewayNotReady",
         "TrafficConfigured": "False GatewayNotReady"},
        silent,
    ),
    "a gateway pod does not follow the API server": Case(
        wish(), SERVES, serving(ONE),
        {"Ready": "True Serving", "Released": "True Released", "TrafficConfigured": "False GatewayNotReady"},
        unsynced,
    ),
    "a gateway pod has not read the status yet": Case(
        wish(), SERVES, serving(ONE),
        {"Ready": "True Serving", "Released": "True Released", "Reconciling": "True Starting",
         "TrafficConfigured": "Unknown Starting"},
        lagging(None),
    ),
    "a gateway pod still sends requests to the revision before": Case(
        wish("b"), MOVED, upgrading(pod("p", TWO)),
        {"Ready": "True Serving", "Released": "False RollingOut", "Reconciling": "True RollingOut",
         "TrafficConfigured": "Unknown Starting"},
        lagging(SERVES.traffic),
    ),
    "a gateway pod that ends still sends requests to the revision before": Case(
        wish("b"), MOVED, upgrading(pod("p", TWO)), {"Released": "False RollingOut"},
        lambda wanted, sees: tuple(
            replace(each, ready=each.name == "gw-a", terminating=each.name == "gw-b")
            for each in lagging(SERVES.traffic)(wanted, sees)
        ),
    ),
    "Envoy refuses the configuration": Case(
        wish("b"), MOVED, upgrading(pod("p", TWO)),
        {"Ready": "True Serving", "Released": "False RollingOut", "TrafficConfigured": "False ConfigurationRejected"},
        lagging(SERVES.traffic, rejected=REFUSED),
    ),
    "of the only gateway pod nothing is known, since it is ready only now": Case(
        wish(), SERVED, serving(ONE),
        {"Ready": "True Serving", "Reconciling": "True Starting", "TrafficConfigured": "Unknown Starting"},
        not_asked,
    ),
    "of the only gateway pod nothing is known, and the model has no pod": Case(
        wish(), SERVED, serving(ONE, pods=(pod("p", ONE, NO_ROOM),)), {"Ready": "False Unschedulable"}, not_asked,
    ),
    "of the only gateway pod nothing is known, and nothing served before": Case(
        wish(), decide(wish(), SERVES, serving(ONE), NOW, absent).status, serving(ONE),
        {"Ready": "False Starting"}, not_asked,
    ),
    "no gateway pod knows the stable revision's pods": Case(
        wish(), SERVES, serving(ONE), {"Ready": "False Starting"}, saying_nothing_of_pods,
    ),
    "the Service selects pods, from before there was a gateway": Case(
        wish(), BEFORE, serving(ONE, service=selecting(ONE)),
        {"Ready": "True Serving", "Released": "False RollingOut", "TrafficConfigured": "Unknown Starting"},
        absent,
    ),
    "the Service selects pods, and none is ready": Case(
        wish(), BEFORE, serving(ONE, service=selecting(ONE), pods=(pod("p", ONE, NO_ROOM),)),
        {"Ready": "False Unschedulable"}, absent,
    ),
}  # fmt: skip


def conditions(case: Case) -> dict[str, Condition]:
    return {
        each.type: each for each in decide(case.asks, case.before, case.sees, NOW, case.gateway).status.conditions or ()
    }


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_conditions(case: Case) -> None:
    found = conditions(case)
    assert {each: f"{found[each].status} {found[each].reason}" for each in case.says} == case.says


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_all_conditions_are_there_and_say_something_that_lasts(case: Case) -> None:
    found = conditions(case)
    assert set(found) == set(ConditionType) - {ConditionType.REQUESTS_LOGGED}
    for each in found.values():
        assert each.message
        assert not re.search(r"\d\d:\d\d|(?<!port )\b\d+ (of|seconds|times)", each.message)


def message(kind: ConditionType, name: str) -> str:
    return conditions(CASES[name])[kind].message


def test_a_revision_that_was_turned_down_says_why_and_what_to_do() -> None:
    assert message(ConditionType.RELEASED, "a new revision was turned down") == (
        "revision 2 was turned down: ModelLoadFailed: Triton cannot load the model. Revision 1 goes on; edit the spec, "
        "or annotate the object with serving.tritium.dev/action=retry@1 (another word after @ each time)"
    )


def test_a_reason_that_is_no_sentence_becomes_one() -> None:
    left = decide(wish("b", pin=1), SERVES, upgrading(pod("p", TWO)), NOW).status
    said = {each.type: each.message for each in decide(wish("b"), left, upgrading(), NOW).status.conditions or ()}
    assert "pinRevision: 1 was set instead. Revision 1 goes on" in said[ConditionType.RELEASED]


def test_a_missing_pin_says_which_revisions_there_are() -> None:
    said = message(ConditionType.RELEASED, "a pin is not kept")
    assert said == "spec.pinRevision: 7 is not kept (kept: 1, 2); nothing was changed. Name a kept one"


def test_a_candidate_says_what_keeps_it_back() -> None:
    said = message(ConditionType.RELEASED, "a new revision finds no room")
    assert said == "revision 2 is being made ready: No node has room."


def test_what_serves_is_what_the_gateway_says() -> None:
    plan = decide(wish("b"), SERVES, upgrading(pod("p", TWO)), NOW)
    assert plan.course.ledger.stable == 2
    said = {each.type: each.message for each in plan.status.conditions or ()}
    assert said[ConditionType.READY] == "revision 1 serves"
    assert said[ConditionType.RELEASED] == "clients are being led to revision 2"


def test_clients_that_cannot_be_led_say_why() -> None:
    plan = decide(wish("b"), MOVED, upgrading(pod("p", TWO, NO_ROOM)), NOW, lagging(SERVES.traffic))
    said = {each.type: each.message for each in plan.status.conditions or ()}
    assert said[ConditionType.RELEASED] == "clients are being led to revision 2: No node has room."


def test_what_envoy_refuses_is_told_in_its_words_and_with_what_to_do() -> None:
    said = message(ConditionType.TRAFFIC_CONFIGURED, "Envoy refuses the configuration")
    assert said.startswith(
        "Envoy refuses the configuration, and the one before goes on: Error adding/updating listener(s) fraud: "
        "no such field: 'x' at 10.0.0.2:80. Correct what Envoy names in spec.traffic or spec.routing."
    )


def test_a_gateway_that_cannot_be_asked_says_which_port_it_is_about() -> None:
    said = message(ConditionType.TRAFFIC_CONFIGURED, "a gateway pod does not answer")
    assert "let the operator reach port 19001 of its pods" in said


def test_what_a_server_says_at_length_is_cut() -> None:
    refusal = Refusal("Deployment", "fraud-b", Reason.OBJECT_REFUSED, "is wrong " * 1000)
    plan = decide(wish("b"), SERVES, upgrading(refusals=(refusal,)), NOW)
    assert all(len(each.message) < 1000 for each in plan.status.conditions or ())
