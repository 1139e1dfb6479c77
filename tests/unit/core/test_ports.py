"""Which port of the gateway is whose, case by case; properties of it in `tests/properties/test_ports.py`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tritium.api.gateway import FIRST_PORT, LAST_PORT
from tritium.core.ports import REST, Ports, PortsExhausted, allocate, keep

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ALL_BUT_ONE = {f"m{port}": port for port in range(FIRST_PORT, LAST_PORT + 1) if port != 10500}


def test_the_last_port_is_found_and_none_after_it() -> None:
    assert allocate(Ports(ALL_BUT_ONE), "fraud", (), NOW) == 10500
    with pytest.raises(PortsExhausted, match="each of the 1000 ports of the gateway is in use"):
        allocate(Ports(ALL_BUT_ONE), "fraud", [10500], NOW)


def test_a_port_that_rests_is_none() -> None:
    resting = Ports(ALL_BUT_ONE, {10500: NOW})
    with pytest.raises(PortsExhausted, match="within the last day"):
        allocate(resting, "fraud", (), NOW + REST - timedelta(seconds=1))
    assert allocate(resting, "fraud", (), NOW + REST) == 10500


def test_a_port_rests_no_moment_less_than_a_day() -> None:
    moment = NOW + timedelta(milliseconds=700)
    gone = keep(Ports({"fraud": 10500}), {}, moment)
    assert gone.released == {10500: NOW + timedelta(seconds=1)}
    assert keep(gone, {}, moment + REST).released == gone.released


def test_a_port_that_somebody_has_again_does_not_rest() -> None:
    gone = keep(Ports({"fraud": 10500}), {}, NOW)
    assert keep(gone, {"fraud": 10500}, NOW) == Ports({"fraud": 10500})


def test_whoever_has_another_port_leaves_the_one_before() -> None:
    moved = keep(Ports({"fraud": 10500}), {"fraud": 10501}, NOW)
    assert moved == Ports({"fraud": 10501}, {10500: NOW})
