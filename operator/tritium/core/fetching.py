"""How far the pods are that fetch the model, as the status says it."""

from tritium.api.fetch import FetchProgress
from tritium.core.amounts import line
from tritium.core.seen import Seen


def fetching(seen: Seen, before: str | None) -> str | None:
    """The one that needs longest, in words; None where no pod fetches, or none that does has said how far it is.

    Args:
        seen: with what the pods said.
        before: what the status says. It stays while nobody was asked: who was only just started has nothing newer.
    """
    pods = [pod.uid for pod in seen.pods if pod.fetching]
    if not pods or seen.progress is None:
        return before if pods else None
    told = [seen.progress[uid] for uid in pods if uid in seen.progress]
    if not told:
        return None
    slowest = max(told, key=_left)
    words = line(slowest.there, slowest.total, slowest.rate)
    return words if len(pods) == 1 else f"{words}; the slowest of {len(pods)} pods"


def _left(progress: FetchProgress) -> tuple[float, int]:
    """Seconds to go, and bytes."""
    left = progress.total - progress.there
    return left / progress.rate if progress.rate else float("inf"), left
