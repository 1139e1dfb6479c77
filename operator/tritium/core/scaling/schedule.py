"""Lower bounds by the clock: the one whose time came last holds, until the next one's time. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError


@dataclass(frozen=True, slots=True)
class Entry:
    """One lower bound.

    Attributes:
        cron: when it begins: minute, hour, day of month, month, day of week,
        zone: by the clock of this time zone; one of the IANA database.
        least: pods from then on.
    """

    cron: str
    zone: str
    least: int


class NoTime(ValueError):
    """A schedule that has no time; the text says what is wrong with it, and begins with the member."""


def check(entry: Entry) -> None:
    """Whether it can be followed.

    Raises:
        NoTime: its time or its zone is none.

    >>> check(Entry("0 25 * * *", "UTC", 2))
    Traceback (most recent call last):
    tritium.core.scaling.schedule.NoTime: cron: 0 25 * * * is no time of a day: Bad hour
    >>> check(Entry("0 7 * * 1-5", "Europe/Berlin", 2))
    >>> check(Entry("0 7 * * 1-5", "Europa/Berlin", 2))
    Traceback (most recent call last):
    tritium.core.scaling.schedule.NoTime: timeZone: Europa/Berlin is no time zone of the IANA database
    """
    try:
        zone = ZoneInfo(entry.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise NoTime(f"timeZone: {entry.zone} is no time zone of the IANA database") from unknown
    try:
        next(CronSim(entry.cron, datetime(2026, 1, 1, tzinfo=zone)))
    except CronSimError as wrong:
        raise NoTime(f"cron: {entry.cron} is no time of a day: {wrong}") from wrong


def in_force(entries: Sequence[Entry], now: datetime) -> int | None:
    """Pods by the entry whose time came last; of two that came at once the later one in the list. None: there is none.

    >>> day = [Entry("0 7 * * 1-5", "Europe/Berlin", 4), Entry("0 20 * * *", "Europe/Berlin", 1)]
    >>> [in_force(day, datetime(2026, 7, 6, hour, tzinfo=UTC)) for hour in (4, 5, 17, 18)]
    [1, 4, 4, 1]
    """
    begun = [(_last(each, now), index) for index, each in enumerate(entries)]
    return entries[max(begun)[1]].least if begun else None


def changes_at(entries: Sequence[Entry], now: datetime) -> datetime | None:
    """When the next entry's time comes."""
    return min((_following(each, now) for each in entries), default=None)


def _last(entry: Entry, now: datetime) -> datetime:
    """The last time, which may be now."""
    local = now.astimezone(ZoneInfo(entry.zone)).replace(second=0, microsecond=0)
    # The library leaves out the minute that it begins with.
    before = next(CronSim(entry.cron, local, reverse=True))
    begins = next(CronSim(entry.cron, before))
    return max(each.astimezone(UTC) for each in (before, begins) if each.astimezone(UTC) <= now)


def _following(entry: Entry, now: datetime) -> datetime:
    return next(CronSim(entry.cron, now.astimezone(ZoneInfo(entry.zone)))).astimezone(UTC)
