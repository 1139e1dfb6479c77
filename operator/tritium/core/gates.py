"""The gates: what a candidate must show in a step, each with its verdict and a sentence for people. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from tritium.api.gateway import BOUNDS_MS
from tritium.api.rollout import Analysis, ErrorGate, LatencyGate, RestartGate
from tritium.core.excess import Allowed, verdict
from tritium.core.gate import Gate, Verdict
from tritium.core.proportion import Tally, wilson
from tritium.core.queries import query_gate
from tritium.core.revision import length
from tritium.core.sample import Sample, bound_of
from tritium.core.seen import QuerySeen

MIN_REQUESTS: Final = 50
MAX_FAILED: Final = 0.01
MAX_SLOW: Final = 0.05
VS_STABLE: Final = 1.5
MAX_RESTARTS: Final = 0

ERRORS: Final = "errors"
REFUSED: Final = "refused"
LATENCY: Final = "latency"
RESTARTS: Final = "restarts"

SHARES: Final = frozenset({ERRORS, REFUSED, LATENCY})
"""Gates that compare a share with the stable revision's."""

_MS: Final = timedelta(milliseconds=1)


def judge(
    analysis: Analysis | None,
    candidate: Sample,
    stable: Sample,
    restarts: int | None,
    queries: Mapping[str, QuerySeen],
) -> tuple[Gate, ...]:
    """The gates of a step, in the order of their names in the API.

    Args:
        analysis: as the user wrote it.
        candidate: what the candidate did in the step.
        stable: what the stable revision did in the same time; where it gets no requests any more, in the last window
            in which it did. An empty sample leaves the absolute limits.
        restarts: of the candidate's containers in the step; None if not known.
        queries: what Prometheus says, by the name of the query; no entry if it has said nothing yet.

    >>> gates = judge(None, Sample(400, failed=80), Sample(3600, failed=4), 0, {})
    >>> [(gate.name, str(gate.verdict)) for gate in gates]
    [('errors', 'Fail'), ('refused', 'Pass'), ('restarts', 'Pass')]
    >>> gates[0].message
    '80 of 400 requests failed: 20 %, in truth likely 17.6 % to 22.7 %. At most 1 % is allowed.'
    """
    wanted = analysis or Analysis()
    return (
        *_shares(wanted, candidate, stable),
        _restarts(wanted.restarts or RestartGate(), restarts),
        *(query_gate(gate, queries.get(gate.name)) for gate in wanted.prometheus or ()),
    )


def _shares(wanted: Analysis, candidate: Sample, stable: Sample) -> Iterator[Gate]:
    errors = wanted.errors or ErrorGate()
    share = MAX_FAILED if errors.max_share is None else errors.max_share
    allowed = Allowed(share, errors.vs_stable or VS_STABLE, wanted.min_requests or MIN_REQUESTS)
    failed, failed_of_stable = (Tally(it.failed, it.requests) for it in (candidate, stable))
    yield _share((ERRORS, "failed"), failed, failed_of_stable, allowed)
    # Clients that err with any version are no fault of this one.
    beside_stable = replace(allowed, beside_stable=True)
    refused, refused_of_stable = (Tally(it.refused, it.requests) for it in (candidate, stable))
    yield _share((REFUSED, "were refused"), refused, refused_of_stable, beside_stable)
    if wanted.latency:
        yield _latency(wanted.latency, allowed.requests, candidate, stable)


def _latency(gate: LatencyGate, least: int, candidate: Sample, stable: Sample) -> Gate:
    threshold = length(gate.threshold) / _MS
    bound = bound_of(threshold)
    if bound is None:
        message = f"latency.threshold is above {BOUNDS_MS[-1]:,} ms, the longest time that the gateway tells apart."
        return Gate(LATENCY, Verdict.INCONCLUSIVE, message)
    share = MAX_SLOW if gate.max_share_above is None else gate.max_share_above
    allowed = Allowed(share, gate.vs_stable or VS_STABLE, least)
    next_above = "" if bound == threshold else f" (the gateway's next bound above {threshold:,g} ms)"
    did = f"took longer than {bound:,g} ms{next_above}"
    return _share((LATENCY, did), candidate.slower_than(bound), stable.slower_than(bound), allowed)


def _share(question: tuple[str, str], candidate: Tally, stable: Tally, allowed: Allowed) -> Gate:
    name, did = question
    found = verdict(candidate, stable, allowed)
    lower, upper = wilson(candidate)
    return Gate(
        name,
        found,
        f"{_seen(did, candidate)} {_allowed(stable, allowed)}{_missing(found, candidate, allowed)}",
        requests=candidate.requests,
        bad=candidate.bad,
        lower=lower,
        upper=upper,
        stable_share=stable.share if stable.requests else None,
        limit=allowed.limit(stable),
    )


def _seen(did: str, candidate: Tally) -> str:
    if not candidate.requests:
        return "No request yet."
    likely = " to ".join(_percent(bound) for bound in wilson(candidate))
    counted = f"{candidate.bad:,} of {candidate.requests:,} requests {did}"
    return f"{counted}: {_percent(candidate.share)}, in truth likely {likely}."


def _allowed(stable: Tally, allowed: Allowed) -> str:
    limit = allowed.limit(stable)
    compared = f"{allowed.ratio:g} times the stable revision's {_percent(stable.share)}"
    return f"At most {_percent(limit)} is allowed{f', {compared}' if limit > allowed.share else ''}."


def _missing(found: Verdict, candidate: Tally, allowed: Allowed) -> str:
    if found is not Verdict.INCONCLUSIVE:
        return ""
    enough = candidate.requests >= allowed.requests
    return " More requests will tell." if enough else f" It takes {allowed.requests:,} requests to tell."


def _restarts(gate: RestartGate, restarts: int | None) -> Gate:
    limit = MAX_RESTARTS if gate.max is None else gate.max
    if restarts is None:
        return Gate(RESTARTS, Verdict.INCONCLUSIVE, "The restarts of its containers are not known.", limit=limit)
    found = Verdict.FAIL if restarts > limit else Verdict.PASS
    message = f"Restarts of its containers: {restarts}. At most {limit} is allowed."
    return Gate(RESTARTS, found, message, bad=restarts, limit=limit)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
