"""A rollout that an operator began which did not write down how it finds room: it goes on as it began."""

import json
from dataclasses import replace

from tests.unit.core.story import GOOD, ONE, TWO, Story, begun, counts, replacing


def began_before(story: Story, settings: str) -> Story:
    """The same, as that operator has written it."""
    assert story.status.candidate
    candidate = story.status.candidate.model_copy(update={"settings": settings})
    story.status = story.status.model_copy(update={"candidate": candidate})
    return story


def without_capacity(story: Story) -> Story:
    assert story.status.candidate
    kept = json.loads(story.status.candidate.settings or "{}")
    del kept["capacity"]
    return began_before(story, json.dumps(kept))


def most_pods(story: Story, **passed: float) -> int:
    """Until the other one is stable: the most pods that were asked for at a time."""
    found, before = [0], story.stable
    while story.stable == before:
        found.append(story.replicas(ONE) + story.replicas(TWO))
        assert len(found) < 40, "it does not end"
        story.run(passes=1, **passed)
    return max(found)


def test_pods_go_on_changing_hands_one_by_one() -> None:
    story = without_capacity(replacing())
    assert most_pods(story, minutes=3) == 4
    story.run()
    assert (story.stable, counts(story)[:2]) == (2, (0, 4))


def test_and_what_the_spec_says_later_counts_from_the_next_one_on() -> None:
    story = without_capacity(replacing())
    story.run()
    story.asks = replace(story.asks, capacity="surge")
    assert most_pods(story, minutes=3) == 4


def test_so_they_do_on_a_way_back() -> None:
    story = replacing()
    most_pods(story, minutes=3)
    story.run()
    story.asks = replace(story.asks, written="a")
    story.run(passes=2)
    began_before(story, "{}")
    assert most_pods(story) == 4
    story.run()
    assert (story.stable, counts(story)[:2]) == (1, (4, 0))


def test_one_that_had_room_for_more_goes_on_with_it() -> None:
    story = without_capacity(begun(GOOD))
    story.run()
    story.asks = replace(story.asks, capacity="replace")
    assert most_pods(story, minutes=3) > 10
