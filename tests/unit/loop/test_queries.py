"""Asking Prometheus beside the passes: when, how often, who waits for whom, and what is remembered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import pytest

from tests.unit.loop.settling import settle
from tritium.api.rollout import PrometheusGate
from tritium.api.status import CandidateStatus, ModelDeploymentStatus, StableStatus
from tritium.core.gate import Verdict
from tritium.core.queries import query_gate, with_reading
from tritium.core.seen import QuerySeen, Reading
from tritium.kube.store import Key
from tritium.loop.queries import EVERY, FRESH, SELDOM, Queries
from tritium.probes.prometheus import NoNumber

if TYPE_CHECKING:
    from tritium.probes.prometheus import PrometheusProbe

KEY = Key("ml", "fraud")
BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def status(*queries: str, since: datetime | None = BEGAN, candidate: int = 2) -> ModelDeploymentStatus:
    gates = ",".join(f'{{"name":"{name}","query":"{name}","max":1}}' for name in queries)
    settings = f'{{"analysis":{{"prometheus":[{gates}]}},"steps":[{{"weight":5}}]}}'
    return ModelDeploymentStatus(
        stable=StableStatus(revision=1),
        candidate=CandidateStatus(revision=candidate, judged_since=since, settings=settings),
    )


@dataclass
class Asking:
    """Queries, with time and answers in a test's hands.

    Attributes:
        says: by the query, what it gives; absent: nothing until the test says so.
        asked: the queries, in order.
        woken: the keys, and after how long each is to be looked at.
    """

    says: dict[str, float | Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    woken: list[tuple[Key, float]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    seconds: float = 0.0
    takes: float = 0.0
    """Seconds from a question to its answer."""

    def __post_init__(self) -> None:
        self.heard = asyncio.Event()
        self.queries = Queries(
            cast("PrometheusProbe", self),
            self._wake,
            lambda: BEGAN + timedelta(seconds=self.seconds),
            lambda: self.seconds,
        )

    async def ask(self, query: str) -> float:
        """In the place of the probe."""
        self.asked.append(query)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            while query not in self.says:
                self.heard.clear()
                await self.heard.wait()
        finally:
            self.at_once -= 1
        self.seconds += self.takes
        found = self.says[query]
        if isinstance(found, Exception):
            raise found
        return found

    def say(self, **says: float | Exception) -> None:
        self.says |= says
        self.heard.set()

    async def round(self, of: ModelDeploymentStatus, *, after: float = 0.0) -> dict[str, QuerySeen]:
        """Time passes, a pass asks, and all that can be answered is."""
        self.seconds += after
        self.queries.ask(KEY, of)
        await settle()
        return dict(self.queries.answers(KEY, of))

    def _wake(self, key: Key, after: float) -> None:
        self.woken.append((key, after))


async def test_what_is_answered_reaches_the_next_pass() -> None:
    asking, of = Asking({"a": 0.5}), status("a")
    assert asking.queries.answers(KEY, of) == {}
    found = await asking.round(of)
    assert found == {"a": QuerySeen((Reading(BEGAN, 0.5),))}
    assert asking.woken == [(KEY, 0.0)], "the pass that looks at it is not waited for"


async def test_it_is_asked_again_when_that_is_due_and_not_before() -> None:
    asking, of = Asking({"a": 0.5}), status("a")
    await asking.round(of)
    for passed, times in ((EVERY - 1, 1), (0.5, 1), (0.5, 2)):
        await asking.round(of, after=passed)
        assert len(asking.asked) == times
    assert (KEY, 1.0) in asking.woken, "somebody has to come when it is due"
    found = asking.queries.answers(KEY, of)
    assert [each.value for each in found["a"].readings] == [0.5, 0.5]


async def test_a_rollout_asks_one_question_at_a_time_and_all_together_a_few() -> None:
    asking, of = Asking(), status("a", "b", "c")
    for number in range(20):
        asking.queries.ask(Key("ml", f"m{number}"), of)
    await settle()
    assert asking.most_at_once == 4
    assert asking.asked == ["a"] * 4
    asking.say(a=1, b=1, c=1)
    await settle()
    assert asking.most_at_once == 4
    assert sorted(asking.asked) == sorted(["a", "b", "c"] * 20)


async def test_a_pass_does_not_ask_again_what_has_no_answer_yet() -> None:
    asking, of = Asking(), status("a")
    for _ in range(3):
        await asking.round(of, after=EVERY)
    assert asking.asked == ["a"]


async def test_one_after_the_other_without_a_number_is_asked_more_seldom() -> None:
    asking, of = Asking({"a": NoNumber("it has no data.")}), status("a")
    due: list[float] = []
    while len(due) < 6:
        before = len(asking.asked)
        await asking.round(of, after=0.5)
        due += [asking.seconds] * (len(asking.asked) - before)
    found = asking.queries.answers(KEY, of)
    pauses = [later - earlier for earlier, later in pairwise(due)]
    assert pauses[:3] == sorted(pauses[:3])
    assert EVERY * 0.9 <= pauses[0] <= EVERY * 1.1 + 0.5
    assert SELDOM * 0.9 <= pauses[-1] <= SELDOM * 1.1 + 0.5
    assert found["a"].since == BEGAN + timedelta(seconds=due[0])
    assert (found["a"].trouble, found["a"].readings) == ("it has no data.", ())
    asking.say(a=0.5)
    found = await asking.round(of, after=2 * SELDOM)
    assert found["a"].since is None
    asked = len(asking.asked)
    await asking.round(of, after=EVERY)
    assert len(asking.asked) == asked + 1


async def test_where_nobody_answers_one_question_is_enough() -> None:
    asking, of = Asking({"a": NoNumber("nobody.", silent=True)}), status("a", "b", "c")
    found = await asking.round(of)
    assert asking.asked == ["a"]
    assert {(each.trouble, each.silent) for each in found.values()} == {("nobody.", True)}
    assert len(found) == 3


async def test_a_query_that_is_wrong_says_nothing_of_the_others() -> None:
    asking, of = Asking({"a": NoNumber("no.", mistake=True), "b": 0.5}), status("a", "b")
    found = await asking.round(of)
    assert (found["a"].mistake, found["a"].trouble) == (True, "no.")
    assert found["b"].readings[-1].value == 0.5


async def test_what_goes_wrong_unexpectedly_is_an_answer_too() -> None:
    asking, of = Asking({"a": RuntimeError("oops"), "b": 0.5}), status("a", "b")
    found = await asking.round(of)
    assert found["a"].trouble == "it could not be sent: RuntimeError: oops."
    assert found["b"].readings


async def test_another_step_begins_anew_and_what_was_asked_for_the_last_one_is_not_waited_for() -> None:
    asking, of = Asking({"a": 0.5}), status("a")
    await asking.round(of)
    for other in (status("a", since=BEGAN + timedelta(minutes=5)), status("a", candidate=3)):
        assert asking.queries.answers(KEY, other) == {}
        asking.says = {}
        await asking.round(other)
        assert asking.at_once == 1
        asking.say(a=0.25)
        await settle()
        assert [each.value for each in asking.queries.answers(KEY, other)["a"].readings] == [0.25]


@pytest.mark.parametrize("end", ["forget", "stop", "no step", "no query"])
async def test_who_is_gone_is_forgotten_and_not_waited_for(end: str) -> None:
    asking, of = Asking(), status("a")
    await asking.round(of)
    assert asking.at_once == 1
    match end:
        case "forget":
            asking.queries.forget(KEY)
        case "stop":
            asking.queries.stop()
        case "no step":
            asking.queries.ask(KEY, status("a", since=None))
        case _:
            asking.queries.ask(KEY, status())
    await settle()
    assert asking.at_once == 0
    assert asking.queries.answers(KEY, of) == {}
    assert asking.woken == []


async def test_an_answer_is_not_for_ever() -> None:
    """Where passes do not come, or turns are long: a row of answers has no hole, and an old one is none."""
    asking, of = Asking({"a": 0.5}), status("a")
    await asking.round(of)
    asking.seconds += FRESH
    assert asking.queries.answers(KEY, of)
    asking.seconds += 1
    assert asking.queries.answers(KEY, of) == {}
    found = await asking.round(of)
    assert len(found["a"].readings) == 1


@pytest.mark.parametrize(("takes", "verdict"), [(6.9, Verdict.PASS), (30, Verdict.PASS), (45, Verdict.INCONCLUSIVE)])
async def test_slow_answers_delay_a_verdict_and_nothing_else(takes: float, verdict: Verdict) -> None:
    """Eight queries, each as slow as may be; or each waits for its turn among those of others."""
    names = [f"q{number}" for number in range(8)]
    asking, of = Asking(dict.fromkeys(names, 0.5), takes=takes), status(*names)
    for _ in range(3):
        await asking.round(of, after=0.5)
    found = await asking.round(of, after=0.5)
    gates = (PrometheusGate(name=name, query=name, max=1) for name in names)
    assert {query_gate(each, found.get(each.name)).verdict for each in gates} == {verdict}


async def test_a_long_round_does_not_make_old_answers_young() -> None:
    """Nobody has asked for a while: that the round before took long is no excuse."""
    asking, of = Asking({"a": 0.5, "b": 0.5}, takes=5), status("a", "b")
    await asking.round(of)
    asking.seconds += FRESH + 5
    assert set(asking.queries.answers(KEY, of)) == {"a", "b"}
    asking.seconds += 6
    assert asking.queries.answers(KEY, of) == {}


async def test_as_many_answers_are_kept_as_a_verdict_takes() -> None:
    asking, of = Asking({"a": 0.5}), status("a")
    expected: tuple[Reading, ...] = ()
    for number in range(30):
        await asking.round(of, after=EVERY)
        expected = with_reading(expected, Reading(BEGAN + timedelta(seconds=EVERY * (number + 1)), 0.5))
    assert asking.queries.answers(KEY, of)["a"].readings == expected


async def test_without_a_prometheus_nobody_is_asked() -> None:
    queries = Queries(None, lambda *_: pytest.fail("nothing is due"), lambda: BEGAN, lambda: 0.0)
    queries.ask(KEY, status("a"))
    assert queries.answers(KEY, status("a")) == {}
