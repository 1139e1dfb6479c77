"""What a measurement has to come to: printed beside what it came to, and a measurement that misses one has failed."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Aim:
    """A bound.

    Attributes:
        what: what was measured, with its unit.
        measured: what it came to.
        most: what it may come to.
    """

    what: str
    measured: float
    most: float

    @property
    def is_met(self) -> bool:
        """Whether it is within its bound; what is no number is not.

        >>> Aim("p99, ms", 250.0, 250.0).is_met, Aim("p99, ms", float("nan"), 250.0).is_met
        (True, False)
        """
        return self.measured <= self.most


def judge(console: Console, aims: Iterable[Aim]) -> None:
    """Print them, and end the program with 1 if one is missed."""
    table = Table("has to be", "measured", "at most", "")
    missed = []
    for each in aims:
        table.add_row(each.what, f"{each.measured:.4g}", f"{each.most:g}", "met" if each.is_met else "MISSED")
        missed += [] if each.is_met else [each.what]
    console.print(table)
    if missed:
        sys.exit(f"bench: missed: {'; '.join(missed)}")
