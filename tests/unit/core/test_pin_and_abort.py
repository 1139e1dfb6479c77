"""`abort` of a revision that `pinRevision` names has no effect, in this pass and the next: the spec asks for it."""

from dataclasses import replace

import pytest

from tests.unit.core.story import GOOD, Story, asking, begun, strategy
from tritium.core.plan import Notice
from tritium.core.reasons import Reason

AT_ONCE = '{"strategy":"blueGreen"}'


@pytest.mark.parametrize("asked", [strategy(), AT_ONCE], ids=["in steps", "at once"])
def test_each_pass_goes_on_with_it(asked: str) -> None:
    story = Story(asking(strategy=asked), follows=False)
    story.run()
    story.asks = replace(story.asks, pin=2)
    story.run()
    story.act("abort")
    told: list[Notice] = []
    for _ in range(3):
        told += story.run(passes=1).notices
        assert not story.status.rejected_revisions
    assert [each.reason for each in told] == [Reason.ACTION_WITHOUT_EFFECT]
    assert story.status.last_action
    assert story.status.last_action.verb == "abort"
    story.follows = True
    story.run()
    assert story.stable == 2


def test_so_it_does_while_it_bakes() -> None:
    story = Story(asking(strategy=AT_ONCE), window=GOOD)
    story.run()
    assert story.stable == 2
    story.asks = replace(story.asks, pin=2)
    story.act("abort")
    for _ in range(3):
        story.run(passes=1)
        assert (story.stable, story.part, story.status.rejected_revisions) == (2, 10_000, None)


def test_without_the_pin_it_is_aborted() -> None:
    story = begun(GOOD)
    story.act("abort")
    story.run()
    assert [each.revision for each in story.status.rejected_revisions or ()] == [2]
