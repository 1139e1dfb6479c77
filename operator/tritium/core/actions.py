"""What a person asks for by the annotation: once for each token, and noted when it is done."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from tritium.api.status import LastAction
from tritium.core.ledger import Ledger
from tritium.core.wish import Wish

PROMOTE: Final = "promote"
ABORT: Final = "abort"
PAUSE: Final = "pause"
RESUME: Final = "resume"
SKIP_STEP: Final = "skip-step"
RETRY: Final = "retry"

OF_A_ROLLOUT: Final = frozenset({PROMOTE, ABORT, PAUSE, RESUME, SKIP_STEP})
"""Verbs that mean something only while a rollout is under way."""


def asks(wish: Wish, ledger: Ledger, verb: str) -> bool:
    """Whether a person asks for this and has not had it yet."""
    action = wish.action
    if action is None or action.verb != verb:
        return False
    return ledger.action is None or ledger.action.token != action.token


def without_effect(wish: Wish, ledger: Ledger, now: datetime) -> Ledger:
    """The ledger with a note of what was asked of a rollout that is not there."""
    return done(wish, ledger, now) if any(asks(wish, ledger, verb) for verb in OF_A_ROLLOUT) else ledger


def done(wish: Wish, ledger: Ledger, now: datetime) -> Ledger:
    """The ledger with a note that the action was carried out."""
    action = wish.action
    return replace(ledger, action=LastAction(verb=action.verb, token=action.token, at=now)) if action else ledger
