"""What is remembered between passes does not grow with what came and went."""

from datetime import UTC, datetime, timedelta

from tritium.loop.writer import CONTEST, WITHIN, Memory

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_what_was_applied_long_ago_is_forgotten() -> None:
    now = [NOON]
    memory = Memory("owner", lambda: now[0])
    for number in range(100):
        assert memory.may_apply(f"child-{number}", "wish")
        now[0] += WITHIN / 10
    assert len(memory.applies) == 10
    now[0] += timedelta(days=1)
    assert memory.may_apply("another", "wish")
    assert memory.applies.keys() == {"another"}


def test_who_undoes_one_object_is_told_apart_from_others() -> None:
    memory = Memory("owner", lambda: NOON)
    assert all(memory.may_apply("a", "wish") for _ in range(CONTEST))
    assert memory.may_apply("b", "wish")
    assert not memory.may_apply("a", "wish")
