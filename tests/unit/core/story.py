"""Stories of a rollout in steps, for tests: what is decided is written, done and heard of, before time passes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.unit.core.seeing import (
    NOW,
    Gateway,
    decide,
    following,
    pods,
    revision,
    serving,
    status_of,
    weights,
    wish,
)
from tritium.api.conditions import ConditionType
from tritium.api.status import ModelDeploymentStatus
from tritium.core.ledger import read
from tritium.core.recreate import going_on
from tritium.core.sample import Sample
from tritium.core.seen import DeploymentSeen, QuerySeen, Seen, WindowSeen
from tritium.core.wish import Action, Wish

if TYPE_CHECKING:
    from tritium.core.plan import Plan

ONE, TWO, THREE = revision(1), revision(2, "b"), revision(3, "c")
MINUTE = timedelta(minutes=1)
TWO_STEPS = [{"weight": 10, "minDuration": "1m"}, {"weight": 50, "minDuration": "1m"}]
THREE_STEPS = [{"weight": each, "minDuration": "1m"} for each in (5, 50, 100)]
GOOD = WindowSeen(Sample(100), Sample(900))
BAD = WindowSeen(Sample(100, failed=20), Sample(900))
NONE = WindowSeen(Sample(), Sample())
UNKNOWN = WindowSeen(Sample(100, failed=20), Sample())
"""A process that has taken over does not know what the stable revision did while it had requests."""
FEW = WindowSeen(Sample(10), Sample(90))


def strategy(steps: list[dict[str, Any]] | None = None, **others: Any) -> str:
    return json.dumps({"steps": steps or TWO_STEPS} | others)


def asking(**changes: Any) -> Wish:
    """The second revision, in steps, with ten pods."""
    return replace(wish("b", replicas=10, strategy=strategy()), **changes)


@dataclass
class Story:
    """A rollout as it goes on: what is decided is written, done and heard of, before time passes."""

    asks: Wish = field(default_factory=asking)
    status: ModelDeploymentStatus = field(default_factory=lambda: status_of(wish(replicas=10), serving(ONE, count=10)))
    sees: Seen = field(default_factory=lambda: serving(ONE, TWO, count=10))
    now: Any = NOW
    window: WindowSeen | None = None
    queries: dict[str, QuerySeen] = field(default_factory=dict)
    has_prometheus: bool = False
    gateway: Gateway = following
    follows: bool = True
    """Whether pods come and go as they are asked for."""
    tokens: int = 0

    def run(self, passes: int = 8, **passed: float) -> Plan:
        """Let time pass, and decide until nothing moves."""
        self.now += timedelta(**passed)
        while True:
            sees = replace(self.sees, has_prometheus=self.has_prometheus)
            if self.judging:
                sees = replace(sees, window=self.window, queries=self.queries)
            plan = decide(self.asks, self.status, sees, self.now, self.gateway)
            self._check(plan)
            assert read(plan.status) == plan.course.ledger, "what is decided must survive a restart"
            moved = self._scale(plan) or plan.status != self.status
            self.status, passes = plan.status, passes - 1
            if not (moved and passes):
                return plan

    def _scale(self, plan: Plan) -> bool:
        before = self.sees
        wanted = tuple(DeploymentSeen(name, number) for name, number in sorted(plan.replicas.items()))
        self.sees = replace(self.sees, deployments=wanted)
        if self.follows:
            by_hash = {each.hash: each for each in self.sees.revisions}
            alive = tuple(each for one in wanted for each in pods(by_hash[one.revision], one.replicas))
            self.sees = replace(self.sees, pods=alive)
        return self.sees != before

    def _check(self, plan: Plan) -> None:
        """Where pods change hands one by one: never more than `replicas`, and never short of more than one."""
        candidate, stable = plan.course.candidate, plan.course.stable
        if not (going_on(self.asks, read(self.status), plan.target, self.sees).replaces and candidate and stable):
            return
        has = {each.revision: each.replicas for each in self.sees.deployments}
        then, before = plan.replicas.get(candidate.hash, 0), has.get(candidate.hash, 0)
        if then > before:
            others = sum(max(number, self._alive(name)) for name, number in has.items() if name != candidate.hash)
            assert then + others <= self.asks.replicas, "more pods than there is room for"
        left, ready = (
            plan.replicas[stable.hash],
            sum(pod.ready and pod.revision == stable.hash for pod in self.sees.pods),
        )
        assert left >= 1, "what serves has no pod left"
        if left < min(ready, self.asks.replicas):
            runs = weights(self.status.traffic)[stable.number]
            assert (runs - 1) * self.asks.replicas < 10_000 * (left + 1), (
                "it carries more than its pods and one more can"
            )

    def _alive(self, name: str) -> int:
        return sum(pod.revision == name for pod in self.sees.pods)

    def act(self, verb: str) -> None:
        self.tokens += 1
        self.asks = replace(self.asks, action=Action(verb, str(self.tokens)))

    @property
    def judging(self) -> bool:
        return bool(self.status.candidate and self.status.candidate.judged_since)

    @property
    def part(self) -> int:
        """The candidate's share, out of 10,000."""
        return weights(self.status.traffic).get(2, 0)

    @property
    def stable(self) -> int | None:
        return self.status.stable.revision if self.status.stable else None

    @property
    def step(self) -> int | None:
        return self.status.candidate.step if self.status.candidate else None

    @property
    def paused(self) -> str | None:
        paused = self.status.candidate.paused if self.status.candidate else None
        return paused.reason if paused else None

    @property
    def by_hand(self) -> bool | None:
        return self.status.candidate.by_hand if self.status.candidate else None

    def replicas(self, of: Any) -> int:
        return next(each.replicas for each in self.sees.deployments if each.revision == of.hash)

    def says(self, kind: ConditionType = ConditionType.RELEASED) -> str:
        return next(each.message for each in self.status.conditions or () if each.type is kind)


def begun(window: WindowSeen | None = None, **asks: Any) -> Story:
    """In the first step, its weight reached."""
    story = Story(asking(**asks), window=window)
    story.run()
    assert (story.part, story.step, story.judging) == (1_000, 0, True)
    return story


def four(*, follows: bool = True, **asks: Any) -> Story:
    """Before its beginning: four pods, or as many as are asked for, that change hands one by one."""
    wanted = asking(**{"replicas": 4, "capacity": "replace", "strategy": strategy(THREE_STEPS)} | asks)
    before = serving(ONE, TWO, count=wanted.replicas)
    return Story(wanted, status_of(wish(replicas=wanted.replicas), before), before, window=GOOD, follows=follows)


def replacing(**asks: Any) -> Story:
    """The same in the first step of three, its weight reached, with one pod that has changed hands."""
    story = four(**asks)
    story.run(passes=20)
    return story


def counts(story: Story) -> tuple[int, int, int]:
    """Pods of the first revision and of the second, and the second's share in percent."""
    return story.replicas(ONE), story.replicas(TWO), story.part // 100
