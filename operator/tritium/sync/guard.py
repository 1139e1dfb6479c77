"""Connections to where a source may be read from, and to nowhere else.

A name is looked up once for a connection, each address that it stands for is judged, and the connection goes to one
that was found in order: never to a name, which could stand for something else a moment later. It is the same for every
connection, so that a redirection leads no further than the first address.
"""

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from tritium.api.fetch import FetchReason
from tritium.sync.addresses import REFUSED, Policy, as_network, plain
from tritium.sync.errors import Failed

if TYPE_CHECKING:
    import aiohttp

    from tritium.sync.relay import Relay

CONNECT: Final = 3.0
"""Seconds for a connection, over all addresses of a name."""

NEIGHBOUR: Final = 1.0
"""The same for what is a hop away, and on most machines is not there."""

METADATA: Final = frozenset(
    map(plain, ("169.254.169.254", "fd00:ec2::254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"))
)
"""Where clouds hand out the identity of a pod."""

Lookup = Callable[[str, int], Iterable[str]]
"""From a name and a port to addresses."""


class Forbidden(OSError):
    """A connection that the policy refuses.

    Attributes:
        host: name or address that was asked for.
        address: what it stands for.
        kind: of address.
    """

    def __init__(self, host: str, address: str, kind: str) -> None:
        super().__init__(f"{host} must not be connected to")
        self.host = host
        self.address = address
        self.kind = kind


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system knows them; an address in any of its spellings is one as well.

    Raises:
        OSError: it has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Guard:
    """Makes the connections of one fetch.

    Args:
        policy: what is open.
        look_up: where names are looked up.
    """

    def __init__(self, policy: Policy, look_up: Lookup = look_up) -> None:
        self.policy = policy
        self.trouble: OSError | None = None
        """Why the last connection could not be made; None where it was."""
        self.refused: Forbidden | None = None
        """The connection that the policy refused, and kept: others may be made before somebody asks."""
        self._look_up = look_up
        self._relays: dict[tuple[str, int] | None, Relay] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End all connections that went through a relay."""
        for relay in self._relays.values():
            relay.close()

    def connect(self, host: str, port: int, *, identity: bool = False) -> socket.socket:
        """A connection to a host, over an address that is open.

        Args:
            host: name or address.
            port: at the host.
            identity: the addresses where clouds hand out a pod's identity are open as well.

        Raises:
            Forbidden: none of its addresses is open.
            OSError: it has none, or does not answer.
        """
        with self._noted():
            return self._connect(host, port, identity=identity)

    def _connect(self, host: str, port: int, *, identity: bool) -> socket.socket:
        until = time.monotonic() + (NEIGHBOUR if identity else CONNECT)
        failure: OSError | None = None
        for address in self._open(host, port, identity=identity):
            try:
                connected = socket.create_connection((address, port), max(0.1, until - time.monotonic()))
            except OSError as error:
                failure = failure or error
            else:
                connected.settimeout(None)
                return connected
        raise failure or OSError(f"{host} has no address")

    def _open(self, host: str, port: int, *, identity: bool = False) -> list[str]:
        """The addresses of a host that may be connected to."""
        addresses, objected = [], None
        for address in self._look_up(host, port):
            kind = self.policy.objection(address)
            if kind is None or (identity and plain(address) in METADATA):
                addresses.append(address)
            else:
                objected = objected or Forbidden(host, address, kind)
        if objected and not addresses:
            raise objected
        return addresses

    def demand(self, host: str, port: int) -> None:
        """Refuse a host before anything is sent, for a client that makes its connections itself.

        Raises:
            Forbidden: none of its addresses is open.
            OSError: it has none.
        """
        with self._noted():
            self._open(host, port)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """What comes of a connection is kept for whoever has to explain it."""
        try:
            yield
        except OSError as error:
            self.trouble = error
            if isinstance(error, Forbidden):
                self.refused = error
            raise
        self.trouble = None

    def proxy(self, upstream: tuple[str, int] | None = None) -> str:
        """The URL of an HTTP proxy in this process that connects as `connect` does, for clients that cannot do so.

        Args:
            upstream: host and port of a further proxy that the requests are to pass; its address is what is judged.
        """
        from tritium.sync.relay import Relay  # noqa: PLC0415 - not where nothing needs one

        if upstream not in self._relays:
            self._relays[upstream] = Relay(self.connect, upstream)
        return self._relays[upstream].url

    def connector(self, **more: Any) -> "aiohttp.TCPConnector":
        """For `aiohttp.ClientSession(connector=…)`: each address is judged where the socket for it is made."""
        import aiohttp  # noqa: PLC0415 - most sources do not need it

        def judged(info: "aiohttp.AddrInfoType") -> socket.socket:
            address = str(info[4][0])
            with self._noted():
                if kind := self.policy.objection(address):
                    raise Forbidden(address, address, kind)
                return socket.socket(info[0], info[1], info[2])

        return aiohttp.TCPConnector(socket_factory=judged, **more)

    def refusal(self, place: object) -> Failed | None:
        """What to tell the user, where the policy refused a connection; None where it did not.

        Args:
            place: what was being read, for the sentence.
        """
        return forbidden(self.refused, place) if self.refused else None


def forbidden(refused: Forbidden, place: object) -> Failed:
    """What to tell the user."""
    what = refused.host if refused.host == refused.address else f"{refused.host}, which is {refused.address}"
    remedy = (
        "takes it out of sources.refusedNetworks"
        if refused.kind == REFUSED
        else f"adds {as_network(refused.address)}, or the network around it, to sources.allowedNetworks"
    )
    return Failed(
        FetchReason.ADDRESS_FORBIDDEN,
        f"{place}: it leads to {what} ({refused.kind}), and this installation lets no source connect there. If it "
        f"should, its administrator {remedy} of the chart",
    )
