"""A client of the measurements: what it counts as the time of a request."""

import time

from bench.client import WARM_UP, Order, carry_out


class Stalls:
    """A server that takes its time for the first request that counts, and fails the one after."""

    def __init__(self, seconds: float) -> None:
        self.asked = 0
        self._seconds = seconds

    def __call__(self) -> None:
        self.asked += 1
        if self.asked == WARM_UP + 1:
            time.sleep(self._seconds)
        if self.asked == WARM_UP + 2:
            raise ConnectionError("gone")


def test_at_a_steady_rate_a_request_that_had_to_wait_for_its_turn_was_slow() -> None:
    """All are sent that were due, however late: the slow one does not spare others the wait."""
    ask = Stalls(0.2)
    heard = carry_out(Order("http", 0, time.monotonic(), 0.1, 0.01), ask)
    assert ask.asked == WARM_UP + 10
    assert heard.failures == {"ConnectionError: gone": 1}
    assert len(heard.latencies) == 9
    assert min(heard.latencies) > 0.1


def test_in_a_closed_loop_each_follows_the_answer_before() -> None:
    ask = Stalls(0.2)
    heard = carry_out(Order("http", 0, time.monotonic(), 0.1), ask)
    assert ask.asked == WARM_UP + 1
    assert len(heard.latencies) == 1
