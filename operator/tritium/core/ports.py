"""Which port of the gateway is whose.

Each ModelDeployment of a namespace has a listener of its own on the gateway. Its port never changes while it lives, and
nobody else gets it for a day after that: whoever still has a connection to it must not reach another model.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tritium.api.gateway import FIRST_PORT, LAST_PORT

REST: Final = timedelta(days=1)
"""How long nobody gets a port that was released."""

_COUNT: Final = LAST_PORT - FIRST_PORT + 1


class PortsExhausted(Exception):
    """Every port is given out, or was within the last day."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one gateway.

    Attributes:
        given: by the name of a ModelDeployment.
        released: by port, when its ModelDeployment was first seen to be gone; in UTC, whole seconds.
    """

    given: Mapping[str, int] = field(default_factory=dict)
    released: Mapping[int, datetime] = field(default_factory=dict)


def allocate(ports: Ports, name: str, taken: Collection[int], now: datetime) -> int:
    """The port for a ModelDeployment that has none yet.

    The first that is looked at follows from the name, so that a gateway whose notes are lost finds most ports again.

    Args:
        ports: those given out and released so far.
        name: the ModelDeployment.
        taken: ports that others have besides.
        now: the time.

    Raises:
        PortsExhausted: there is none.

    >>> from datetime import UTC
    >>> now = datetime(2026, 1, 1, tzinfo=UTC)
    >>> allocate(Ports(), "fraud", [], now), allocate(Ports(), "fraud", [10805], now)
    (10805, 10806)
    >>> released = Ports(released={10805: now})
    >>> allocate(released, "fraud", [], now + timedelta(hours=23)), allocate(released, "fraud", [], now + REST)
    (10806, 10805)
    """
    resting = (port for port, at in ports.released.items() if now - at < REST)
    busy = {*ports.given.values(), *taken, *resting}
    first = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % _COUNT
    for step in range(_COUNT):
        port = FIRST_PORT + (first + step) % _COUNT
        if port not in busy:
            return port
    raise PortsExhausted(f"each of the {_COUNT} ports of the gateway is in use, or was within the last day")


def keep(ports: Ports, held: Mapping[str, int], now: datetime) -> Ports:
    """Take note of what is held now: a port that is held no more is released, and is free when a day is over.

    >>> from datetime import UTC
    >>> now = datetime(2026, 1, 1, tzinfo=UTC)
    >>> keep(Ports(given={"fraud": 10805}), {}, now).released == {10805: now}
    True
    >>> keep(Ports(released={10805: now}), {}, now + REST).released
    {}
    """
    gone = dict.fromkeys(ports.given.values(), _whole(now))
    released = {port: at for port, at in ports.released.items() if now - at < REST}
    in_use = set(held.values())
    return Ports(dict(held), {port: at for port, at in sorted((released | gone).items()) if port not in in_use})


def _whole(moment: datetime) -> datetime:
    """Whole seconds, and not before: a port must not rest a moment less than its day."""
    return moment.replace(microsecond=0) + timedelta(seconds=bool(moment.microsecond))
