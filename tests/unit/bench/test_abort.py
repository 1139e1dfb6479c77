"""What a round of `bench abort` comes to."""

from __future__ import annotations

from bench.abort import Out, measured
from bench.gateways import Look

BEGINS = [Look(0.0, 0.1, 20, (1000, 1000)), Look(1.0, 1.1, 90, (1000, 1000)), Look(2.0, 2.1, 130, (1000, 0))]


def test_the_time_begins_before_the_hundredth_request_and_ends_when_no_gateway_has_a_weight() -> None:
    assert measured([*BEGINS, Look(3.0, 3.1, 140, (0, 0))]) == Out(seconds=2.1, whole=3.1, requests=140)


def test_what_is_out_before_its_hundredth_request_has_taken_no_time() -> None:
    assert measured([*BEGINS[:2], Look(1.5, 1.6, 95, (0, 0))]) == Out(seconds=0.0, whole=1.6, requests=95)
