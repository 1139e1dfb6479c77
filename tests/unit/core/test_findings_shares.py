"""What conditions say of a model that did not load, and of who has requests."""

from dataclasses import replace

from tests.unit.core.grid.situations import place
from tests.unit.core.seeing import (
    revision,
)
from tests.unit.core.sides import SIDE_A, SIDE_B, running
from tests.unit.core.story import GOOD, Story, begun
from tritium.api.conditions import ConditionType
from tritium.api.status import ModelDeploymentStatus
from tritium.core.reasons import Reason

ONE, TWO = revision(1), revision(2, "b")


def model_loaded(status: ModelDeploymentStatus) -> tuple[str, str, str]:
    found = next(each for each in status.conditions or () if each.type is ConditionType.MODEL_LOADED)
    return found.status, found.reason, found.message


def test_of_what_failed_with_requests_nobody_says_that_it_did_not_load() -> None:
    world = place("Aborted")
    assert model_loaded(world.status)[:2] == ("True", Reason.LOADED)
    world.run(minutes=11)
    says = "revision 2 was turned down (GateFailed), and has no pods any more"
    assert model_loaded(world.status) == ("Unknown", Reason.ABORTED, says)


def test_while_an_experiment_runs_no_pods_are_said_to_be_made_for_what_waits() -> None:
    says = "revision 4 gets no pods before the experiment is over"
    found = model_loaded(place("An experiment runs, and a rollout waits").status)
    assert found == ("Unknown", Reason.EXPERIMENT_RUNNING, says)


def gets(story: Story) -> str:
    return story.says(ConditionType.TRAFFIC_CONFIGURED).removeprefix("every gateway pod sends requests to ")


def test_everybody_who_has_requests_is_named() -> None:
    rolled = Story(follows=False)
    rolled.run()
    assert gets(rolled) == "revision 1"
    assert gets(begun(GOOD)) == "revisions 1 and 2"
    rolled = begun(GOOD)
    rolled.act("promote")
    rolled.run()
    assert gets(rolled) == "revision 2"


def test_arms_are_named_by_their_shares_and_headers() -> None:
    assert gets(running()) == "revisions 1, 2 and 3"
    assert gets(running(SIDE_A, replace(SIDE_B, percent=0))) == "revisions 1 and 2, by a header to revision 3"
    assert gets(running(replace(SIDE_A, percent=70), SIDE_B)) == "revisions 2 and 3"


def test_shares_that_move_are_no_news_of_the_condition() -> None:
    story = begun(GOOD)
    before = gets(story)
    story.run(minutes=1)
    assert (story.part, gets(story)) == (5_000, before)
