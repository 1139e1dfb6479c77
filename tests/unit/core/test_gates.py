"""What each gate makes of what was counted, and what it says of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import chain, repeat

import pytest

from tritium.api.rollout import Analysis, ErrorGate, LatencyGate, PrometheusGate, RestartGate
from tritium.api.status import GateStatus
from tritium.core.counts import GRPC, HTTP, NO_ENDPOINT, OVERFLOW, RETRIES, SUM, Part
from tritium.core.gate import Gate, Verdict, gate_status, together
from tritium.core.gates import judge
from tritium.core.sample import Sample, minus, sample
from tritium.core.seen import QuerySeen, Reading

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FINE = Sample(1000)


def gate(
    name: str,
    candidate: Sample = FINE,
    stable: Sample = FINE,
    *,
    analysis: Analysis | None = None,
    restarts: int | None = 0,
) -> Gate:
    (found,) = (each for each in judge(analysis, candidate, stable, restarts, {}) if each.name == name)
    return found


@pytest.mark.parametrize(
    ("kind", "codes", "failed", "refused"),
    [
        (HTTP, (200, 204, 304), 0, 0),
        (HTTP, (400, 401, 404, 408, 409, 413, 422, 499), 0, 1),
        (HTTP, (429, 500, 502, 503, 504, 599), 1, 0),
        (GRPC, (0,), 0, 0),
        (GRPC, (1, 3, 5, 6, 7, 9, 10, 11, 12, 16), 0, 1),
        (GRPC, (2, 4, 8, 13, 14, 15, 17, 99), 1, 0),
    ],
)
def test_codes(kind: str, codes: tuple[int, ...], failed: int, refused: int) -> None:
    for code in codes:
        assert sample({Part(kind, str(code)): 1}) == Sample(1, failed, refused), code


def test_only_the_codes_count_requests() -> None:
    """A request that found no endpoint, or one too many, has an answer of the gateway's, with a code."""
    beside: dict[Part, float] = dict.fromkeys((NO_ENDPOINT, OVERFLOW, RETRIES), 5)
    assert sample({Part(HTTP, "503"): 5, SUM: 123.4} | beside) == Sample(5, failed=5)


def test_both_protocols_together() -> None:
    counts = {Part(HTTP, "200"): 10, Part(GRPC, "0"): 20, Part(GRPC, "14"): 2, Part(HTTP, "400"): 3}
    assert sample(counts) == Sample(35, failed=2, refused=3)


def test_a_window_in_which_the_counting_began_anew() -> None:
    before = Sample(100, failed=1, latency=((5, 60), (10, 100)))
    assert minus(Sample(130, failed=2, latency=((5, 70), (10, 130))), before) == Sample(
        30, failed=1, latency=((5, 10), (10, 30))
    )
    for anew in (
        Sample(50),
        Sample(400, failed=0),
        Sample(100, failed=30),
        Sample(130, failed=2, latency=((5, 131), (10, 131))[:1]),
        Sample(130, failed=2, latency=((5, 110), (10, 120))),
    ):
        assert minus(anew, before) == anew


@pytest.mark.parametrize(
    ("candidate", "stable", "expected"),
    [
        # Alone at the absolute limit of 1 %.
        (Sample(49), FINE, INCONCLUSIVE),
        (Sample(50), FINE, PASS),
        (Sample(50, failed=1), FINE, PASS),
        (Sample(50, failed=2), FINE, INCONCLUSIVE),
        (Sample(1000, failed=15), FINE, INCONCLUSIVE),
        (Sample(100, failed=20), FINE, FAIL),
        # Few requests fail it, as soon as they cannot be chance; a hiccup does not.
        (Sample(12, failed=8), FINE, FAIL),
        (Sample(4, failed=4), FINE, INCONCLUSIVE),
        (Sample(5, failed=5), FINE, FAIL),
        # Where the stable revision fails as well, it is not the candidate's doing.
        (Sample(100, failed=20), Sample(900, failed=180), PASS),
        (Sample(100, failed=20), Sample(900, failed=130), PASS),
        (Sample(100, failed=30), Sample(900, failed=130), INCONCLUSIVE),
        (Sample(100, failed=60), Sample(900, failed=130), FAIL),
        # The stable revision has so few that what it does is not known.
        (Sample(100, failed=20), Sample(30), INCONCLUSIVE),
        (Sample(30, failed=6), Sample(30), INCONCLUSIVE),
        (Sample(60, failed=30), Sample(60, failed=30), PASS),
        (Sample(60, failed=30), Sample(49, failed=24), INCONCLUSIVE),
        # It gets none any more.
        (Sample(49, failed=20), Sample(), INCONCLUSIVE),
        (Sample(50, failed=20), Sample(), FAIL),
        (Sample(100, failed=20), Sample(3, failed=3), FAIL),
        (Sample(100, failed=1), Sample(), PASS),
    ],
)
def test_errors(candidate: Sample, stable: Sample, expected: Verdict) -> None:
    assert gate("errors", candidate, stable).verdict is expected


def test_the_numbers_of_a_gate() -> None:
    found = gate("errors", Sample(100, failed=3), Sample(900, failed=9))
    assert (found.requests, found.bad, found.stable_share, found.limit) == (100, 3, 0.01, 0.015)
    assert found.lower == pytest.approx(0.01462, abs=1e-5)
    assert found.upper == pytest.approx(0.06057, abs=1e-5)
    assert gate("errors", stable=Sample()).stable_share is None


@pytest.mark.parametrize(
    ("stable", "least"),
    [(Sample(900), 8), (Sample(900, failed=1), 8), (Sample(900, failed=9), 13), (Sample(100), 20), (Sample(), 8)],
)
def test_how_many_failures_in_a_hundred_requests_are_proof(stable: Sample, least: int) -> None:
    failing = (failed for failed in range(101) if gate("errors", Sample(100, failed=failed), stable).verdict is FAIL)
    assert next(failing) == least


@pytest.mark.parametrize(
    ("errors", "candidate", "stable", "expected"),
    [
        (ErrorGate(max_share=0.3), Sample(1000, failed=200), FINE, PASS),
        (ErrorGate(max_share=0), Sample(50), FINE, PASS),
        (ErrorGate(max_share=0), Sample(50, failed=1), FINE, INCONCLUSIVE),
        (ErrorGate(max_share=0), Sample(50, failed=5), Sample(10_000), FAIL),
        (ErrorGate(max_share=1), Sample(50, failed=50), FINE, PASS),
        (ErrorGate(vs_stable=5), Sample(100, failed=20), Sample(900, failed=50), PASS),
        (ErrorGate(vs_stable=1), Sample(9000, failed=1800), Sample(9000, failed=1000), FAIL),
    ],
)
def test_errors_as_the_user_wants(errors: ErrorGate, candidate: Sample, stable: Sample, expected: Verdict) -> None:
    assert gate("errors", candidate, stable, analysis=Analysis(errors=errors)).verdict is expected


def test_the_smallest_sample() -> None:
    for requests, expected in ((10, PASS), (9, INCONCLUSIVE)):
        assert gate("errors", Sample(requests), analysis=Analysis(min_requests=10)).verdict is expected
    assert gate("errors", Sample(500), analysis=Analysis(min_requests=501)).verdict is INCONCLUSIVE
    many = Analysis(min_requests=10_000)
    assert gate("errors", Sample(60, failed=60), Sample(), analysis=many).verdict is FAIL, "it waits to pass only"


@pytest.mark.parametrize(
    ("candidate", "stable", "expected"),
    [
        (Sample(1000), FINE, PASS),
        # Its inputs are others: each request is refused, and none was before.
        (Sample(20, refused=20), FINE, FAIL),
        (Sample(100, refused=20), FINE, FAIL),
        # Clients that err with any version.
        (Sample(100, refused=20), Sample(900, refused=180), PASS),
        (Sample(100, refused=100), Sample(900, refused=900), PASS),
        # Nobody knows what they did before.
        (Sample(100, refused=100), Sample(), INCONCLUSIVE),
        (Sample(100, refused=1), Sample(), PASS),
        (Sample(49), FINE, INCONCLUSIVE),
    ],
)
def test_refused(candidate: Sample, stable: Sample, expected: Verdict) -> None:
    assert gate("refused", candidate, stable).verdict is expected
    assert gate("errors", candidate, stable).verdict is not FAIL


def slow(requests: int, slow: int) -> Sample:
    """So many requests, and those of them that took between 250 and 500 ms."""
    return Sample(requests, latency=((5.0, requests - slow), (500.0, requests)))


@pytest.mark.parametrize(
    ("threshold", "candidate", "stable", "expected"),
    [
        ("250ms", slow(1000, 50), slow(1000, 0), PASS),
        ("250ms", slow(1000, 200), slow(1000, 0), FAIL),
        ("250ms", slow(1000, 200), slow(1000, 200), PASS),
        ("250ms", slow(1000, 60), slow(1000, 30), INCONCLUSIVE),
        # Between two bounds it is not known; what is above the next one is certainly slow.
        ("251ms", slow(1000, 1000), slow(1000, 0), PASS),
        ("200ms", slow(1000, 1000), slow(1000, 0), FAIL),
        ("500ms", slow(1000, 1000), slow(1000, 0), PASS),
        ("0s", slow(1000, 0), slow(1000, 1000), PASS),
        # The gateway measures the time of those that a pod answered: none here.
        ("250ms", Sample(1000), Sample(1000), INCONCLUSIVE),
        ("2h", slow(1000, 0), slow(1000, 0), INCONCLUSIVE),
    ],
)
def test_latency(threshold: str, candidate: Sample, stable: Sample, expected: Verdict) -> None:
    analysis = Analysis(latency=LatencyGate(threshold=threshold))
    assert gate("latency", candidate, stable, analysis=analysis).verdict is expected


@pytest.mark.parametrize(
    ("latency", "candidate", "stable", "expected"),
    [
        (LatencyGate(threshold="250ms", max_share_above=0.3), slow(1000, 200), slow(1000, 0), PASS),
        (LatencyGate(threshold="250ms", max_share_above=0), slow(1000, 1), slow(1000, 0), INCONCLUSIVE),
        (LatencyGate(threshold="250ms", vs_stable=5), slow(1000, 300), slow(1000, 70), PASS),
        (LatencyGate(threshold="250ms"), slow(1000, 300), slow(1000, 70), FAIL),
    ],
)
def test_latency_as_the_user_wants(latency: LatencyGate, candidate: Sample, stable: Sample, expected: Verdict) -> None:
    assert gate("latency", candidate, stable, analysis=Analysis(latency=latency)).verdict is expected


def test_latency_decides_only_if_it_is_asked_for() -> None:
    assert [each.name for each in judge(None, FINE, FINE, 0, {})] == ["errors", "refused", "restarts"]


@pytest.mark.parametrize(
    ("restarts", "most", "expected"),
    [(0, None, PASS), (1, None, FAIL), (2, 2, PASS), (3, 2, FAIL), (None, 2, INCONCLUSIVE)],
)
def test_restarts(restarts: int | None, most: int | None, expected: Verdict) -> None:
    analysis = Analysis(restarts=RestartGate(max=most))
    assert gate("restarts", restarts=restarts, analysis=analysis).verdict is expected


def test_queries_are_gates_under_their_own_names() -> None:
    analysis = Analysis(prometheus=[PrometheusGate(name=name, query="up", max=0.5) for name in ("drift", "cost")])
    readings = tuple(Reading(NOW + timedelta(seconds=30 * number), 0.9) for number in range(3))
    found = judge(analysis, FINE, FINE, 0, {"cost": QuerySeen(readings)})
    assert [(each.name, each.verdict) for each in found[3:]] == [("drift", INCONCLUSIVE), ("cost", FAIL)]
    assert together(found) is FAIL


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (gate("errors", Sample()), "No request yet. At most 1 % is allowed. It takes 50 requests to tell."),
        (
            gate("errors", Sample(49, failed=1)),
            (
                "1 of 49 requests failed: 2.04 %, in truth likely 0.612 % to 6.58 %. At most 1 % is allowed. It takes "
                "50 requests to tell."
            ),
        ),
        (
            gate("errors", Sample(1000, failed=40), Sample(19_000, failed=380)),
            (
                "40 of 1,000 requests failed: 4 %, in truth likely 3.28 % to 4.87 %. At most 3 % is allowed, 1.5 "
                "times the stable revision's 2 %. More requests will tell."
            ),
        ),
        (
            gate("refused", Sample(20, refused=20)),
            "20 of 20 requests were refused: 100 %, in truth likely 92.4 % to 100 %. At most 1 % is allowed.",
        ),
        (
            gate("latency", slow(1000, 0), analysis=Analysis(latency=LatencyGate(threshold="1500ms"))),
            (
                "0 of 1,000 requests took longer than 2,500 ms (the gateway's next bound above 1,500 ms): 0 %, in "
                "truth likely 0 % to 0.164 %. At most 5 % is allowed."
            ),
        ),
        (
            gate("latency", analysis=Analysis(latency=LatencyGate(threshold="2h"))),
            "latency.threshold is above 3,600,000 ms, the longest time that the gateway tells apart.",
        ),
        (gate("restarts", restarts=2), "Restarts of its containers: 2. At most 0 is allowed."),
        (gate("restarts", restarts=None), "The restarts of its containers are not known."),
    ],
)
def test_what_people_read(found: Gate, message: str) -> None:
    assert found.message == message


def test_what_gates_say_together() -> None:
    def of(*verdicts: Verdict) -> Verdict:
        return together(Gate("any", each, "") for each in verdicts)

    assert of(PASS, PASS) is PASS
    assert of(PASS, INCONCLUSIVE) is INCONCLUSIVE
    assert of(PASS, INCONCLUSIVE, FAIL) is FAIL
    assert of() is INCONCLUSIVE


def test_the_status_says_since_when() -> None:
    first = gate_status(judge(None, Sample(9), FINE, 0, {}), None, NOW)
    later = NOW + timedelta(minutes=5)
    second = gate_status(judge(None, Sample(60, failed=2), FINE, 0, {}), first, later)
    assert [(each.name, each.verdict, each.since) for each in second] == [
        ("errors", "Inconclusive", NOW),
        ("refused", "Pass", later),
        ("restarts", "Pass", NOW),
    ]
    assert second[0] == GateStatus(
        name="errors",
        verdict="Inconclusive",
        requests=60,
        bad=2,
        lower=0.013938,
        upper=0.077596,
        stable_share=0.0,
        limit=0.01,
        since=NOW,
    )


def test_a_broken_version_is_found_long_before_it_has_all_requests() -> None:
    """Requests one after the other, each fifth of the candidate's fails, nineteen go to the stable revision."""
    failing = chain(repeat(False, 4), repeat(True, 1))
    pattern, candidate, stable = list(failing), Sample(), Sample()
    while gate("errors", candidate, stable).verdict is not FAIL:
        failed = pattern[candidate.requests % len(pattern)]
        candidate = Sample(candidate.requests + 1, candidate.failed + failed)
        stable = Sample(stable.requests + 19)
    assert candidate.requests <= 40
