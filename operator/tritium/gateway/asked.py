"""The names that Envoy has asked for so that requests can wait: what they say, and which are kept in mind. Pure."""

import hashlib
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tritium.gateway.snapshot.held import held_name
from tritium.gateway.snapshot.names import Protocol

KNOWN: Final = 8
"""Names of a model that are kept in mind, the youngest: of older ones Envoy is told that they are gone."""

_NAME: Final = re.compile(
    r"(?P<model>[a-z0-9-]+)/z(?P<since>[0-9]+)[.](?P<boot>[0-9]+)[.](?P<number>[0-9]+)[.](?P<whose>[0-9a-f]{8})"
    r"/(?P<protocol>http|grpc)"
)


class Word(NamedTuple):
    """What the names of both protocols have in common. They sort by age."""

    boot: int
    number: int
    since: int
    whose: str

    def __str__(self) -> str:
        return f"z{self.since}.{self.boot}.{self.number}.{self.whose}"


class Name(NamedTuple):
    """A name, taken apart."""

    model: str
    word: Word
    protocol: Protocol

    def __str__(self) -> str:
        return held_name(self.model, str(self.word), self.protocol)


def whose(uid: str) -> str:
    """What a name has of a uid: so it is none of another model that has the same name later.

    >>> whose("u")
    '0bfe935e'
    """
    return hashlib.sha256(uid.encode()).hexdigest()[:8]


def parsed(name: str) -> Name | None:
    """What a name is made of; None: it is not one of ours.

    >>> name = parsed("fraud/z7.1764000000000.2.0bfe935e/http")
    >>> name.word, name.protocol
    (Word(boot=1764000000000, number=2, since=7, whose='0bfe935e'), <Protocol.HTTP: 'http'>)
    >>> str(name), parsed("fraud/7/http")
    ('fraud/z7.1764000000000.2.0bfe935e/http', None)
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    word = Word(int(found["boot"]), int(found["number"]), int(found["since"]), found["whose"])
    return Name(found["model"], word, Protocol(found["protocol"]))


@dataclass(slots=True)
class Asked:
    """What became of a name that Envoy has asked for.

    Attributes:
        at: when it did, as far as is known.
        answered: when it was given a cluster.
        removed: it was told that there is none, or none any more.
    """

    at: float
    answered: float | None = None
    removed: bool = False

    @property
    def there(self) -> bool:
        """Whether Envoy has a cluster of that name."""
        return self.answered is not None and not self.removed


@dataclass(slots=True)
class Known:
    """What is known of the models of one name.

    Attributes:
        current: on what requests wait now; None: they do not wait.
        names: those that Envoy has asked for.
    """

    current: Word | None = None
    names: dict[Name, Asked] = field(default_factory=dict)

    def of(self, word: Word | None) -> list[Asked]:
        """What became of the names with a word."""
        return [asked for name, asked in self.names.items() if name.word == word]

    def asked_in(self, since: int, uid: str) -> bool:
        """Whether any was asked for in one sleep of one model."""
        return any((name.word.since, name.word.whose) == (since, whose(uid)) for name in self.names)

    def old(self, boots: Container[int]) -> set[Name]:
        """Names that are too many, but for those of which Envoy has a cluster: it has to go one day.

        Args:
            boots: what the names of this agent have in them; those are the youngest.
        """
        words = {name.word for name in self.names}
        old = set(sorted(words, key=lambda word: (word.boot in boots, word))[:-KNOWN])
        return {name for name, asked in self.names.items() if name.word in old and not asked.there}

    def forget(self, boots: Container[int]) -> None:
        """Old names that Envoy has been told of are gone here, too."""
        old = self.old(boots)
        self.names = {name: asked for name, asked in self.names.items() if name not in old or not asked.removed}


def each(known: dict[str, Known]) -> Iterator[tuple[Name, Asked]]:
    """The names of all models."""
    for one in known.values():
        yield from one.names.items()
