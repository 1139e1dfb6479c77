"""What a candidate and the stable revision did since the gates of a step count."""

from datetime import UTC, datetime

from tritium.api.gateway import GatewayCounters, RevisionCounters
from tritium.api.status import CandidateStatus, ModelDeploymentStatus, RevisionStatus, StableStatus
from tritium.core.sample import Sample
from tritium.kube.store import Key
from tritium.loop.counting import Counting
from tritium.loop.windows import Windows

KEY = Key("ml", "fraud")
FIRST, SECOND = (datetime(2026, 1, 1, 12, minute, tzinfo=UTC) for minute in (0, 5))


def status(since: datetime | None, candidate: int = 2) -> ModelDeploymentStatus:
    return ModelDeploymentStatus(
        stable=StableStatus(revision=1), candidate=CandidateStatus(revision=candidate, judged_since=since)
    )


class Counted:
    """Counters that go up."""

    def __init__(self) -> None:
        self.counting = Counting(lambda _: True)
        self.windows = Windows(self.counting)
        self.totals = {1: (0, 0), 2: (0, 0), 3: (0, 0)}
        self.without_pods = {1: 0, 2: 0, 3: 0}
        self.more()

    def more(self, *, at: float = 0, **revisions: tuple[int, int]) -> None:
        """Good and failed requests, by `r1` and so on, as they are told so many seconds after the beginning."""
        for name, (good, bad) in revisions.items():
            had = self.totals[int(name[1:])]
            self.totals[int(name[1:])] = (had[0] + good, had[1] + bad)
        counters = [
            RevisionCounters(
                name="fraud", revision=number, codes={"200": good, "500": bad}, grpc={}, buckets=[], latency_sum_ms=0.0,
                active=0, none_healthy=self.without_pods[number], overflow=0, retries=0,
            )
            for number, (good, bad) in self.totals.items()
        ]  # fmt: skip
        told = GatewayCounters(models=[], revisions=counters)
        self.counting.take_in("gw-a", "ml", told, began_before=False, at=at)

    def seen(self, of: ModelDeploymentStatus) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Requests and failures: the candidate's and the stable revision's."""
        window = self.windows.seen(KEY, of, FIRST)
        return (brief(window.candidate), brief(window.stable)) if window else None


def brief(of: Sample) -> tuple[int, int]:
    return of.requests, of.failed


def test_it_counts_from_when_it_is_first_asked_for() -> None:
    counted = Counted()
    counted.more(r1=(900, 9), r2=(100, 1))
    assert counted.seen(status(FIRST)) == ((0, 0), (0, 0))
    counted.more(r1=(90, 0), r2=(9, 1))
    assert counted.seen(status(FIRST)) == ((10, 1), (90, 0))


def test_another_step_and_another_candidate_begin_anew() -> None:
    counted = Counted()
    counted.seen(status(FIRST))
    counted.more(r1=(40, 0), r2=(40, 0))
    assert counted.seen(status(SECOND)) == ((0, 0), (40, 0))
    counted.more(r3=(5, 0), r1=(1, 0))
    assert counted.seen(status(SECOND, candidate=3)) == ((0, 0), (0, 0))


def baking() -> ModelDeploymentStatus:
    """The second revision has become stable, and is judged on."""
    return ModelDeploymentStatus(
        stable=StableStatus(revision=2),
        candidate=CandidateStatus(revision=2, judged_since=SECOND, settings="{}"),
        revisions=[known(1, promoted_at=FIRST, demoted_at=SECOND), known(2, promoted_at=SECOND)],
    )


def known(number: int, **times: datetime) -> RevisionStatus:
    return RevisionStatus(revision=number, name=f"fraud-{number}", written="w", fingerprint="f", **times)


def test_what_bakes_is_compared_with_what_the_one_before_did_last() -> None:
    counted = Counted()
    counted.seen(status(FIRST))
    counted.more(r1=(90, 10), r2=(10, 0))
    assert counted.seen(status(FIRST)) == ((10, 0), (100, 10))
    assert counted.seen(baking()) == ((0, 0), (100, 10))
    counted.more(r2=(50, 5))
    assert counted.seen(baking()) == ((55, 5), (100, 10))


def test_of_what_got_everything_at_once_all_that_is_known_is_compared() -> None:
    counted = Counted()
    counted.more(r1=(900, 100))
    assert counted.seen(baking()) == ((0, 0), (1_000, 100))
    counted.more(r2=(50, 5))
    assert counted.seen(baking()) == ((55, 5), (1_000, 100))


def test_of_what_got_everything_at_once_an_old_outage_counts_for_nothing() -> None:
    counted = Counted()
    counted.more(r1=(1_000, 500))
    for at in range(300, 1_200, 5):
        counted.more(at=at, r1=(1, 0))
    seen = counted.seen(baking())
    assert seen
    assert seen[1] in {(60 + n, 0) for n in range(61)}, "what it did in the last five to ten minutes"


def test_what_found_no_pod_at_all_is_not_what_the_one_before_is_like() -> None:
    """It was recreated a minute ago: the outage that was asked for does not loosen the limit for the next one."""
    counted = Counted()
    counted.without_pods[1] = 375
    counted.more(r1=(1_000, 377))
    assert counted.seen(baking()) == ((0, 0), (1_002, 2))


def test_of_a_quiet_one_all_that_is_known_is_compared() -> None:
    counted = Counted()
    counted.more(r1=(900, 9))
    for at in (600, 1_200, 1_800):
        counted.more(at=at, r1=(5, 0))
    assert counted.seen(baking()) == ((0, 0), (924, 9))


def test_without_a_step_there_is_none() -> None:
    counted = Counted()
    assert counted.seen(status(None)) is None
    assert counted.seen(ModelDeploymentStatus()) is None
    counted.seen(status(FIRST))
    counted.more(r2=(9, 0))
    assert counted.seen(status(None)) is None
    assert counted.seen(status(FIRST)) == ((0, 0), (0, 0))


def test_what_gets_no_requests_any_more_is_compared_by_its_last_window() -> None:
    """With all of the traffic the candidate would otherwise be worse than nothing."""
    counted = Counted()
    counted.seen(status(FIRST))
    counted.more(r1=(380, 20), r2=(380, 20))
    counted.seen(status(FIRST))
    assert counted.seen(status(SECOND)) == ((0, 0), (400, 20))
    counted.more(r2=(95, 5), r1=(3, 0))
    assert counted.seen(status(SECOND)) == ((100, 5), (400, 20))
    counted.more(r1=(60, 0))
    assert counted.seen(status(SECOND)) == ((100, 5), (63, 0))
