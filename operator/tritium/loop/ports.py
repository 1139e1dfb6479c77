"""Which port of its namespace's gateway a ModelDeployment has: one book for the whole process.

The truth is in the statuses. What is given out is reserved here until a status says so. What was given out before is
read once from the gateway's anchor, which keeps it for the next process.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from tritium.api.gateway import FIRST_PORT, LAST_PORT
from tritium.core.ports import Ports, allocate, keep
from tritium.kube.glance import Glance
from tritium.kube.store import Key


@dataclass(slots=True)
class _Book:
    """The ports of one namespace.

    Attributes:
        kept: as they were last looked through.
        claims: by port, the names of those whose status says that it is theirs.
        reserved: by name, whom a port was given to, by uid, and the port.
    """

    kept: Ports
    claims: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    reserved: dict[str, tuple[str, int]] = field(default_factory=dict)

    def learn(self, name: str, before: Glance | None, after: Glance | None) -> None:
        if before and before.port is not None:
            self.claims[before.port].discard(name)
            if not self.claims[before.port]:
                del self.claims[before.port]
        if after and after.port is not None:
            self.claims[after.port].add(name)


@dataclass(slots=True)
class PortBook:
    """See the module.

    Attributes:
        owners: the ModelDeployments of a namespace, by name.
        noted: the ports that the anchor of a namespace keeps.
        now: the time.
    """

    owners: Callable[[str], Mapping[str, Glance]]
    noted: Callable[[str], Ports]
    now: Callable[[], datetime]
    _books: dict[str, _Book] = field(default_factory=dict)

    def learn(self, key: Key, before: Glance | None, after: Glance | None) -> None:
        """A ModelDeployment is new, looks another way, or is gone."""
        book = self._books.get(key.namespace)
        if book is None:
            return
        book.learn(key.name, before, after)
        if before and (after is None or after.uid != before.uid):
            book.reserved.pop(key.name, None)
            self._look_through(key.namespace, book, without=key.name)
            self._tidy()

    def port(self, key: Key, uid: str, *, said: int | None, led: int | None) -> int:
        """The port of a ModelDeployment: the one it has, else a new one, reserved from now on.

        Args:
            key: the ModelDeployment.
            uid: its uid.
            said: the port that its status says.
            led: the port that its Service leads to.

        Raises:
            PortsExhausted: it has none, and there is none.
        """
        book = self._book(key.namespace)
        mine, port = book.reserved.get(key.name, ("", 0))
        if mine == uid and self._has(key, port):
            if said == port:
                del book.reserved[key.name]
            return port
        if said is not None and self._has(key, said):
            return said
        earlier = (each for each in (led, book.kept.given.get(key.name)) if each and self._is_free_for(key, each, book))
        port = next(earlier, 0) or self._new(key, book)
        book.reserved[key.name] = (uid, port)
        self._look_through(key.namespace, book)
        return port

    def ports(self, namespace: str) -> Ports:
        """All ports of a namespace, to be kept in its anchor."""
        book = self._book(namespace)
        self._look_through(namespace, book)
        return book.kept

    def _book(self, namespace: str) -> _Book:
        book = self._books.get(namespace)
        if book is None:
            book = self._books[namespace] = _Book(self.noted(namespace))
            for name, glance in self.owners(namespace).items():
                book.learn(name, None, glance)
        return book

    def _new(self, key: Key, book: _Book) -> int:
        self._look_through(key.namespace, book)
        return allocate(book.kept, key.name, (), self.now())

    def _look_through(self, namespace: str, book: _Book, without: str = "") -> None:
        """Take note of who has which port, and of those that nobody has any more."""
        held = self._held(namespace, book)
        book.kept = keep(book.kept, {name: port for name, port in held.items() if name != without}, self.now())

    def _held(self, namespace: str, book: _Book) -> dict[str, int]:
        """Who has which port: by the statuses, then by what was given out since, then by what was noted before that."""
        there = self.owners(namespace)
        said = {name: port for port in book.claims if _is_port(port) and (name := self._holder(namespace, port))}
        reserved = {name: port for name, (_, port) in book.reserved.items()}
        noted = {name: port for name, port in book.kept.given.items() if name in there}
        held: dict[str, int] = {}
        taken: set[int] = set()
        for name, port in chain(said.items(), reserved.items(), noted.items()):
            if name not in held and port not in taken:
                held[name] = port
                taken.add(port)
        return held

    def _holder(self, namespace: str, port: int) -> str | None:
        """Of those whose status says that a port is theirs, who has it: the oldest, then the first by name."""
        there, claims = self.owners(namespace), self._books[namespace].claims
        return min(claims.get(port, ()), key=lambda name: (there[name].created, name), default=None)

    def _has(self, key: Key, port: int) -> bool:
        return _is_port(port) and self._holder(key.namespace, port) in {None, key.name}

    def _is_free_for(self, key: Key, port: int, book: _Book) -> bool:
        held = self._held(key.namespace, book).items()
        return _is_port(port) and all(name == key.name for name, its in held if its == port)

    def _tidy(self) -> None:
        """Forget the namespaces in which nothing is left, and no port rests."""
        for namespace in [each for each in self._books if not self.owners(each)]:
            self._look_through(namespace, self._books[namespace])
            if not self._books[namespace].kept.released:
                del self._books[namespace]


def _is_port(port: int) -> bool:
    return FIRST_PORT <= port <= LAST_PORT
