"""What else there is to an end of a row of the table of steps."""

from __future__ import annotations

from tests.unit.core.story import ONE, Story


def promoted(story: Story) -> None:
    assert story.stable == 2


def with_the_old_pods(story: Story) -> None:
    """It is judged on, too."""
    promoted(story)
    assert (story.replicas(ONE), story.judging) == (10, True)


def rejected(story: Story) -> None:
    assert [each.revision for each in story.status.rejected_revisions or ()] == [2]


def taken_back(story: Story) -> None:
    """As if it had never been stable, but for what is known of why."""
    rejected(story)
    assert story.stable == 1
    assert story.replicas(ONE) == story.asks.replicas
    assert [each.revision for each in story.status.revisions or () if each.promoted_at] == [1]
    assert story.status.last_rollback
    assert (story.status.last_rollback.from_revision, story.status.last_rollback.to_revision) == (2, 1)


def next_step(story: Story) -> None:
    assert story.step == 1


def steps_over(story: Story) -> None:
    """All of them are behind it, and it has not become stable."""
    assert (story.step, story.stable) == (2, 1)


def left(story: Story) -> None:
    assert not story.status.rejected_revisions
    assert story.status.candidate
    assert story.status.candidate.revision == 3


def nothing_else(story: Story) -> None:
    assert story.stable == 1
    assert story.replicas(ONE) == story.asks.replicas
    assert story.step in {None, 0}
    assert not story.status.rejected_revisions


WHAT_ELSE = {
    "": nothing_else,
    "promoted": promoted,
    "the old revision keeps its pods": with_the_old_pods,
    "rejected": rejected,
    "taken back": taken_back,
    "next step": next_step,
    "steps over": steps_over,
    "left": left,
}
