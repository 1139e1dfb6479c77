"""When the gateway's pods are asked, how long an answer counts, and who is woken by a new one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.loop.settling import settle
from tritium.api.gateway import REPORT_PATH, GatewayCounters, GatewayReport, ModelReport, Rejection, RevisionReport
from tritium.kube.glance import Glance
from tritium.loop import polling
from tritium.loop.gateway_report import Report, concerned
from tritium.loop.polling import Polling, Target
from tritium.probes.gateway import Unanswered

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE = Target("ml", "gateway-1", "uid-1", "10.0.0.1")
TWO = Target("ml", "gateway-2", "uid-2", "10.0.0.2")


def model(name: str = "fraud", version: int = 1, **others: Any) -> ModelReport:
    revision = RevisionReport(revision=1, weight=10_000, endpoints=2)
    return ModelReport(name=name, uid=f"uid-{name}", version=version, port=10_001, revisions=[revision], **others)


def report(*models: ModelReport, synced: bool = True) -> GatewayReport:
    return GatewayReport(synced=synced, connected=True, envoy="1.40.0", models=list(models))


@dataclass
class Pods:
    """Pods that answer as told, on a clock that the test moves; and what came of it."""

    says: dict[str, GatewayReport | Exception] = field(default_factory=dict)
    counters: GatewayCounters = field(default_factory=lambda: GatewayCounters(models=[], revisions=[]))
    now: float = 0.0
    awaited: bool = False
    judging: bool = False
    asked: list[str] = field(default_factory=list)
    woken: list[frozenset[str] | None] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.polling = Polling(
            probe=self,  # type: ignore[arg-type]
            wake=lambda _, names: self.woken.append(names),
            awaits=lambda _: self.awaited,
            counts=lambda target, _: self.counted.append(target.name),
            counts_again=lambda target: self.again.append(target.name),
            judges=lambda _: self.judging,
            clock=lambda: self.now,
        )

    async def ask(self, ip: str, path: str) -> bytes:
        if path != REPORT_PATH:
            return self.counters.model_dump_json(by_alias=True).encode()
        self.asked.append(ip)
        said = self.says.get(ip, Unanswered("nobody is there"))
        if isinstance(said, Exception):
            raise said
        return said.model_dump_json(by_alias=True).encode()

    async def turn(self, seconds: float) -> None:
        """Time passes, and all that is due in it is done."""
        self.now += seconds
        for pod in (pod for there in self.polling._pods.values() for pod in there.values()):
            pod.nudge.set()
        await settle()

    def known(self, target: Target = ONE) -> Report | None:
        return self.polling.reports("ml").get(target.uid)


@pytest.fixture
def pods() -> Iterator[Pods]:
    there = Pods({ONE.ip: report(model()), TWO.ip: report(model())})
    yield there
    there.polling.stop()


async def asked(pods: Pods, *targets: Target) -> None:
    """The pods are followed, and each has been asked once."""
    pods.polling.follow("ml", targets)
    await pods.polling.all_asked(5)


async def test_each_is_asked_every_other_second_and_faster_while_something_is_awaited(pods: Pods) -> None:
    await asked(pods, ONE)
    for _ in range(10):
        await pods.turn(polling.SLOW * 1.1)
    assert len(pods.asked) == 11
    await pods.turn(polling.SLOW / 2)
    assert len(pods.asked) == 11
    pods.awaited = True
    for _ in range(10):
        await pods.turn(polling.FAST * 1.1)
    assert len(pods.asked) == 21


async def test_what_is_awaited_from_now_on_ends_the_pause(pods: Pods) -> None:
    await asked(pods, ONE)
    pods.now += polling.FAST * 1.1
    pods.awaited = True
    await settle()
    assert len(pods.asked) == 1
    pods.polling.hurry("ml")
    await settle()
    assert len(pods.asked) == 2


async def test_only_those_whose_part_has_changed_are_woken(pods: Pods) -> None:
    pods.says[ONE.ip] = report(model("a"), model("b"), model("c"))
    await asked(pods, ONE)
    assert pods.woken == [None]  # the first answer concerns all
    pods.woken.clear()
    await pods.turn(polling.SLOW * 1.1)
    assert pods.woken == []
    pods.says[ONE.ip] = report(model("a"), model("b", 2), model("d"))
    await pods.turn(polling.SLOW * 1.1)
    assert pods.woken == [frozenset("bcd")]
    known = pods.known()
    assert known
    assert known.models["b"].version == 2


async def test_an_answer_counts_until_three_had_none_and_five_seconds_are_over(pods: Pods) -> None:
    await asked(pods, ONE, TWO)
    pods.woken.clear()
    pods.says[ONE.ip] = Unanswered("it hangs")
    pods.awaited = True
    for _ in range(15):
        await pods.turn(polling.FAST * 1.1)
    assert pods.known(), "many had none, but not for long"
    await pods.turn(1.0)
    assert pods.known() is None
    assert pods.known(TWO)
    assert pods.woken == [None]
    pods.says[ONE.ip] = report(model())
    await pods.turn(polling.SLOW)
    assert pods.known()
    assert pods.woken == [None, None]


async def test_a_long_pause_is_no_silence(pods: Pods) -> None:
    """As after the process was stopped for a while."""
    await asked(pods, ONE)
    pods.says[ONE.ip] = Unanswered("it hangs")
    await pods.turn(60.0)
    await pods.turn(polling.SLOW * 1.1)
    assert pods.known()
    await pods.turn(polling.SLOW * 1.1)
    assert pods.known() is None


async def test_who_does_not_answer_at_all_is_told_of_once(pods: Pods) -> None:
    del pods.says[ONE.ip]
    await asked(pods, ONE)
    assert pods.polling.reports("ml") == {ONE.uid: None}
    for _ in range(5):
        await pods.turn(polling.SLOW * 1.1)
    assert pods.woken == [None]


async def test_a_mistake_of_ours_is_one_answer_less(pods: Pods) -> None:
    pods.says[ONE.ip] = KeyError("a mistake")
    await asked(pods, ONE, TWO)
    assert pods.polling.reports("ml") == {ONE.uid: None, TWO.uid: pods.known(TWO)}
    pods.says[ONE.ip] = report(model())
    await pods.turn(polling.SLOW * 1.1)
    assert pods.known()


async def test_who_is_gone_is_not_asked_and_not_remembered(pods: Pods) -> None:
    before = asyncio.all_tasks()
    await asked(pods, ONE, TWO)
    pods.polling.follow("ml", [TWO])
    assert pods.polling.reports("ml").keys() == {TWO.uid}
    pods.polling.follow("ml", [TWO._replace(ip="10.0.0.9")])
    assert pods.polling.reports("ml") == {}, "at another address it is another one"
    pods.polling.stop()
    await settle()
    assert asyncio.all_tasks() == before
    assert pods.polling._pods == {}
    assert pods.polling._tasks == {}


async def test_counters_are_asked_for_every_five_seconds_and_read_when_they_change(pods: Pods) -> None:
    await asked(pods, ONE)
    for _ in range(10):
        await pods.turn(polling.SLOW * 1.1)
    assert pods.counted == [ONE.name]
    pods.counters = GatewayCounters.model_validate(
        {"models": [{"name": "a", "requests": 1, "routed": 1, "answered": 0}], "revisions": []}
    )
    for _ in range(3):
        await pods.turn(polling.SLOW * 1.1)
    assert pods.counted == [ONE.name] * 2


async def test_many_are_asked_a_few_at_a_time(pods: Pods) -> None:
    targets = [
        Target("ml", f"p{number}", f"u{number}", f"10.1.{number // 250}.{number % 250}") for number in range(600)
    ]
    at_once, most = 0, 0

    async def ask(ip: str, path: str) -> bytes:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return report().model_dump_json(by_alias=True).encode()

    pods.ask = ask  # type: ignore[method-assign]
    await asked(pods, *targets)
    assert len(pods.polling.reports("ml")) == 600
    assert 1 < most <= 32


async def test_nobody_waits_for_ever_for_the_first_answers(pods: Pods) -> None:
    async def ask(ip: str, path: str) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError

    pods.ask = ask  # type: ignore[method-assign]
    pods.polling.follow("ml", [ONE])
    await asyncio.wait_for(pods.polling.all_asked(0.05), 5)
    assert pods.polling.reports("ml") == {}


def test_what_is_said_of_another_one_of_the_name_is_not_meant() -> None:
    said = Report.of(report(model(version=7)))
    assert said.about("fraud", "uid-fraud").version == 7
    assert said.about("fraud", "another").version is None
    assert said.about("churn", "uid-churn").version is None


def test_what_envoy_has_nothing_of_and_what_it_refuses() -> None:
    refusal = Rejection(version=3, resource="Listener fraud", message="bad")
    answer = Report.of(report(model(version=0, rejection=refusal))).about("fraud", "uid-fraud")
    assert (answer.version, answer.rejected) == (None, "Listener fraud: bad")


@pytest.mark.parametrize(
    ("told", "said", "lacks"),
    [
        (Glance("uid-fraud", version=2), model(version=2), False),
        (Glance("uid-fraud", version=2), model(version=1), True),
        (Glance("uid-fraud", version=2), model(version=3), True),
        (Glance("another", version=2), model(version=2), True),
        (Glance("uid-fraud", version=2), model("churn", version=2), True),
        (Glance("uid-fraud"), model(version=1), False),
        (Glance("uid-fraud", version=2, going=True), model(version=1), False),
        (Glance("uid-fraud", version=2), model(rejection=Rejection(version=2, resource="x", message="y")), False),
        (Glance("uid-fraud", version=3), model(rejection=Rejection(version=2, resource="x", message="y")), True),
    ],
)
def test_what_is_awaited(told: Glance, said: ModelReport, *, lacks: bool) -> None:
    assert Report.of(report(said)).lacks("fraud", told) is lacks


def test_a_pod_that_follows_no_more_concerns_all() -> None:
    said = Report.of(report(model()))
    assert concerned(said, Report.of(report(model(), synced=False))) is None
    assert concerned(said, None) is None
    assert concerned(said, Report.of(report(model()))) == frozenset()
