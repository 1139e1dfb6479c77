"""Actions of the first table of `docs/architecture.md`: what a plan has to say for each."""

from collections.abc import Callable

from tests.unit.core.seeing import ALL, PORT, RETRY, A, B, after, pods, revision, selecting, told, weights
from tests.unit.core.situation import ONE, Situation
from tritium.api.conditions import ConditionType
from tritium.api.status import ModelDeploymentStatus
from tritium.core.plan import Plan, ServiceWish
from tritium.core.reasons import Reason
from tritium.core.seen import ServiceSeen


def shows_why(before: Situation, plan: Plan) -> None:
    assert plan.course.ledger.rejected == ()
    assert plan.status.last_failure
    conditions = {each.type: each for each in plan.status.conditions or ()}
    kinds = (ConditionType.MODEL_LOADED, ConditionType.RELEASED, ConditionType.RECONCILING)
    shown = " ".join(conditions[each].message for each in kinds)
    assert plan.status.last_failure.message in shown


def nothing(before: Situation, plan: Plan) -> None:
    assert (plan.target.create, plan.target.resolution, plan.notices) == (None, None, ())
    has = {each.revision: each.replicas for each in before.sees.deployments}
    assert {name: number for name, number in plan.replicas.items() if number != before.asks.replicas} == {
        name: number for name, number in has.items() if number != before.asks.replicas
    }
    assert plan.status.traffic == before.status.traffic
    assert service_then(before, plan) == before.sees.service


def service_then(before: Situation, plan: Plan) -> ServiceSeen | None:
    """The Service as it is when the plan is carried out."""
    return ServiceSeen(plan.service.number, plan.service.port) if plan.service else before.sees.service


def lists(before: Situation, plan: Plan) -> None:
    assert plan.target.resolution
    assert (plan.target.resolution.attempt, plan.target.create) == (1, None)


def waits(before: Situation, plan: Plan) -> None:
    assert plan.wake_at == plan.target.retry_at == after(seconds=10)


def records(before: Situation, plan: Plan) -> None:
    assert plan.target.create
    assert plan.target.create.number == max(each.number for each in before.sees.revisions) + 1


def sends(before: Situation, plan: Plan) -> None:
    assert plan.course.stable is not None
    assert weights(before.status.traffic)[plan.course.stable.number] == 0
    assert weights(plan.status.traffic)[plan.course.stable.number] == ALL
    assert version(plan.status) == version(before.status) + 1


def version(status: ModelDeploymentStatus) -> int:
    return status.traffic.version if status.traffic else 0


def tells(before: Situation, plan: Plan) -> None:
    assert plan.status.traffic == told(1, (ONE, ALL))


def drops(before: Situation, plan: Plan) -> None:
    assert (weights(before.status.traffic), weights(plan.status.traffic)) == ({2: ALL, 1: 0}, {2: ALL})


def leads(before: Situation, plan: Plan) -> None:
    assert before.sees.service is None or before.sees.service.port is None
    assert plan.service == ServiceWish(PORT, 1)


def no_service(before: Situation, plan: Plan) -> None:
    assert plan.service is None
    assert before.sees.service is None


def says_what_envoy_said(before: Situation, plan: Plan) -> None:
    conditions = {each.type: each for each in plan.status.conditions or ()}
    traffic = conditions[ConditionType.TRAFFIC_CONFIGURED]
    assert (traffic.status, traffic.reason) == ("False", Reason.GATEWAY_REJECTED)
    assert "no such field: 'x'" in traffic.message


def rejected_are(*numbers: int) -> Callable[[Situation, Plan], None]:
    def check(before: Situation, plan: Plan) -> None:
        assert tuple(each.revision for each in plan.course.ledger.rejected) == numbers

    return check


def left_is_rejected(before: Situation, plan: Plan) -> None:
    (left,) = plan.course.ledger.rejected
    assert (left.reason, left.revision) == (Reason.ROLLED_BACK, {"a": 1, "b": 2}[before.asks.written])


def pods_are(**wanted: int) -> Callable[[Situation, Plan], None]:
    def check(before: Situation, plan: Plan) -> None:
        assert {letter: plan.replicas.get(revision(0, letter).hash, 0) for letter in wanted} == wanted

    return check


def adopts(before: Situation, plan: Plan) -> None:
    assert plan.course.stable == ONE
    assert weights(plan.status.traffic) == {2: 0, 1: ALL}
    assert plan.status.traffic
    assert plan.status.traffic.port == PORT


def tells_higher(before: Situation, plan: Plan) -> None:
    assert version(plan.status) == 8
    assert plan.service == ServiceWish(PORT, 1)


def scales(before: Situation, plan: Plan) -> None:
    assert plan.replicas[A] == before.asks.replicas


def says_which_are_kept(before: Situation, plan: Plan) -> None:
    assert "kept: 1, 2" in next(each.message for each in plan.status.conditions or () if each.type == "Released")
    assert plan.replicas.get(B, 0) == next((each.replicas for each in before.sees.deployments if each.revision == B), 0)


def is_done(before: Situation, plan: Plan) -> None:
    assert plan.status.last_action
    assert plan.status.last_action.token == RETRY.token


def replaces(before: Situation, plan: Plan) -> None:
    assert plan.replace == {"uid-p"}


def stays(before: Situation, plan: Plan) -> None:
    assert plan.service is None
    assert before.sees.service == selecting(ONE)


def stable_keeps(before: Situation, plan: Plan) -> None:
    assert (plan.replicas[A], plan.kept, before.asks.replicas) == (1, frozenset({A, B}), 0)


def asks_one_of_each(before: Situation, plan: Plan) -> None:
    assert plan.describe == {"uid-p", pods(ONE)[0].uid}
    assert plan.status.traffic == before.status.traffic


def asks_those(before: Situation, plan: Plan) -> None:
    assert plan.ask == {"uid-p"}


ACTIONS: dict[str, Callable[[Situation, Plan], None]] = {
    "nothing": nothing,
    "list the source": lists,
    "wait, then list it again": waits,
    "record the revision": records,
    "send the requests to the candidate": sends,
    "tell the gateway what serves": tells,
    "tell the gateway without the old revision": drops,
    "lead the Service to the gateway": leads,
    "make no Service": no_service,
    "say what Envoy said": says_what_envoy_said,
    "show why, reject nothing": shows_why,
    "adopt that revision as stable": adopts,
    "tell it with a version above the gateway's": tells_higher,
    "give the candidate its pods": pods_are(a=1, b=1),
    "the old revision keeps its pods": pods_are(a=1),
    "the stable revision keeps its pods": stable_keeps,
    "scale the stable revision": scales,
    "scale the candidate to 0": pods_are(b=0),
    "reject the one that is left": left_is_rejected,
    "reject the candidate": rejected_are(2),
    "lift the rejection": rejected_are(),
    "its pods stay for `bakeTime`": pods_are(a=1, b=1),
    "the pods of what was being made go": pods_are(b=0),
    "the pods of the old revision go": pods_are(a=0),
    "the pods of the rejected revision go": pods_are(a=1, b=0),
    "replace the pods that spoke against it": replaces,
    "the Service stays where it is": stays,
    "ask those that have not": asks_those,
    "ask one pod of each of the two": asks_one_of_each,
    "say which are kept": says_which_are_kept,
    "note that it is done": is_done,
}
