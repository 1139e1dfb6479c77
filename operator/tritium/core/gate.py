"""What one gate sees and what it makes of it, for the rollout, for people and for the status. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tritium.api.status import GateStatus


class Verdict(StrEnum):
    """What a gate makes of it, in the words of the status."""

    PASS = "Pass"  # noqa: S105 - no password
    FAIL = "Fail"
    INCONCLUSIVE = "Inconclusive"


@dataclass(frozen=True, slots=True)
class Gate:
    """What one gate sees.

    Attributes:
        name: errors, refused, latency, restarts, or the name of a query.
        verdict: what it makes of it.
        message: a sentence for people.
        requests: n: the candidate's requests in the window; None where the gate does not count any.
        bad: k: those of them that failed, were refused or were slow. Of restarts: how many.
        lower, upper: Wilson's bounds of the candidate's true share.
        stable_share: the stable revision's share in the same window, where it has had a request.
        limit: the share, the restarts or the result that is allowed.
        value: result of the query.
        query: it is a query of Prometheus. Without a verdict of it nothing goes on, however few requests are asked for.
    """

    name: str
    verdict: Verdict
    message: str
    requests: int | None = None
    bad: int | None = None
    lower: float | None = None
    upper: float | None = None
    stable_share: float | None = None
    limit: float | None = None
    value: float | None = None
    query: bool = False

    @property
    def holds(self) -> bool:
        """Whether it is not for want of requests that nothing is sure."""
        return self.query or (self.lower is not None and self.limit is not None and self.lower > self.limit)


def together(gates: Iterable[Gate]) -> Verdict:
    """What they say together: one that fails is enough, and to pass takes all of them.

    >>> str(together([Gate("errors", Verdict.PASS, ""), Gate("restarts", Verdict.INCONCLUSIVE, "")]))
    'Inconclusive'
    """
    verdicts = {gate.verdict for gate in gates}
    if Verdict.FAIL in verdicts:
        return Verdict.FAIL
    return Verdict.PASS if verdicts == {Verdict.PASS} else Verdict.INCONCLUSIVE


def gate_status(gates: Iterable[Gate], before: Iterable[GateStatus] | None, now: datetime) -> list[GateStatus]:
    """The gates, each with the time since when its verdict is the same.

    Args:
        gates: what they see.
        before: what the status shows of the same step; None at its beginning.
        now: the time.
    """
    known = {(each.name, each.verdict): each.since for each in before or ()}
    return [
        GateStatus(
            name=gate.name,
            verdict=gate.verdict.value,
            requests=gate.requests,
            bad=gate.bad,
            lower=_rounded(gate.lower),
            upper=_rounded(gate.upper),
            stable_share=_rounded(gate.stable_share),
            limit=_rounded(gate.limit),
            value=gate.value,
            message=gate.message if gate.query and gate.value is None else None,
            since=known.get((gate.name, gate.verdict.value)) or now,
        )
        for gate in gates
    ]


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 6)
