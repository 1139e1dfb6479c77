"""What a model does at the same time, and what follows from it: when a server is full, and what it is meant to have."""

from dataclasses import dataclass
from typing import Final

from tritium.core.scaling.controller import NO_BACKLOG

SHARE: Final = 0.7
"""Of half a batch for each instance: what a server is meant to have in flight while it is not known what it can do."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """See the module.

    Attributes:
        instances: of the model, in one server.
        batch: requests that one instance takes together; 1 where it takes no batches.
    """

    instances: int
    batch: int

    def is_full(self, pending: int) -> bool:
        """Whether so many wait that the server has all to do that it can.

        Half a batch for each instance, and four: one or two also wait where there is much time left over.

        >>> [AtOnce(1, 1).is_full(3), AtOnce(1, 1).is_full(4), AtOnce(2, 16).is_full(15), AtOnce(2, 16).is_full(16)]
        [False, True, False, True]
        """
        return pending >= max(NO_BACKLOG, self.batch // 2) * self.instances

    @property
    def flight(self) -> float:
        """Requests in flight that a server is meant to have.

        >>> round(AtOnce(2, 16).flight, 1), AtOnce(1, 1).flight
        (11.2, 0.7)
        """
        return SHARE * self.instances * max(1.0, self.batch / 2)
