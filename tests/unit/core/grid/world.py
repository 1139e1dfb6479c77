"""A story in which pods come and go as they are asked for, as far as they can, and sources answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.unit.core.grid.checks import of_decision, of_rest
from tests.unit.core.seeing import decide, following, job, passed, pod, revision
from tests.unit.core.story import GOOD, NONE, Story
from tritium.api.status import ModelDeploymentStatus
from tritium.core.ledger import read
from tritium.core.reasons import Reason
from tritium.core.report import spec_invalid
from tritium.core.seen import (
    DeploymentSeen,
    PodSeen,
    RevisionSeen,
    Seen,
    ServiceSeen,
    SignatureSeen,
    Trouble,
    WindowSeen,
)

if TYPE_CHECKING:
    from tritium.core.plan import Plan

UNREADABLE = "spec.rollout: something is not known here"


@dataclass
class World(Story):
    """The world of one cell.

    Attributes:
        sick: by a revision's eight characters: how many of its pods are well, and what is the matter with the others.
        ending: pods that are being deleted, and stay.
        windows: what the gates see, by the number of the revision that is judged; all is well with the others.
        forgetful: the process has just begun: nothing was counted, and no pod has answered yet.
        in_vain: what was told of actions that have no effect.
    """

    sick: dict[str, tuple[int, Trouble]] = field(default_factory=dict)
    ending: tuple[PodSeen, ...] = ()
    windows: dict[int, WindowSeen] = field(default_factory=dict)
    forgetful: bool = False
    in_vain: tuple[str, ...] = ()

    def run(self, passes: int = 60, **passed_: float) -> Plan:
        """Let time pass, and decide until nothing moves: a pass more, and nothing is written."""
        self.now += timedelta(**passed_)
        for _ in range(passes):
            before, plan = self.status, self.decided()
            of_decision(self, before, plan)
            self.status = plan.status
            self.in_vain += tuple(each.message for each in plan.notices if each.reason == Reason.ACTION_WITHOUT_EFFECT)
            if not self._carry_out(plan) and plan.status == before:
                of_rest(self, plan)
                return plan
        raise AssertionError(f"it does not come to rest in {passes} passes")

    def decided(self) -> Plan:
        """One decision."""
        return decide(self.asks, self.status, self.look(), self.now, self.gateway)

    def look(self) -> Seen:
        """What this process sees."""
        if self.forgetful:
            return replace(self.sees, smoke={}, signatures={"nobody": SignatureSeen()})
        ready = [each for each in self.sees.pods if each.ready]
        judged = self.status.candidate.revision if self.status.candidate else 0
        window = self.windows.get(judged, GOOD) if self.judging else None
        if self.judging and self.status.candidate and self.status.candidate.judged_since == self.now:
            window = NONE
        return replace(self.sees, smoke=passed(*ready), window=window)

    def pods_like(self, wanted: tuple[DeploymentSeen, ...]) -> tuple[PodSeen, ...]:
        """The pods of these Deployments."""
        by_hash = {each.hash: each for each in self.sees.revisions}
        return (*self.ending, *(each for one in wanted for each in self._pods(by_hash[one.revision], one.replicas)))

    def _pods(self, of: RevisionSeen, count: int) -> list[PodSeen]:
        well, trouble = self.sick.get(of.hash, (count, None))
        return [pod(f"{of.hash}-{at}", of, None if at < well else trouble) for at in range(count)]

    def _carry_out(self, plan: Plan) -> bool:
        before = self.sees
        wanted = tuple(DeploymentSeen(name, number) for name, number in sorted(plan.replicas.items()))
        self.sees = replace(before, deployments=wanted, pods=self.pods_like(wanted))
        if plan.service:
            self.sees = replace(self.sees, service=ServiceSeen(plan.service.number, plan.service.port))
        for target in plan.targets.values():
            if target.resolution:
                listed = job(target.resolution.key, target.resolution.attempt, found=1)
                self.sees = replace(self.sees, resolutions=(listed,))
            if target.create:
                made = revision(target.create.number, target.create.written)
                assert made.hash == target.create.hash
                self.sees = replace(self.sees, revisions=(*before.revisions, made))
        return self.sees != before

    def refuse(self) -> None:
        """The spec is changed to one that is not understood, as `loop/reconcile.py` goes about it."""
        generation = self.asks.generation + 1
        self.status = spec_invalid(self.status, generation, UNREADABLE, self.now)
        again = spec_invalid(self.status, generation, UNREADABLE, self.now + timedelta(minutes=1))
        assert again == self.status, "a second pass writes nothing"

    def restart(self) -> None:
        """What is not in the status is lost; then it is asked for and counted again."""
        self.status = written_and_read(self.status)
        self.forgetful = True
        self.run()
        self.forgetful = False
        self.windows = {number: replace(self.windows.get(number, GOOD), since=self.now) for number in range(1, 6)}
        self.run()

    def heal(self) -> None:
        """From now on all goes well."""
        self.sick, self.ending, self.windows, self.gateway = {}, (), {}, following
        self.sees = replace(self.sees, pods=self.pods_like(self.sees.deployments))
        for _ in range(12):
            self.run(minutes=1)
        self.run(hours=9)

    def weaken(self, sick: RevisionSeen, well: int, trouble: Trouble) -> None:
        """As many of its pods go on as before; the others are in trouble."""
        self.sick[sick.hash] = well, trouble
        self.sees = replace(self.sees, pods=self.pods_like(self.sees.deployments))

    def get_stuck(self, trouble: Trouble) -> None:
        """From now on no pod comes further."""
        ready = {
            each.hash: sum(one.ready and one.revision == each.hash for one in self.sees.pods)
            for each in self.sees.revisions
        }
        self.sick = {name: (count, trouble) for name, count in ready.items()} | self.sick


def written_and_read(status: ModelDeploymentStatus) -> ModelDeploymentStatus:
    """As the API server gives it back."""
    text = json.dumps(status.model_dump(mode="json", by_alias=True, exclude_none=True))
    again = ModelDeploymentStatus.model_validate(json.loads(text))
    assert read(again) == read(status)
    return again
