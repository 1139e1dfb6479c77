"""Why the API server refuses the pods that a Deployment or a Job wants to make."""

import re
from typing import Final

from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES
from tritium.core.seen import Trouble
from tritium.core.wording import sentence, steady

_POD: Final = re.compile(
    r'^(?:Error creating: )?(?:pods? "[^"]*" (?P<is>is forbidden: |is invalid: )?)?', re.IGNORECASE
)
"""Each try has a pod name of its own."""

_QUOTA: Final = re.compile(r"\b(?:exceeded|failed|insufficient) quota\b|status unknown for quota")
_UNSET: Final = re.compile(r"failed quota: .*must specify")
_USED: Final = re.compile(r", used: .*?(?=, limited: )")
"""What others use changes all the time."""


def refusal(kind: str, message: str) -> Trouble:
    """What the API server said, as a trouble of the object that makes the pods.

    Args:
        kind: `Deployment` or `Job`.
        message: of the condition ReplicaFailure, or of the event FailedCreate.

    >>> said = 'pods "m-1-x" is forbidden: exceeded quota: gpus, requested: a/gpu=1, used: a/gpu=3, limited: a/gpu=3'
    >>> found = refusal("Deployment", said)
    >>> found.reason.value, found.message.partition(". ")[0]
    ('QuotaExceeded', 'No pod can be made: exceeded quota: gpus, requested: a/gpu=1, limited: a/gpu=3')
    """
    words = sentence(steady(_USED.sub("", _POD.sub("", message))))
    if not _QUOTA.search(words):
        return Trouble(kind, Reason.POD_REFUSED, f"No pod can be made: {words} {REMEDIES[Reason.POD_REFUSED]}")
    remedy = "Set that in server.resources." if _UNSET.search(words) else REMEDIES[Reason.QUOTA]
    return Trouble(kind, Reason.QUOTA, f"No pod can be made: {words} {remedy}")
