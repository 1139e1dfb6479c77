"""Pods of Triton behind a gateway, simulated request by request.

The gateway gives each request at once to the pod with the fewest in flight. A pod takes as many of its waiting requests
as fit into a batch whenever it is free, and is done with all of them at the same time. Where a pod's queue is full, or
no pod is ready, the request has failed at once; nothing is tried again. A pod that is to go finishes what it has.
"""

from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf
from random import Random

from tritium.core.scaling.sight import Sight

SLO = 0.25
"""Seconds within which a request is to be answered."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a pod can do.

    Attributes:
        fixed: seconds of a batch, however small,
        each: and for each of its requests.
        batch: requests in one at most.
        queue: requests that may wait in a pod.
    """

    fixed: float
    each: float
    batch: int = 1
    queue: int = 64

    @property
    def capacity(self) -> float:
        """Requests a second when all batches are full.

        >>> Service(0.02, 0.005, 16).capacity
        160.0
        """
        return round(self.batch / (self.fixed + self.each * self.batch), 6)

    @property
    def full(self) -> int:
        """Requests waiting that show that a pod has more to do than it can: those of half a batch."""
        return max(1, self.batch // 2)


@dataclass(eq=False, slots=True)
class Pod:
    """One pod: when it begins to serve, what waits (when it came), and what is in work until when."""

    ready_at: float
    born: float
    number: int
    waiting: list[float] = field(default_factory=list)
    working: list[float] = field(default_factory=list)
    leaves: bool = False

    @property
    def flight(self) -> int:
        """Requests in it."""
        return len(self.waiting) + len(self.working)


@dataclass(slots=True)
class Fleet:
    """The pods and what became of the requests; time only goes forward.

    Attributes:
        service: of each pod.
        cold: seconds from a pod's creation until it serves.
        arrived, answered, within, shed: requests so far; `within` the SLO.
        pod_seconds: from the creation of each pod until it is gone.
    """

    service: Service
    cold: float
    seed: int = 0
    now: float = 0.0
    arrived: int = 0
    answered: int = 0
    within: int = 0
    shed: int = 0
    pod_seconds: float = 0.0
    pods: list[Pod] = field(default_factory=list)
    _serving: list[Pod] = field(default_factory=list)
    _loads: list[int] = field(default_factory=list)
    _places: dict[int, int] = field(default_factory=dict)
    _done: list[tuple[float, int, Pod]] = field(default_factory=list)
    _made: int = 0
    _random: Random = field(default_factory=Random)

    def __post_init__(self) -> None:
        self._random.seed(self.seed)

    @property
    def ready(self) -> int:
        """Pods that serve."""
        return len(self._serving)

    @property
    def missed(self) -> int:
        """Requests that are not answered within the SLO, as far as that is known: those in flight may still be."""
        return self.answered - self.within + self.shed

    @property
    def size(self) -> int:
        """Pods that are there or come, without those that leave."""
        return sum(not pod.leaves for pod in self.pods)

    def resize(self, pods: int, *, ready: bool = False) -> None:
        """Make new pods, or let some go: first those that do not serve yet, then those with the least to do."""
        for _ in range(pods - self.size):
            self._made += 1
            self.pods.append(Pod(self.now if ready else self.now + self.cold, self.now, self._made))
        staying = [pod for pod in self.pods if not pod.leaves]
        staying.sort(key=lambda pod: (pod.ready_at <= self.now, pod.flight, -pod.number))
        for pod in staying[: max(0, len(staying) - pods)]:
            pod.leaves = True
        self._gone()
        self._serve()

    def take(self, times: list[float], until: float) -> None:
        """Requests that come at these times, and all that happens until then."""
        starts = sorted(pod.ready_at for pod in self.pods if not pod.leaves and self.now < pod.ready_at <= until)
        begin = 0
        for moment in (*starts, inf):
            end = len(times) if moment == inf else next((i for i, at in enumerate(times) if at >= moment), len(times))
            self._take(times[begin:end])
            begin = end
            self.now = min(moment, until)
            self._finish(self.now)
            self._serve()
        self._gone()

    def sight(self) -> Sight:
        """What the operator sees now: counts of the gateway, and of each pod how many wait at this moment."""
        waiting = [len(pod.waiting) for pod in self._serving]
        return Sight(
            at=self.now,
            arrived=self.arrived,
            answered=self.answered,
            active=sum(pod.flight for pod in self.pods),
            ready=self.ready,
            pending=sum(waiting),
            full=bool(waiting) and min(waiting) >= self.service.full,
            shed=self.shed,
        )

    def _take(self, times: list[float]) -> None:
        loads, serving, done, most = self._loads, self._serving, self._done, self.service.queue
        self.arrived += len(times)
        if not serving:
            self.shed += len(times)
            return
        for at in times:
            if done and done[0][0] <= at:
                self._finish(at)
            place = loads.index(min(loads))
            pod = serving[place]
            if pod.working:
                if len(pod.waiting) >= most:
                    self.shed += 1
                    continue
                pod.waiting.append(at)
            else:
                pod.working = [at]
                heappush(done, (at + self.service.fixed + self.service.each, pod.number, pod))
            loads[place] += 1

    def _finish(self, until: float) -> None:
        done, service = self._done, self.service
        while done and done[0][0] <= until:
            at, number, pod = heappop(done)
            count = len(pod.working)
            since = at - SLO
            self.answered += count
            self.within += count if pod.working[0] >= since else sum(came >= since for came in pod.working)
            if (place := self._places.get(number)) is not None:
                self._loads[place] -= count
            pod.working = pod.waiting[: service.batch]
            if pod.working:
                del pod.waiting[: service.batch]
                heappush(done, (at + service.fixed + service.each * len(pod.working), number, pod))

    def _serve(self) -> None:
        """Whom the gateway knows, in another order each time: among equals it has no favourite."""
        self._serving = [pod for pod in self.pods if pod.ready_at <= self.now and not pod.leaves]
        self._random.shuffle(self._serving)
        self._loads = [pod.flight for pod in self._serving]
        self._places = {pod.number: place for place, pod in enumerate(self._serving)}

    def _gone(self) -> None:
        for pod in [each for each in self.pods if each.leaves and not each.flight]:
            self.pods.remove(pod)
            self.pod_seconds += self.now - pod.born

    def spent(self) -> float:
        """Pod-seconds so far, those of the pods that are still there among them."""
        return self.pod_seconds + sum(self.now - pod.born for pod in self.pods)
