"""What the gateway is to do, in its own terms: the input of the snapshot compiler.

It is made from `status.traffic` and EndpointSlices at the edge (`gateway/reading.py`); everything that the status may
leave out has its value here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """A pod that takes requests: its address, and its ports for HTTP and gRPC."""

    address: str
    http: int
    grpc: int


@dataclass(frozen=True, slots=True)
class Header:
    """A request header with an exact value. The name is lower case."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Share:
    """A revision in the split.

    Attributes:
        revision: its number.
        service: name of the headless Service whose endpoints are its pods.
        weight: out of 10,000.
        matches: headers that must all match to come here whatever the weights say; empty for none.
        lacks: of its place in a sticky split, what the last one that has a weight has for now, out of 10,000.
    """

    revision: int
    service: str
    weight: int
    matches: tuple[Header, ...] = ()
    lacks: int = 0


@dataclass(frozen=True, slots=True)
class Copies:
    """A copy of some of the requests for another revision of `shares`; nobody sees the answers."""

    revision: int
    percent: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one client may take. Bytes, milliseconds, requests in flight for each endpoint."""

    timeout_ms: int = 60_000
    max_request_bytes: int = 64 * 2**20
    max_response_bytes: int = 64 * 2**20
    max_concurrency: int = 256
    max_header_bytes: int = 60 * 2**10


@dataclass(frozen=True, slots=True)
class Hold:
    """What becomes of requests for inference while no pod takes them.

    Attributes:
        asleep: they wait even if there is a pod: it is about to go.
        since: version of `status.traffic` with which the model last fell asleep.
        ms: how long one waits, in milliseconds; 0: it is refused at once.
    """

    asleep: bool
    since: int
    ms: int


@dataclass(frozen=True, slots=True)
class Log:
    """Some requests for inference, and their answers, are told to a logger.

    Attributes:
        service: name of the headless Service whose endpoint is the logger, with its port for gRPC.
        per_million: how many of a million requests.
        request, response: whether their bodies are told; headers always are.
    """

    service: str
    per_million: int
    request: bool
    response: bool


@dataclass(frozen=True, slots=True)
class Model:
    """One ModelDeployment.

    Attributes:
        version: of `status.traffic`.
        port: of its own listener.
        triton: the model's name in Triton.
        shares: in the order in which they share the traffic: a candidate before the stable revision.
        preview: number of the revision of `shares` that its preview port leads to; 0 for no such port.
        sticky: lower-case header that keeps a user on one side; empty for none.
        host, path: where it is reached on the shared port; no host: only on its own. The path is without a slash at
            its end, and empty for the root.
        hold: None for a model that always has pods.
        held: now no pod takes its requests: what the clusters have in their names on which they wait, and that do not
            exist (`gateway/holding.py`); empty where none waits. None: the pods take them.
        log: None: nothing is logged.
    """

    name: str
    uid: str
    version: int
    port: int
    triton: str
    shares: tuple[Share, ...]
    sticky: str = ""
    copies: Copies | None = None
    bounds: Bounds = field(default_factory=Bounds)
    host: str = ""
    path: str = ""
    preview: int = 0
    hold: Hold | None = None
    held: str | None = None
    log: Log | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Everything that one gateway serves.

    Attributes:
        models: by name; ports are unique among them (see `reading.table`).
        endpoints: by the name of a headless Service: pods that are ready and not on their way out, sorted.
    """

    models: Mapping[str, Model] = field(default_factory=dict)
    endpoints: Mapping[str, tuple[Endpoint, ...]] = field(default_factory=dict)
