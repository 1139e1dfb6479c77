"""What a real Prometheus makes of queries, as the operator's probe reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.controlplane.waiting import wait_for
from tests.dataplane.prometheus import Prometheus
from tritium.probes import prometheus as asking
from tritium.probes.prometheus import NoNumber, PrometheusProbe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TWO = 'vector(1) or label_replace(vector(2), "a", "b", "", "")'
SHOWN = ["# TYPE drift gauge", 'drift{pod="a",name="für \\"alle\\""} 0.25', 'drift{pod="b"} 0.5', "drift_of_none NaN"]


@pytest_asyncio.fixture
async def prometheus(tmp_path: Path) -> AsyncIterator[Prometheus]:
    async with Prometheus(tmp_path, SHOWN) as running:
        yield running


async def test_numbers_that_were_scraped(prometheus: Prometheus) -> None:
    async with PrometheusProbe(prometheus.address) as probe:

        async def ask(query: str) -> float | None:
            try:
                return await probe.ask(query)
            except NoNumber as error:
                return None if "has no data" in str(error) else pytest.fail(str(error))

        await wait_for(lambda: ask("sum(drift)"), 20, "it was scraped", until=lambda found: found == 0.75)
        assert await ask('drift{pod="a"}') == 0.25
        assert await ask(r'drift{name="für \"alle\""}') == 0.25
        assert await ask('scalar(drift{pod="b"})') == 0.5
        with pytest.raises(NoNumber, match=r"^it is NaN"):
            await probe.ask("drift_of_none")


@pytest.mark.parametrize(("query", "value"), [("1", 1.0), ("vector(-0.5)", -0.5), ("scalar(vector(2))", 2.0)])
async def test_numbers(prometheus: Prometheus, query: str, value: float) -> None:
    async with PrometheusProbe(prometheus.address) as probe:
        assert await probe.ask(query) == value


async def test_what_is_no_number(prometheus: Prometheus) -> None:
    async with PrometheusProbe(prometheus.address) as probe:
        for query, says, mistake in (
            ("no_such_metric", "it has no data.", False),
            ("no_such_metric / 0", "it has no data.", False),
            ("vector(0) / 0", "it is NaN", False),
            ("vector(1) / 0", "it is infinite", False),
            ("-1 / 0", "it is infinite", False),
            (TWO, "it gives several series", True),
            ('"text"', "it gives a string", True),
            ("up[1m]", "it gives a matrix", True),
            ("up{", 'Prometheus cannot read it: invalid parameter "query": 1:4: parse error: unexpected end', True),
            ('up{a="{{name}}"', "Prometheus cannot read it: ", True),
            (
                "quantile(2, vector(1))",
                "Prometheus warns that the result may be wrong: PromQL warning: quantile",
                False,
            ),
            (f"vector(1) + on() group_left() ({TWO})", "Prometheus says: ", False),
        ):
            with pytest.raises(NoNumber) as found:
                await probe.ask(query)
            assert (query, str(found.value)[: len(says)], found.value.mistake) == (query, says, mistake)
            assert not found.value.silent, query


async def test_a_query_that_takes_too_long_is_given_up_by_prometheus(
    prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "EVALUATES", "1ms")
    async with PrometheusProbe(prometheus.address) as probe:
        with pytest.raises(NoNumber, match=r"^Prometheus says: query timed out in ") as found:
            await probe.ask("sum(sum_over_time(vector(1)[10000s:10ms]))")
    assert not found.value.silent


async def test_one_that_comes_back_answers_again(prometheus: Prometheus) -> None:
    async with PrometheusProbe(prometheus.address) as probe:
        assert await probe.ask("1") == 1
        await prometheus.stop()
        with pytest.raises(NoNumber, match="cannot be reached") as found:
            await probe.ask("1")
        assert found.value.silent
        await prometheus.start()
        assert await probe.ask("1") == 1
