"""One step of a rollout, without the rest of a pass."""

from datetime import datetime, timedelta
from typing import Any

from tests.unit.core.seeing import (
    BROKEN,
    NOW,
    Gateway,
    deployments,
    following,
    pod,
    pods,
    revision,
    serving,
    with_gateway,
)
from tritium.api.status import RejectedRevision
from tritium.core import rollout
from tritium.core.ledger import Ledger
from tritium.core.plan import Course, Target
from tritium.core.reasons import Reason
from tritium.core.seen import PodSeen, Seen
from tritium.core.wish import Wish

ONE, TWO, THREE = revision(1), revision(2, "b"), revision(3, "c")
SERVES = Ledger(1, promoted={1: NOW})
MOVED = Ledger(2, promoted={1: NOW, 2: NOW}, demoted={1: NOW})
BAD_MODEL = RejectedRevision(revision=2, reason=Reason.MODEL_LOAD_FAILED, message="Triton cannot load it.", at=NOW)
LEFT = RejectedRevision(revision=2, reason=Reason.ROLLED_BACK, message="pinRevision: 1 was set instead", at=NOW)
EARLIER = NOW - timedelta(hours=1)


def making(*candidates: PodSeen, replicas: int = 1, **changes: Any) -> Seen:
    """Revision 1 serves with a pod, and 2 is being made ready."""
    changes = {"deployments": deployments(a=1, b=replicas), "pods": (*pods(ONE), *candidates), **changes}
    return serving(ONE, TWO, **changes)


GOOD, OLD = pod("good", TWO), pod("old", TWO, BROKEN, created=EARLIER)


def advance(
    asks: Wish, ledger: Ledger, wanted: Target, sees: Seen, now: datetime, *, gateway: Gateway = following
) -> Course:
    """One step; where nothing is said of it, the gateway knows all pods."""
    return rollout.advance(asks, ledger, wanted, with_gateway(sees, ledger.traffic, gateway), now)
