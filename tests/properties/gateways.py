"""The gateway of the small cluster: pods that learn of the status and of endpoints in their own time."""

from dataclasses import dataclass, field

from tritium.api.traffic_status import RevisionTraffic, TrafficStatus
from tritium.core.seen import GatewayAnswer


@dataclass
class GatewayPod:
    """A pod, and what its Envoy has.

    Attributes:
        ready: its Service sends it requests.
        terminating: it goes on with the requests it has.
        silent: nobody can ask it; it serves all the same.
        synced: its agent follows the API server.
        runs: what it was told, as far as it has learned of it.
        endpoints: by the name of a headless Service: uids of the pods that it knows.
    """

    ready: bool = False
    terminating: bool = False
    silent: bool = False
    synced: bool = False
    runs: TrafficStatus | None = None
    endpoints: dict[str, frozenset[str]] = field(default_factory=dict)

    def answer(self) -> GatewayAnswer | None:
        """What it says of the ModelDeployment."""
        if self.silent:
            return None
        return GatewayAnswer(
            synced=self.synced,
            envoy="1.40.0",
            version=self.runs.version if self.runs else None,
            weights={each.revision: each.weight for each in self.shares()},
            endpoints={each.revision: len(self.endpoints.get(each.service, ())) for each in self.shares()},
            preview=self.runs.preview if self.runs else None,
            holds=self.holds() or 0,
        )

    def shares(self) -> list[RevisionTraffic]:
        """The revisions that it runs."""
        return list(self.runs.revisions or ()) if self.runs else []

    def holds(self) -> int | None:
        """The sleep in which it holds whatever comes."""
        hold = self.runs.hold if self.runs else None
        return hold.since if hold and hold.asleep else None

    def share_of(self, service: str) -> int:
        """Of the requests that may go through it, out of 10,000."""
        return sum(each.weight for each in self.shares() if each.service == service) if self.sends_to(service) else 0

    def sends_to(self, service: str) -> bool:
        """Whether a request may go there through it; nobody waits for a pod that ends and is lost."""
        counts = self.ready or (self.terminating and not self.silent)
        return counts and any((each.weight or each.matches) and each.service == service for each in self.shares())

    def learn(self, told: TrafficStatus | None, endpoints: dict[str, frozenset[str]]) -> None:
        """It reads what is on the server. A status without anything means: go on."""
        self.synced = True
        self.runs = told or self.runs
        self.endpoints = {each.service: endpoints.get(each.service, frozenset()) for each in self.shares()}
