"""Lower bounds by the clock, also where the clock is set."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tritium.core.scaling.schedule import Entry, changes_at, in_force
from tritium.core.wish import SpecInvalid, wish

DAY, NIGHT = Entry("0 7 * * *", "Europe/Berlin", 4), Entry("30 20 * * *", "Europe/Berlin", 1)
START = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.integers(min_value=0, max_value=366 * 24 * 60 * 60))
def test_it_changes_only_when_it_says_so(seconds: int) -> None:
    """For a whole year, with two nights in which the clock is set."""
    now = START + timedelta(seconds=seconds)
    change = changes_at((DAY, NIGHT), now)
    assert change
    assert now < change <= now + timedelta(hours=15)
    just_before = change - timedelta(seconds=1)
    assert in_force((DAY, NIGHT), now) == in_force((DAY, NIGHT), just_before)
    assert in_force((DAY, NIGHT), change) != in_force((DAY, NIGHT), just_before)


@pytest.mark.parametrize("month", [3, 10], ids=["an hour is missing", "an hour comes twice"])
def test_a_time_in_the_night_in_which_the_clock_is_set_comes_once(month: int) -> None:
    entries = (Entry("30 2 * * *", "Europe/Berlin", 3), Entry("0 12 * * *", "Europe/Berlin", 1))
    day = {3: 29, 10: 25}[month]
    began, ended = datetime(2026, month, day, tzinfo=UTC), datetime(2026, month, day, 9, tzinfo=UTC)
    held = [in_force(entries, began + timedelta(minutes=each)) or 0 for each in range(0, 540, 5)]
    assert sorted(set(held)) == [1, 3]
    assert held == sorted(held), "it begins once"
    assert in_force(entries, ended) == 3


def test_of_two_at_once_the_later_in_the_list_holds() -> None:
    every_day, monday = Entry("0 7 * * *", "UTC", 2), Entry("0 7 * * 1", "UTC", 5)
    assert in_force((every_day, monday), datetime(2026, 7, 6, 8, tzinfo=UTC)) == 5
    assert in_force((), START) is None
    assert changes_at((), START) is None


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ({"cron": "0 25 * * *", "min": 1}, "spec.scaling.schedules[0].cron: 0 25 * * * is no time of a day: Bad hour"),
        ({"cron": "0 0 31 2 *", "min": 1}, "spec.scaling.schedules[0].cron: "),
        (
            {"cron": "0 7 * * *", "timeZone": "../etc/passwd", "min": 1},
            "spec.scaling.schedules[0].timeZone: ../etc/passwd is no time zone of the IANA database",
        ),
    ],
)
def test_what_no_clock_shows_is_refused_with_its_path(schedule: dict[str, object], says: str) -> None:
    spec = {"model": {"source": {"uri": "s3://models/fraud/7"}}, "scaling": {"max": 4, "schedules": [schedule]}}
    with pytest.raises(SpecInvalid) as refused:
        wish({"metadata": {"namespace": "ml", "name": "fraud", "generation": 3}, "spec": spec})
    assert str(refused.value).startswith(says)
