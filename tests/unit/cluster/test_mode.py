"""The switch: by hand first, then what can be reached."""

import pytest

from e2e.cluster import mode
from e2e.cluster.mode import Mode
from e2e.cluster.steps import Failed


def decided(by_hand: str = "", *, own: bool = False, answers: bool = False, reachable: bool = False) -> Mode:
    """What the switch says on a machine like that."""
    return mode.decide(
        by_hand, own_engine=lambda: own, engine_answers=lambda: answers, registry_answers=lambda: reachable
    )[0]


@pytest.mark.parametrize("by_hand", list(Mode))
def test_by_hand_wins(by_hand: Mode) -> None:
    assert decided(by_hand, answers=True, reachable=True) is by_hand
    assert decided(by_hand) is by_hand


def test_a_wrong_word_is_said() -> None:
    with pytest.raises(Failed, match="CLUSTER_FROM is 'sauce': set it to registry or to source"):
        decided("sauce")


@pytest.mark.parametrize(
    ("own", "answers", "reachable", "expected"),
    [
        (False, False, False, Mode.SOURCE),
        (False, False, True, Mode.SOURCE),
        (False, True, False, Mode.SOURCE),
        (False, True, True, Mode.REGISTRY),
        (True, True, True, Mode.SOURCE),
    ],
)
def test_it_sets_itself(*, own: bool, answers: bool, reachable: bool, expected: Mode) -> None:
    assert decided(own=own, answers=answers, reachable=reachable) is expected
