"""All lines of `tritium top`, and by what they are sorted."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from tritium.cli.facts.exposition import Model
from tritium.cli.facts.model import ModelFacts
from tritium.cli.facts.row import Row
from tritium.cli.facts.usage import Usage


@dataclass(frozen=True, slots=True)
class Top:
    """All that is shown.

    Attributes:
        at: when it was seen.
        everywhere: of all namespaces.
        missing: why what is counted is not shown; empty if it is.
        counting: it is asked for, and there is nothing yet to compare it with.
        silent: namespaces of which a gateway pod does not tell what it counts.
    """

    at: datetime
    rows: tuple[Row, ...]
    everywhere: bool = False
    missing: str = ""
    counting: bool = False
    silent: frozenset[str] = frozenset()

    @property
    def gpus(self) -> float:
        """That all of them hold."""
        return sum(row.gpus.value for row in self.rows if row.gpus)

    @property
    def is_rough(self) -> bool:
        """Whether any number is the status's."""
        return any(each and each.rough for row in self.rows for each in (row.rate, row.gpus))


class Sort(StrEnum):
    """By what lines are sorted: names by the alphabet, all else the most first."""

    NAME = "name"
    PODS = "pods"
    REQUESTS = "requests"
    ERRORS = "errors"
    P50 = "p50"
    P95 = "p95"
    FLIGHT = "flight"
    WAITING = "waiting"
    GPU = "gpu"
    GPUS = "gpus"


_SORTED: Final[Mapping[Sort, Callable[[Row], float | None]]] = {
    Sort.PODS: lambda row: row.wanted,
    Sort.REQUESTS: lambda row: row.rate.value if row.rate else None,
    Sort.ERRORS: lambda row: row.usage.errors,
    Sort.P50: lambda row: row.usage.median_ms,
    Sort.P95: lambda row: row.usage.p95_ms,
    Sort.FLIGHT: lambda row: row.usage.active,
    Sort.WAITING: lambda row: row.usage.pending,
    Sort.GPU: lambda row: row.usage.gpu,
    Sort.GPUS: lambda row: row.gpus.value if row.gpus else None,
}


def rows(models: Iterable[ModelFacts], used: Mapping[Model, Usage], by: Sort) -> tuple[Row, ...]:
    """A line for each, sorted; those of which the number is not known come last."""
    found = [Row(each, used.get(Model(each.namespace, each.name), Usage())) for each in models]
    number = _SORTED.get(by)

    def place(row: Row) -> tuple[float, str, str]:
        value = number(row) if number else None
        return (float("inf") if value is None else -value, row.facts.namespace, row.facts.name)

    return tuple(sorted(found, key=place))
