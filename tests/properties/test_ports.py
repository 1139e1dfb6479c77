"""Properties of the gateway's ports, over lives of ModelDeployments that all want the same few."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from tritium.api.gateway import FIRST_PORT, LAST_PORT
from tritium.core.ports import REST, Ports, allocate, keep

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
LAST: Final = range(LAST_PORT - 1, LAST_PORT + 1)
NAMES: Final = [name for name in map("m{}".format, range(6000)) if allocate(Ports(), name, (), START) in LAST][:10]
"""Names that begin to look at the end of the range, so that they get in each other's way and go round."""

Step = tuple[frozenset[str], timedelta]
"""Who lives, and how long after the step before."""

lives = st.lists(
    st.tuples(st.frozensets(st.sampled_from(NAMES)), st.timedeltas(timedelta(), timedelta(hours=30))), max_size=12
)


def after(ports: Ports, living: frozenset[str], now: datetime) -> Ports:
    """The ports when these live: those that have one keep it, the others get one."""
    held = {name: port for name, port in ports.given.items() if name in living}
    ports = keep(ports, held, now)
    for name in sorted(living - held.keys()):
        held[name] = allocate(ports, name, (), now)
        ports = keep(ports, held, now)
    return ports


@given(lives)
def test_a_port_stays_and_is_nobody_elses_for_a_day(steps: list[Step]) -> None:
    ports, now = Ports(), START
    last_held: dict[int, datetime] = {}
    for living, later in steps:
        before, now = ports, now + later
        ports = after(before, living, now)
        assert ports.given.keys() == living
        assert len(set(ports.given.values())) == len(living)
        assert all(FIRST_PORT <= port <= LAST_PORT for port in ports.given.values())
        for name, port in ports.given.items():
            assert before.given.get(name, port) == port
            if name not in before.given:
                assert now - last_held.get(port, START - REST) >= REST
        last_held |= dict.fromkeys(before.given.values(), now)


@given(lives, st.frozensets(st.sampled_from(NAMES)))
def test_the_notes_hold_what_is_needed_and_no_more(steps: list[Step], living: frozenset[str]) -> None:
    ports, now = Ports(), START
    for each, later in [*steps, (living, timedelta())]:
        now += later
        ports = after(ports, each, now)
        assert not set(ports.given.values()) & ports.released.keys()
        assert all(now - at < REST for at in ports.released.values())
        assert keep(ports, ports.given, now) == ports


@given(lives, st.sampled_from(NAMES), st.frozensets(st.sampled_from([*LAST, *range(FIRST_PORT, FIRST_PORT + 12)])))
def test_what_others_have_besides_is_not_given_out(steps: list[Step], name: str, taken: frozenset[int]) -> None:
    ports, now = Ports(), START
    for living, later in steps:
        now += later
        ports = after(ports, living - {name}, now)
    assert allocate(ports, name, taken, now) not in {*taken, *ports.given.values(), *ports.released}
