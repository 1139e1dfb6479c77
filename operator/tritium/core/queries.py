"""Queries of a rollout's own: what Prometheus is asked about a candidate, and what its answers are worth. Pure.

One answer is not worth a verdict. It is one evaluation over some scrapes, and the next may well be on the other side of
the bound; between two scrapes it is the same again. So a verdict takes answers that agree for a minute, and at least
three: then two different scrapes at the least stand behind it where targets are scraped every minute or more often.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final

from tritium.api.rollout import PrometheusGate
from tritium.api.status import ModelDeploymentStatus
from tritium.core.gate import Gate, Verdict
from tritium.core.ledger import Ledger, Progress
from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES
from tritium.core.seen import QuerySeen, Reading, Seen, Trouble
from tritium.core.strategy import strategy

AGREE_FOR: Final = timedelta(minutes=1)
AGREE_LEAST: Final = 3
"""For how long, and how many, answers in a row must be on one side of the bound."""

TELL_AFTER: Final = timedelta(minutes=2)
"""A query without a result is told of after this time: what is new has no data before it was scraped twice."""

COMPONENT: Final = "prometheus"


def questions(of: tuple[str, str], status: ModelDeploymentStatus, beside: int | None) -> dict[str, str]:
    r"""What Prometheus is to be asked now: PromQL by the name of the query; empty where no gate counts.

    Args:
        of: namespace and name of the ModelDeployment.
        status: its.
        beside: the revision that the one that is judged is held against.

    >>> status = ModelDeploymentStatus.model_validate({
    ...     "candidate": {"revision": 2, "judgedSince": "2026-01-01T12:00:00Z", "settings":
    ...         '{"steps":[{"weight":5}],"analysis":{"prometheus":[{"name":"up","max":1,"query":'
    ...         '"up{namespace=\\"{{namespace}}\\",pod=~\\"{{ deployment }}-.*\\"}"}]}}'},
    ...     "revisions": [{"revision": number, "name": f"fraud-{number}", "written": ""} for number in (1, 2)]})
    >>> questions(("ml", "fraud"), status, 1)["up"]
    'up{namespace="ml",pod=~"fraud-2-.*"}'
    """
    candidate, (namespace, name) = status.candidate, of
    if candidate is None or candidate.judged_since is None or beside is None:
        return {}
    deployments = {each.revision: each.name for each in status.revisions or ()}
    values = {
        "namespace": namespace,
        "name": name,
        "model": (status.traffic.model if status.traffic else None) or name,
        "revision": str(candidate.revision),
        "deployment": deployments.get(candidate.revision, ""),
        "stableRevision": str(beside),
        "stableDeployment": deployments.get(beside, ""),
    }
    gates = strategy(candidate.settings or "").analysis.prometheus or ()
    return {gate.name: filled_in(gate.query, values) for gate in gates}


def filled_in(query: str, values: Mapping[str, str]) -> str:
    """A query with its placeholders replaced. They are all known: the API refuses others.

    >>> filled_in('up{a="{{name}}-{{ revision }}"}', {"name": "fraud", "revision": "2"})
    'up{a="fraud-2"}'
    """
    return re.sub(r"\{\{ ?([A-Za-z]+) ?\}\}", lambda found: values[found[1]], query)


def with_reading(readings: Sequence[Reading], newest: Reading) -> tuple[Reading, ...]:
    """The readings that a verdict may take, with one more: those of the last minute, and the last one before."""
    kept = [*readings, newest]
    while len(kept) > AGREE_LEAST and newest.at - kept[1].at >= AGREE_FOR:
        del kept[0]
    return tuple(kept)


def query_gate(gate: PrometheusGate, seen: QuerySeen | None) -> Gate:
    """What a query's answers mean. No number is neither a pass nor a failure."""
    limit, least = (gate.max, "most") if gate.max is not None else (gate.min, "least")
    if seen is None or not seen.readings:
        why = (seen and seen.trouble) or "Prometheus has not answered yet."
        message = f'The query "{gate.name}" has no result: {why}'
        return Gate(gate.name, Verdict.INCONCLUSIVE, message, limit=limit, query=True)
    value = seen.readings[-1].value
    found = _verdict(gate, seen.readings)
    more = "" if found is not Verdict.INCONCLUSIVE else " A verdict takes answers that agree for a minute."
    message = f'The query "{gate.name}" gives {value:g}; at {least} {limit:g} is allowed.{more}'
    return Gate(gate.name, found, message, limit=limit, value=value, query=True)


def _verdict(gate: PrometheusGate, readings: Sequence[Reading]) -> Verdict:
    newest = readings[-1]
    fails = _is_outside(gate, newest)
    agree = list(takewhile(lambda each: _is_outside(gate, each) is fails, reversed(readings)))
    if len(agree) < AGREE_LEAST or newest.at - agree[-1].at < AGREE_FOR:
        return Verdict.INCONCLUSIVE
    return Verdict.FAIL if fails else Verdict.PASS


def _is_outside(gate: PrometheusGate, reading: Reading) -> bool:
    too_much = gate.max is not None and reading.value > gate.max
    too_little = gate.min is not None and reading.value < gate.min
    return too_much or too_little


def nobody_to_ask(progress: Progress, seen: Seen) -> bool:
    """Whether there are queries, and the operator knows no Prometheus: such a rollout does not start."""
    plan = strategy(progress.settings)
    # What is recreated is not judged, and nobody is served while it waits.
    return bool(plan.analysis.prometheus) and not plan.recreates and not seen.has_prometheus


def query_trouble(ledger: Ledger, seen: Seen, now: datetime) -> Trouble | None:
    """What is wrong with the first query that has no result: at once if it is a mistake, else when it lasts."""
    progress = ledger.progress
    if progress is None:
        return None
    if nobody_to_ask(progress, seen):
        message = f"rollout.analysis has queries, and this operator has no Prometheus. {REMEDIES[Reason.NO_PROMETHEUS]}"
        return Trouble(COMPONENT, Reason.NO_PROMETHEUS, message)
    if progress.paused:  # it has said what it waits for
        return None
    for gate in strategy(progress.settings).analysis.prometheus or ():
        known = seen.queries.get(gate.name)
        if known and known.trouble and (known.mistake or now - (known.since or now) >= TELL_AFTER):
            remedy = _remedy(known, bakes=progress.revision == ledger.stable)
            return Trouble(COMPONENT, Reason.QUERY_FAILED, f"{query_gate(gate, known).message} {remedy}")
    return None


def _remedy(known: QuerySeen, *, bakes: bool) -> str:
    """Who aborts in the bake goes back to the version before: a query without a number is no cause for that."""
    if known.silent:
        then = "until then this version is judged without it" if bakes else "the rollout goes on by itself then"
        return f"See that the operator can reach Prometheus: {then}."
    then = "A corrected one counts from the next rollout on: `abort` this one, correct the query, and `retry`."
    if bakes:
        then = "Correct it for the next rollout: this version serves, and is judged without it."
    return f"Try the query in Prometheus: it has to give one number. {then}"
