"""The small cluster and the operator that runs in it, one process after the other."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from tests.properties.cluster import BAKE, START, Cluster, Objects
from tests.properties.process import Killed, OldPicture, Process
from tritium.core.plan import Plan
from tritium.core.reasons import Reason
from tritium.core.sample import Sample
from tritium.core.seen import ServiceSeen, WindowSeen
from tritium.core.wish import Action

GOOD: Final = WindowSeen(Sample(200), Sample(200))
BAD: Final = WindowSeen(Sample(200, failed=100), Sample(200))
FEW: Final = WindowSeen(Sample(5), Sample(5))
QUIET: Final = 4
"""Looks without any news, after which there is none: in this time pods are no more held."""
LATEST: Final = START + timedelta(days=3)
"""By then anything has come to its end."""


@dataclass
class World:
    """See the module."""

    cluster: Cluster
    pictures: list[Objects] = field(default_factory=list)
    operator: Process = field(init=False)

    def __post_init__(self) -> None:
        self.restart(back=0)

    def restart(self, back: int) -> None:
        """A new process, whose picture is some passes old. It asks the gateway's pods before it does anything."""
        old = self.pictures[-back:] if back else []
        picture = deepcopy(old[0] if old else self.cluster.objects)
        now = self.cluster.objects
        self.operator = Process(self.cluster, replace(picture, service=now.service, gateways=deepcopy(now.gateways)))
        self.hear_all()

    def run(self, *, kill_after: int | None = None) -> Plan | None:
        """One pass with what the process sees; None where it did not come to its end."""
        self.pictures = [*self.pictures[-4:], deepcopy(self.cluster.objects)]
        self.operator.writes_left = kill_after
        try:
            return self.operator.run()
        except Killed:
            self.restart(back=0)
        except OldPicture:
            self.look()
        return None

    def look(self) -> None:
        """The watches bring what is there."""
        self.operator.store = deepcopy(self.cluster.objects)

    def hear(self, name: str) -> None:
        """A gateway pod is asked."""
        self.operator.heard[name] = deepcopy(self.cluster.objects.gateways[name]).answer()

    def hear_all(self) -> None:
        """All of them are."""
        for name in self.cluster.objects.gateways:
            self.hear(name)

    def quiet_pass(self) -> Plan:
        """A pass that sees everything and is left alone."""
        self.look()
        self.hear_all()
        plan = self.run()
        assert plan is not None
        return plan

    def goes_on(self) -> None:
        """A pass, and all that comes of it."""
        self.quiet_pass()
        self.cluster.all_goes_well()

    def settle(self, disturb: Callable[[], None] = lambda: None) -> Plan:
        """All goes on until nothing more comes of it: what is tried is good and let through, and nobody holds it up."""
        self.cluster.window, self.cluster.refused = GOOD, False
        self.cluster.wish = replace(self.cluster.wish, paused=False, experiment=None, enforces=False)
        quiet = 0
        while quiet < QUIET:
            disturb()
            before = deepcopy((self.cluster.status, self.cluster.objects))
            self.cluster.look_for_changes()
            self.goes_on()
            quiet = quiet + 1 if before == (self.cluster.status, self.cluster.objects) else 0
            assert self.cluster.now < LATEST, "it never comes to an end"
            if (candidate := self.cluster.status.candidate) and candidate.paused:
                verb = "promote" if candidate.paused.reason == Reason.AWAITS_PROMOTION else "resume"
                self.asks_for(Action(verb, f"goes on {self.cluster.count()}"))
            self.cluster.now += BAKE / 2
        return self.quiet_pass()

    def asks_for(self, action: Action) -> None:
        """A person annotates the object."""
        self.cluster.wish = replace(self.cluster.wish, action=action)

    def comes_from_before_the_gateway(self) -> None:
        """All is as a release without a gateway left it."""
        cluster = self.cluster
        stable = cluster.status.stable.revision if cluster.status.stable else None
        serving = next((each for each in cluster.revisions.values() if each.number == stable), None)
        if serving:
            cluster.objects.service = ServiceSeen(serving.number, revision=serving.hash)
        cluster.status = cluster.status.model_copy(update={"traffic": None, "traffic_observed": None})
        cluster.objects.gateways.clear()
        cluster.taken.clear()
        cluster.named.clear()
        self.restart(back=0)
