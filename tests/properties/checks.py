"""What must hold at every single moment: of each decision, and of each write."""

from collections import Counter

from tests.properties.cluster import Cluster
from tritium.api.status import ModelDeploymentStatus
from tritium.api.traffic_status import TrafficStatus
from tritium.core import ledger
from tritium.core.experiment import tried
from tritium.core.gateway import counted, reachable
from tritium.core.ledger import Ledger
from tritium.core.plan import Plan, ServiceWish
from tritium.core.reasons import Reason
from tritium.core.recreate import going_on
from tritium.core.retreat import missing
from tritium.core.seen import Answer, RevisionSeen, Seen
from tritium.core.strategy import strategy
from tritium.core.wish import Wish


def of_decision(cluster: Cluster, seen: Seen, plan: Plan) -> None:
    """The plan itself takes nothing from what is seen to serve, and promotes nothing without its pods."""
    wish = going_on(cluster.wish, ledger.read(cluster.status), plan.target, seen)  # what a rollout began with
    _of_promotion(cluster, wish, seen, plan)
    _of_signature(cluster, seen, plan)
    _of_adoption(cluster, seen, plan)
    _of_looking(cluster, seen, plan)
    has = {each.revision: each.replicas for each in seen.deployments if each.replicas}
    stable = plan.course.stable.hash if plan.course.stable else None
    for name in sent_to(cluster, seen) & has.keys():
        assert name in plan.kept
        asked = wish.replicas
        if plan.course.candidate and (wish.replaces or wish.recreates):
            asked = int(wish.replaces)
        if name != stable:
            needs = arm_needs(cluster, name)
            asked = has[name] if needs is None else needs
        fewest = min(has[name], asked)
        assert plan.replicas.get(name, has[name]) >= fewest
    _of_room(wish, seen, plan)
    _of_one_after_the_other(wish, seen, plan)


def _of_one_after_the_other(wish: Wish, seen: Seen, plan: Plan) -> None:
    """With `strategy: recreate` a revision gets pods when no other has any, nor is to have; and only one does."""
    has = {each.revision: each.replicas for each in seen.deployments}
    recorded = plan.course.stable or plan.course.ledger.stable is None
    if not (wish.recreates and recorded):
        return
    more = {name for name, number in plan.replicas.items() if number > has.get(name, 0)}
    assert len(more) <= 1, "two at the same time"
    for name in more:
        assert not any(number for other, number in has.items() if other != name), "two at the same time"
        assert all(pod.revision == name for pod in seen.pods), "one has not ended yet"


def _of_room(wish: Wish, seen: Seen, plan: Plan) -> None:
    """Where pods change hands one by one, a candidate gets one when there are fewer than `replicas` of all others."""
    candidate, has = plan.course.candidate, {each.revision: each.replicas for each in seen.deployments}
    if not (wish.replaces and candidate and plan.course.stable):
        return
    wanted = plan.replicas.get(candidate.hash, 0)
    if wanted > has.pop(candidate.hash, 0):
        alive = Counter(pod.revision for pod in seen.pods)
        assert wanted + sum(max(number, alive[name]) for name, number in has.items()) <= wish.replicas


def sent_to(cluster: Cluster, seen: Seen) -> set[str]:
    """Revisions that requests are seen to go to: by what a gateway pod says, or by a Service that selects pods."""
    selected = seen.service.revision if seen.service else None
    answers = [each.answer for each in counted(seen) if each.answer]
    numbers = {number for each in answers for number, weight in each.weights.items() if weight}
    if cluster.lost and not (seen.service and seen.service.port):
        return {selected} if selected else set()
    by_gateway = {each.hash for each in cluster.revisions.values() if each.number in numbers}
    return by_gateway | ({selected} if selected else set())


def _of_promotion(cluster: Cluster, wish: Wish, seen: Seen, plan: Plan) -> None:
    """Nothing becomes stable without its pods, except for what serves already when a status was lost."""
    before, after = ledger.read(cluster.status).stable, plan.course.stable
    if after is None or cluster.is_stable(after.hash) or (before is None and seen.service):
        return
    ready = [pod for pod in seen.pods if pod.revision == after.hash and pod.ready]
    if _goes_back(cluster, plan.course.ledger):
        said = cluster.wish.action is not None and cluster.wish.action.verb == "abort"
        assert said or ready, "it went back by itself to where there are no pods"
        return  # the pointer goes back at once, and requests as its pods come (`_of_the_way_back`)
    needed = wish.replicas - (wish.replaces and before is not None)
    assert len(ready) >= needed
    assert any(each.ready for each in seen.gateways)
    assert known(seen, after.number) >= needed
    if wish.smoke_tests and not any(
        each.revision == after.number and each.promoted_at for each in cluster.status.revisions or ()
    ):
        assert all(seen.smoke[pod.uid].answer is Answer.PASSED for pod in ready)


def _goes_back(cluster: Cluster, after: Ledger) -> bool:
    """Whether what bakes is turned down now, in favour of the one that was stable before it."""
    before = ledger.read(cluster.status)
    baked = before.progress is not None and before.progress.revision == before.stable
    if not baked or before.stable is None or after.stable != before.before() or before.rejection(before.stable):
        return False
    found = after.rejection(before.stable)
    return found is not None and found.reason in {Reason.BAKE_FAILED, Reason.ABORTED_BY_HAND}


def _of_signature(cluster: Cluster, seen: Seen, plan: Plan) -> None:
    """Nobody whose requests are answered now is sent to a model that takes others, unless a person lets it through."""
    before, had = ledger.read(cluster.status), shares(cluster.status.traffic)
    by_number = {each.number: each for each in seen.revisions}
    stable = by_number.get(before.stable or 0)
    if stable is None or not cluster.wish.enforces or not cluster.wish.replicas:
        return
    has = {number for number, weight in shares(plan.status.traffic).items() if weight and not had.get(number)}
    promoted = {plan.course.ledger.stable} - {before.stable}
    for number in (has | promoted) - {*before.promoted, before.stable}:
        other = by_number[number or 0]
        served = any(pod.ready and pod.revision == stable.hash for pod in seen.pods)
        assert not served or had.get(other.number) or cluster.signature(other.hash) == cluster.signature(stable.hash)


def of_held(cluster: Cluster, seen: Seen, plan: Plan) -> None:
    """What was found to have other tensors than what serves has no request as long as that serves, and it is enforced.

    It is noted when the status that knows of it is written: a process that is killed before has found nothing.
    """
    before, stable = ledger.read(cluster.status), plan.course.ledger.stable
    sides = {each.number: each for each in (plan.course.candidate, *(arm.revision for arm in plan.course.arms)) if each}
    for number, each in sides.items():
        known = _is_described(seen, plan.course.stable) and _is_described(seen, each)
        had = shares(before.traffic).get(number) or number in before.promoted
        if (
            known
            and not had
            and cluster.signature(each.hash) != cluster.signature(getattr(plan.course.stable, "hash", ""))
        ):
            cluster.differ.add((stable or 0, number))
    if cluster.wish.enforces and stable == before.stable:
        for number, weight in shares(plan.status.traffic).items():
            held = (stable, number) in cluster.differ and number not in before.promoted
            allowed = min(weight, _kept(cluster, seen, plan, number)) if held else weight
            assert weight <= allowed, "it has other tensors, and gets requests"


def _kept(cluster: Cluster, seen: Seen, plan: Plan, number: int) -> int:
    """What a revision may keep of the part that it had, for want of pods of the stable one."""
    other, stable = next((each for each in seen.revisions if each.number == number), None), plan.course.stable
    there, pods = (reachable(each, seen) if each else 0 for each in (stable, other))
    pods = min(cluster.wish.replicas, pods)
    had = shares(cluster.status.traffic).get(number, 0)
    return min(had, missing(there, pods)) if there or pods else had


def _is_described(seen: Seen, revision: RevisionSeen | None) -> bool:
    mine = (pod for pod in seen.pods if revision and pod.revision == revision.hash and not pod.terminating)
    return any(seen.signatures[pod.uid].signature for pod in mine if pod.uid in seen.signatures)


def _of_looking(cluster: Cluster, seen: Seen, plan: Plan) -> None:
    """What waits for a person has none of the traffic, and becomes stable when one says so; it can be looked at."""
    before, after, wish = ledger.read(cluster.status), plan.course.ledger, cluster.wish
    told = after.traffic
    if told and told.preview is not None:
        assert told.preview in {each.revision for each in told.revisions or ()}
    progress = before.progress
    if progress is None or progress.revision == before.stable or not strategy(progress.settings).awaits_person:
        return
    number = progress.revision
    if after.stable == number:
        said = progress.by_hand or wish.pin == number or (wish.action is not None and wish.action.verb == "promote")
        came_back = number in before.promoted or all(each.number != before.stable for each in seen.revisions)
        assert said or came_back, "nobody has said so"
        return
    arms = {each.revision for each in (*before.arms, *after.arms)}
    assert number in arms or not shares(told).get(number), "it has requests before anybody has said so"
    ready = [
        pod for pod in seen.pods if pod.revision in {each.hash for each in seen.revisions if each.number == number}
    ]
    is_known = known(seen, number) and any(pod.ready and not pod.terminating for pod in ready)
    candidate = plan.course.candidate
    if told and told.preview is not None and candidate and candidate.number == number and is_known:
        assert told.preview == number, "nobody can look at it"


def _of_adoption(cluster: Cluster, seen: Seen, plan: Plan) -> None:
    """A status that was lost is no first deployment."""
    if ledger.read(cluster.status).stable is not None or seen.service is None:
        return
    adopted = next((each for each in cluster.revisions.values() if each.number == seen.service.number), None)
    if adopted:
        assert adopted.number == plan.course.ledger.stable or adopted.number in plan.course.ledger.demoted


def of_fewer_pods(cluster: Cluster, wish: Wish, name: str, wanted: int, ready: int) -> None:
    """What requests may go to has as many pods as before; of the stable revision the user may want fewer.

    Or its candidate takes them over one by one: then those that are left carry what any gateway pod sends them, but for
    the one that is on its way.
    """
    if not cluster.serves(name):
        return
    if not cluster.is_stable(name):
        needs = arm_needs(cluster, name)
        assert needs is not None, "what serves lost pods"
        assert wanted >= needs, "what serves lost pods"
        return
    if wish.replaces and wanted < min(ready, wish.replicas):
        assert wanted >= 1, "what serves lost its last pod"
        carried = max(each.share_of(cluster.service_of(name)) for each in cluster.objects.gateways.values())
        assert (carried - 1) * wish.replicas < 10_000 * (wanted + 1), "more than its pods carry"
    elif not (wish.replaces or wish.recreates):
        assert wanted >= wish.replicas, "what serves lost pods"


def arm_needs(cluster: Cluster, name: str) -> int | None:
    """Pods that an arm needs for the largest share that any gateway pod gives it; None for what is no arm.

    So do those of a revision that serves only until the stable one has its pods: it may make room for them.
    One pod less than it has may be too many, but for an arm whose weight was larger once, or that was stable.
    """
    numbers = {each.number for each in cluster.revisions.values() if each.hash == name}
    before = ledger.read(cluster.status)
    arms = {each.revision for each in before.arms} if cluster.wish.experiment else set()
    candidate = {before.progress.revision} if before.progress else set()
    had = {number for number, weight in shares(before.traffic).items() if weight}
    if not numbers & (arms | (had - candidate - {before.stable})):
        return None
    parts = [
        weight
        for each in cluster.objects.gateways.values()
        for number, weight in shares(each.runs).items()
        if number in numbers
    ]
    return max([1, *(pods_for(each, cluster) for each in parts)])


def of_removal(cluster: Cluster, name: str) -> None:
    """Nothing of what has pods that requests may go to is ever removed."""
    replicas, _ = cluster.objects.deployments.get(name, (0, 0))
    assert not replicas or not cluster.serves(name), "what serves was removed"


def of_traffic(cluster: Cluster, seen: Seen, status: ModelDeploymentStatus) -> None:
    """What the gateway is told: another version each time, and a weight only where the endpoints are known."""
    told, before = status.traffic, cluster.status.traffic
    if told == before or told is None:
        return
    assert told.version > (before.version if before else 0), "a version went back"
    assert len(shares(told)) == len(told.revisions or ())
    assert sum(shares(told).values()) in {0, 10_000}
    if before is None:
        return  # a first one has no weight; or there is a Service already, and it is what serves that is told
    _of_steps(cluster, seen, status)
    _of_the_way_back(cluster, seen, status)
    had = {each.service for each in before.revisions or () if each.weight}
    if seen.service and seen.service.revision:
        had.add(cluster.service_of(seen.service.revision))
    # Who is stable already, and has no weight, is one that others go back to as its pods come (`_of_the_way_back`).
    goes_back = cluster.stable() if not _goes_back(cluster, ledger.read(status)) else ledger.read(status).stable
    for each in told.revisions or ():
        if each.weight and each.service not in had:
            fewest = 1 if each.revision == goes_back else pods_for(each.weight, cluster)
            assert known(seen, each.revision) >= fewest, "a weight without endpoints"


def pods_for(weight: int, cluster: Cluster) -> int:
    """Pods that a share of the traffic takes."""
    return -(-weight * cluster.wish.replicas // 10_000)


def _of_steps(cluster: Cluster, seen: Seen, status: ModelDeploymentStatus) -> None:
    """A candidate's share grows only as far as its pods carry it, and not while the rollout is paused."""
    before, candidate = shares(cluster.status.traffic), status.candidate
    if candidate is None or (status.stable and candidate.revision == status.stable.revision):
        return
    part = shares(status.traffic).get(candidate.revision, 0)
    if part > before.get(candidate.revision, 0) and part < 10_000:
        assert known(seen, candidate.revision) >= pods_for(part, cluster), "more than its pods carry"
        said = candidate.by_hand or cluster.wish.pin == candidate.revision  # a person wants it in spite of the pause
        assert said or not candidate.paused, "more though it is paused"
        assert said or not cluster.wish.paused, "more though the spec pauses it"
    if 0 < part < before.get(candidate.revision, 0):
        fewest = _fair_part(cluster, seen, candidate.revision)
        if candidate.revision in tried(ledger.read(cluster.status)):
            # What it had as an arm ends with the experiment: as a candidate it begins with its step's.
            fewest = min(fewest, 100 * strategy(candidate.settings or "").weight(candidate.step or 0))
        assert part >= fewest, "what it loses is more than the others' share"


def _fair_part(cluster: Cluster, seen: Seen, number: int) -> int:
    """A candidate's part where each ready pod carries as much as any other, or as it does with all pods."""
    by_hash = {each.hash: each.number for each in seen.revisions}
    ready = Counter(by_hash.get(pod.revision) for pod in seen.pods if pod.ready)
    both = ready[number] + ready[cluster.stable()]
    return 10_000 * ready[number] // max(1, min(both, cluster.wish.replicas))


def _of_the_way_back(cluster: Cluster, seen: Seen, status: ModelDeploymentStatus) -> None:
    """What serves loses its part of the requests only to pods that can take it: each twice what it had."""
    before, after, wish = shares(cluster.status.traffic), shares(status.traffic), cluster.wish
    arms = {each.revision for each in ledger.read(cluster.status).arms}
    ready = Counter(pod.revision for pod in seen.pods if pod.ready and not pod.terminating)
    pods = {each.number: ready[each.hash] for each in seen.revisions}
    if not wish.replicas or any(each.answer is None for each in counted(seen)):
        return
    for number, part in before.items():
        serves = min(wish.replicas, pods.get(number, 0), known(seen, number))
        if part <= after.get(number, 0) or not serves or number in arms:
            continue
        to = max(after, key=lambda each: after[each] - before.get(each, 0))
        there = min(pods.get(to, 0), known(seen, to))
        fewest = 1 if wish.replaces else serves * (after[to] - before.get(to, 0)) / 20_000
        assert there >= fewest, "requests went from pods that serve to where there are none"


def known(seen: Seen, number: int) -> int:
    """How many endpoints of a revision each gateway pod is seen to know."""
    return min((each.answer.endpoints.get(number, 0) if each.answer else 0 for each in counted(seen)), default=0)


def shares(told: TrafficStatus | None) -> dict[int, int]:
    """Weights by the revision's number."""
    return {each.revision: each.weight for each in (told.revisions or () if told else ())}


def of_service(cluster: Cluster, seen: Seen, to: ServiceWish) -> None:
    """Clients are led to the gateway when all of it does what it was told, and has as many pods to send to."""
    there, told = seen.service, cluster.status.traffic
    assert told
    assert (to.port, to.number) == (told.port, ledger.read(cluster.status).stable)
    if there and there.port == to.port:
        return
    answers = [each.answer for each in counted(seen)]
    assert answers
    assert all(each and each.synced and each.version == told.version for each in answers)
    if there and there.revision:
        selected = sum(pod.ready for pod in seen.pods if pod.revision == there.revision)
        with_part = [number for number, weight in shares(told).items() if weight]  # in a rollout there are two
        known = min(sum(each.endpoints.get(number, 0) for number in with_part) for each in answers if each)
        assert known >= min(selected, cluster.wish.replicas), "fewer pods than before"
