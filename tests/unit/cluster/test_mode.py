"""The switch: by hand first, then what can be reached."""

import pytest

from e2e.cluster import engine, mode, registry
from e2e.cluster.mode import Mode
from e2e.cluster.steps import Failed


def reach(
    monkeypatch: pytest.MonkeyPatch, *, own: bool = False, answers: bool = False, reachable: bool = False
) -> None:
    monkeypatch.setattr(engine, "own_pid", lambda: 1 if own else None)
    monkeypatch.setattr(engine, "answers", lambda: answers)
    monkeypatch.setattr(registry, "reachable", lambda: reachable)


@pytest.mark.parametrize("by_hand", list(Mode))
def test_by_hand_wins(monkeypatch: pytest.MonkeyPatch, by_hand: Mode) -> None:
    reach(monkeypatch, answers=True, reachable=True)

    assert mode.decide(by_hand)[0] is by_hand


def test_a_wrong_word_is_said() -> None:
    with pytest.raises(Failed, match="CLUSTER_FROM is 'sauce': set it to registry or to source"):
        mode.decide("sauce")


@pytest.mark.parametrize(
    ("own", "answers", "reachable", "expected"),
    [
        (False, False, False, Mode.SOURCE),
        (False, True, False, Mode.SOURCE),
        (False, True, True, Mode.REGISTRY),
        (True, True, True, Mode.SOURCE),
    ],
)
def test_it_sets_itself(
    monkeypatch: pytest.MonkeyPatch, *, own: bool, answers: bool, reachable: bool, expected: Mode
) -> None:
    reach(monkeypatch, own=own, answers=answers, reachable=reachable)

    assert mode.decide("")[0] is expected
