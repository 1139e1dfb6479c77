"""Events: told when something changes, and only then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.core.seeing import (
    BROKEN,
    NO_ROOM,
    NOW,
    RETRY,
    STARTING,
    A,
    B,
    after,
    decide,
    deployments,
    job,
    pod,
    pods,
    revision,
    serving,
    status_of,
    wish,
)
from tests.unit.core.story import GOOD as WELL
from tests.unit.core.story import Story, asking, begun, strategy
from tritium.api.status import ModelDeploymentStatus
from tritium.core.reasons import Reason
from tritium.core.seen import PodSeen, Seen, Trouble
from tritium.core.wish import Wish

ONE, TWO = revision(1), revision(2, "b")
NOTHING = ModelDeploymentStatus()
SERVES = status_of(wish(), serving(ONE, TWO))


def upgrading(*candidates: PodSeen) -> Seen:
    return serving(ONE, TWO, deployments=deployments(a=1, b=1), pods=(*pods(ONE), *candidates))


GOOD, BAD, SMALL = pod("p", TWO), pod("p", TWO, BROKEN), pod("p", TWO, NO_ROOM)
NEWS: dict[str, tuple[Wish, ModelDeploymentStatus, Seen, list[str]]] = {
    "nothing has happened": (wish(), SERVES, serving(ONE, TWO), []),
    "a listing is no news": (wish("c"), SERVES, serving(ONE, TWO, resolutions=(job("c"),)), []),
    "a revision was made": (
        wish(), NOTHING, Seen((ONE,), deployments(a=1), (pod("p", ONE, STARTING),)),
        [f"Normal RevisionCreated revision 1 is fraud-{A}"],
    ),
    "the first revision serves": (
        wish(), status_of(wish(), Seen((ONE,))), Seen((ONE,), deployments(a=1), pods(ONE)),
        ["Normal Promoted revision 1 serves"],
    ),
    "a candidate that is only starting is no news": (wish("b"), SERVES, upgrading(pod("p", TWO, STARTING)), []),
    "another revision serves": (
        wish("b"), SERVES, upgrading(GOOD), ["Normal Promoted revision 2 serves; revision 1 keeps its pods for 600 s"],
    ),
    "a revision was turned down": (
        wish("b"), SERVES, upgrading(BAD),
        [
            "Warning Aborted revision 2 is not tried again: ModelLoadFailed: Triton cannot load the model.",
            "Warning ModelLoadFailed triton in pod pod: Triton cannot load the model.",
        ],
    ),
    "a revision was left": (
        wish("b", pin=1), SERVES, upgrading(GOOD),
        ["Warning RolledBack revision 2 is not tried again: RolledBack: pinRevision: 1 was set instead"],
    ),
    "a pod is in trouble": (wish("b"), SERVES, upgrading(SMALL), ["Warning Unschedulable pod: No node has room."]),
    "a pin is not kept": (
        wish(pin=7), SERVES, serving(ONE, TWO),
        ["Warning PinNotFound spec.pinRevision: 7 is not kept (kept: 1, 2); nothing was changed. Name a kept one"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("asks", "before", "sees", "told"), NEWS.values(), ids=NEWS)
def test_news_are_told_once(asks: Wish, before: ModelDeploymentStatus, sees: Seen, told: list[str]) -> None:
    plan = decide(asks, before, sees, NOW)
    assert [f"{each.type} {each.reason} {each.message}" for each in plan.notices] == told
    assert decide(asks, plan.status, sees, after(seconds=30)).notices == ()


def test_a_failure_names_its_pod() -> None:
    sees = Seen((ONE,), deployments(a=1), (pod("p", ONE, BROKEN),))
    (notice,) = decide(wish(), status_of(wish(), Seen((ONE,))), sees, NOW).notices
    assert notice.message == "triton in pod pod: Triton cannot load the model."


def test_a_failure_of_the_pod_itself_names_it_once() -> None:
    lost = Trouble("pod", Reason.POD_LOST, "The node is gone.", "fraud-x")
    sees = Seen((ONE,), deployments(a=1), (pod("p", ONE, lost),))
    (notice,) = decide(wish(), status_of(wish(), Seen((ONE,))), sees, NOW).notices
    assert notice.message == "pod fraud-x: The node is gone."


def test_a_revision_that_is_turned_down_again_after_a_retry_is_told_again() -> None:
    aborted = decide(wish("b"), SERVES, upgrading(BAD), NOW).status
    asks = wish("b", action=RETRY)
    listed = serving(ONE, TWO, resolutions=(job("b#7", found=1),))
    retried = decide(asks, aborted, listed, after(minutes=1)).status
    young = pod("q", TWO, BROKEN, created=after(minutes=2))
    told = [each.reason for each in decide(asks, retried, upgrading(young), after(minutes=3)).notices]
    assert told == ["Aborted", "ModelLoadFailed"]
    assert TWO.hash == B


@pytest.mark.parametrize(
    ("rollout", "left"),
    [
        ({"strategy": '{"strategy":"blueGreen"}'}, "keeps its pods for 600 s"),
        ({"strategy": strategy(), "capacity": "replace"}, "gives its last pod up"),
        ({"strategy": '{"strategy":"recreate"}'}, "has given its pods up"),
    ],
)
def test_a_promotion_says_what_becomes_of_the_old_pods(rollout: dict[str, Any], left: str) -> None:
    story = Story(asking(**rollout), window=WELL)
    told: set[str] = set()
    for _ in range(120):
        told |= {each.message for each in story.run(passes=1, seconds=10).notices}
    assert f"revision 2 serves; revision 1 {left}" in told


@pytest.mark.parametrize(
    "changed",
    [{"strategy": strategy([{"weight": 90}])}, {"strategy": '{"strategy":"recreate"}'}, {"capacity": "replace"}],
    ids=["steps", "recreate", "capacity"],
)
def test_a_change_of_the_steps_waits_for_the_next_rollout_and_says_so_once(changed: dict[str, Any]) -> None:
    story = begun(WELL)
    story.asks = replace(story.asks, generation=2, **changed)
    plans = [story.run(passes=1, seconds=1) for _ in range(8)]
    assert [each.reason for plan in plans for each in plan.pending] == [Reason.STRATEGY_CHANGE_PENDING]
    story.asks = replace(story.asks, strategy=strategy(), capacity="surge", generation=3)
    assert story.run(passes=1).pending == ()


def test_what_is_decided_with_such_a_change_does_not_tell_of_it_twice() -> None:
    """A decision is written ahead, with the generation of before: the same is seen again in the next round."""
    story = begun(WELL)
    story.act("pause")
    story.asks = replace(story.asks, generation=2, strategy=strategy([{"weight": 90}]))
    first = decide(story.asks, story.status, story.sees, story.now)
    assert first.status.candidate
    assert first.status.candidate.paused
    ahead = first.status.model_copy(update={"observed_generation": story.status.observed_generation})
    second = decide(story.asks, ahead, story.sees, story.now)
    told = [each.reason for each in (*first.notices, *second.notices, *second.pending)]
    assert told.count(Reason.STRATEGY_CHANGE_PENDING) == 1
