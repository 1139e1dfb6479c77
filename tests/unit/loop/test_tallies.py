"""What the arms did: it goes on where the status stands, whichever process counts."""

from __future__ import annotations

from tests.unit.loop.test_windows import KEY, Counted
from tritium.api.status import ArmStatus, ExperimentEnded, ModelDeploymentStatus
from tritium.loop.tallies import Tallies

ARMS = [ArmStatus(name="a", revision=2), ArmStatus(name="stable", revision=1)]


def status(*arms: ArmStatus) -> ModelDeploymentStatus:
    return ModelDeploymentStatus(arms=list(arms or ARMS))


def did(tallies: Tallies, of: ModelDeploymentStatus) -> dict[int, tuple[int, int]]:
    return {number: (each.requests, each.failed) for number, each in tallies.seen(KEY, of).items()}


def test_it_counts_from_the_beginning_of_the_experiment() -> None:
    counted = Counted()
    tallies = Tallies(counted.counting)
    counted.more(r1=(900, 9), r2=(100, 1))
    assert did(tallies, status()) == {1: (0, 0), 2: (0, 0)}
    counted.more(r1=(90, 0), r2=(9, 1))
    assert did(tallies, status()) == {1: (90, 0), 2: (10, 1)}


def test_what_the_status_says_by_now_is_not_counted_twice() -> None:
    counted = Counted()
    tallies = Tallies(counted.counting)
    did(tallies, status())
    counted.more(r2=(9, 1))
    written = ArmStatus(name="a", revision=2, requests=10, errors=1)
    assert did(tallies, status(written)) == {2: (10, 1)}


def test_another_process_goes_on_where_the_first_wrote_last() -> None:
    counted = Counted()
    counted.more(r2=(50, 0))
    tallies = Tallies(counted.counting)
    written = ArmStatus(name="a", revision=2, requests=1000, errors=10, buckets=[0, 1000])
    assert tallies.seen(KEY, status(written))[2].latency[:3] == ((1, 0), (2, 1000), (5, 1000))
    counted.more(r2=(5, 5))
    assert did(tallies, status(written)) == {2: (1010, 15)}


def test_another_revision_begins_anew() -> None:
    counted = Counted()
    tallies = Tallies(counted.counting)
    did(tallies, status())
    counted.more(r2=(9, 1), r3=(7, 0))
    assert did(tallies, status(ArmStatus(name="a", revision=3))) == {3: (0, 0)}


def test_an_experiment_that_is_over_counts_nothing_and_one_without_arms_has_nothing() -> None:
    counted = Counted()
    tallies = Tallies(counted.counting)
    did(tallies, status())
    counted.more(r2=(9, 1))
    ended = ExperimentEnded(written="x", reason="EndsAt", at="2026-01-01T00:00:00Z")
    assert tallies.seen(KEY, status().model_copy(update={"experiment_ended": ended})) == {}
    assert did(tallies, status()) == {1: (0, 0), 2: (0, 0)}
    assert tallies.seen(KEY, ModelDeploymentStatus()) == {}
    assert tallies.seen(KEY, status(ArmStatus(name="a"))) == {}
