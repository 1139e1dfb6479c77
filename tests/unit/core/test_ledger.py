"""What must survive a restart, and what is forgotten."""

from datetime import datetime

from tests.unit.core.seeing import ALL, NOW, RETRIED, after, revision, told
from tritium.api.status import LastRollback, ModelDeploymentStatus, RejectedRevision, RevisionStatus
from tritium.api.traffic_status import TrafficLimits
from tritium.core.ledger import REJECTED_LIMIT, Ledger, read

TOLD = told(
    7,
    (revision(2, "b"), 0),
    (revision(1), ALL),
    sticky_header="x-user-id",
    limits=TrafficLimits(timeout_ms=1000, max_request_bytes=2**50),
    host="models.example.com",
    path="/fraud",
)


def row(number: int, promoted: datetime | None = None, demoted: datetime | None = None) -> RevisionStatus:
    return RevisionStatus(
        revision=number, name=f"fraud-{number}", written="a", promoted_at=promoted, demoted_at=demoted
    )


def test_an_empty_status_is_an_empty_ledger() -> None:
    assert read(ModelDeploymentStatus()) == Ledger()


def test_all_decisions_are_read_back_from_json() -> None:
    rollback = LastRollback(from_revision=2, to_revision=1, reason="Pinned", at=NOW)
    rejected = RejectedRevision(revision=2, reason="RolledBack", message="it was left", at=after(microseconds=1))
    status = ModelDeploymentStatus.model_validate(
        {
            "stable": {"revision": 1},
            "revisions": [row(1, NOW), row(2, NOW, after(hours=1)), row(3)],
            "rejectedRevisions": [rejected],
            "lastAction": RETRIED,
            "lastRollback": rollback,
            "traffic": TOLD,
        }
    )
    stored = ModelDeploymentStatus.model_validate_json(status.model_dump_json(by_alias=True))
    assert read(stored) == Ledger(1, {1: NOW, 2: NOW}, {2: after(hours=1)}, (rejected,), RETRIED, rollback, TOLD)
    assert read(stored).numbers() == {1, 2, 3}


def test_what_is_stable_again_is_demoted_no_more() -> None:
    back = Ledger().promote(1, NOW).promote(2, after(hours=1)).promote(1, after(hours=2))
    assert back == Ledger(1, promoted={1: after(hours=2), 2: after(hours=1)}, demoted={2: after(hours=2)})


def test_promoting_the_stable_revision_demotes_nothing() -> None:
    assert Ledger(1).promote(1, NOW).demoted == {}


def test_the_first_reason_for_a_rejection_stays() -> None:
    once = Ledger().reject(2, "ModelLoadFailed", "it cannot be loaded", NOW)
    assert once.reject(2, "SmokeTestFailed", "it is wrong", after(hours=1)) == once
    assert once.accept(2) == Ledger()


def test_the_oldest_rejection_is_forgotten_when_there_are_too_many() -> None:
    ledger = Ledger()
    for number in range(REJECTED_LIMIT + 1):
        ledger = ledger.reject(number + 1, "ModelLoadFailed", "it cannot be loaded", NOW)
    assert len(ledger.rejected) == REJECTED_LIMIT
    assert ledger.rejection(1) is None


def test_what_is_said_of_revisions_that_are_gone_is_forgotten_but_not_which_one_is_stable() -> None:
    ledger = Ledger(1).promote(2, NOW).promote(3, NOW).reject(1, "RolledBack", "it was left", NOW)
    assert ledger.kept(frozenset({2})) == Ledger(3, promoted={2: NOW}, demoted={2: NOW})


def test_what_the_status_lists_is_no_decision() -> None:
    assert Ledger(1, listed=frozenset({1, 2})) == Ledger(1)
