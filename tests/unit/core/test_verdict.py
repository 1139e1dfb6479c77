"""Second chances: what lifts a rejection without a retry."""

from __future__ import annotations

import pytest

from tests.unit.core.seeing import NOW, revision, wish
from tritium.core.ledger import Ledger
from tritium.core.plan import Target
from tritium.core.reasons import Reason
from tritium.core.seen import Seen
from tritium.core.verdict import turn_down

ONE, TWO, THREE = revision(1, "a"), revision(2, "b"), revision(3, "c")
SEEN = Seen((ONE, TWO, THREE))
SERVES = Ledger().promote(1, NOW)
FAILED = SERVES.reject(2, Reason.SMOKE_TEST_FAILED, "0.2, and 0.1 was expected", NOW, smoke_tests="t1")
LEFT = SERVES.reject(2, Reason.ROLLED_BACK, "pinRevision: 1 was set instead", NOW)


def rejected(ledger: Ledger) -> list[int]:
    """Numbers of the revisions that are not tried again."""
    return [each.revision for each in ledger.rejected]


@pytest.mark.parametrize(
    ("tests", "wanted"), [("t1", [2]), ("t2", []), ("", [])], ids=["the same tests", "other tests", "no tests any more"]
)
def test_a_revision_that_failed_its_smoke_test_is_tried_again_with_other_tests(tests: str, wanted: list[int]) -> None:
    after = turn_down(wish("b", smoke_tests=tests), FAILED, Target(TWO), SEEN, NOW)
    assert rejected(after) == wanted


def test_other_smoke_tests_do_not_mend_a_model_that_does_not_load() -> None:
    broken = SERVES.reject(2, Reason.MODEL_LOAD_FAILED, "no weights", NOW)
    assert rejected(turn_down(wish("b", smoke_tests="t2"), broken, Target(TWO), SEEN, NOW)) == [2]


def test_a_revision_that_was_left_by_a_pin_stays_left_when_the_pin_goes() -> None:
    assert rejected(turn_down(wish("b"), LEFT, Target(TWO), SEEN, NOW)) == [2]


def test_it_is_tried_again_after_the_spec_has_asked_for_another_one() -> None:
    after = turn_down(wish("c"), LEFT, Target(THREE), SEEN, NOW)
    assert rejected(after) == []
    assert rejected(turn_down(wish("b"), after, Target(TWO), SEEN, NOW)) == []
