"""What each gateway pod of a namespace runs and has counted: asked from its agent, whatever the operator says of it."""

import http.client
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from bench.on_kind import until
from e2e import serving
from e2e.kubectl import Kubectl
from tritium.api import names
from tritium.api.gateway import AGENT_PORT, COUNTERS_PATH, REPORT_PATH, GatewayCounters, GatewayReport

PODS: Final = f"{names.COMPONENT}={names.Component.GATEWAY}"
NUMBER: Final = 2
_TIMEOUT: Final = 10.0


@dataclass(frozen=True, slots=True)
class Look:
    """All gateway pods, asked one after the other.

    Attributes:
        began, ended: when, by the monotonic clock.
        requests: that the revision has had from all of them together.
        weights: its share of each of them, out of `MAX_WEIGHT`.
    """

    began: float
    ended: float
    requests: int
    weights: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Gateways:
    """The gateway pods of a namespace, and the ModelDeployment that they are asked about."""

    model: str
    agents: tuple[http.client.HTTPConnection, ...]

    def look(self, revision: int) -> Look:
        """Look at a revision: first at what it has had, then at what it gets."""
        began = time.monotonic()
        requests = sum(self._requests(agent, revision) for agent in self.agents)
        weights = self.weights(revision)
        return Look(began, time.monotonic(), requests, weights)

    def weights(self, revision: int) -> tuple[int, ...]:
        """The share that it has of each gateway pod, out of `MAX_WEIGHT`."""
        return tuple(self._weight(agent, revision) for agent in self.agents)

    def _weight(self, agent: http.client.HTTPConnection, revision: int) -> int:
        told = GatewayReport.model_validate_json(_get(agent, REPORT_PATH))
        model = next(each for each in told.models if each.name == self.model)
        return sum(each.weight for each in model.revisions if each.revision == revision)

    def _requests(self, agent: http.client.HTTPConnection, revision: int) -> int:
        told = GatewayCounters.model_validate_json(_get(agent, COUNTERS_PATH))
        own = [each for each in told.revisions if (each.name, each.revision) == (self.model, revision)]
        return sum(sum(each.codes.values()) + sum(each.grpc.values()) for each in own)


@contextmanager
def gateways(inside: Kubectl, model: str) -> Iterator[Gateways]:
    """A port of each of them, forwarded. They must stay: one that takes another's place is not asked."""
    until("both gateway pods are ready", lambda: len(_ready(inside)) == NUMBER)
    with ExitStack() as stack:
        agents = []
        for name in _ready(inside):
            (address,) = stack.enter_context(inside.forward(f"pod/{name}", AGENT_PORT))
            agents.append(http.client.HTTPConnection(address, timeout=_TIMEOUT))
            stack.callback(agents[-1].close)
        yield Gateways(model, tuple(agents))


def _ready(inside: Kubectl) -> list[str]:
    return [pod["metadata"]["name"] for pod in inside.items("pods", PODS) if serving.is_ready(pod)]


def _get(agent: http.client.HTTPConnection, path: str) -> bytes:
    agent.request("GET", path)
    answer = agent.getresponse()
    body = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise ConnectionError(f"{path}: {answer.status} {body[:200]!r}")
    return body
