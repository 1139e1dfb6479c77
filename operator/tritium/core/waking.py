"""What needs pods although nobody asks the model anything. Pure."""

from tritium.core.experiment import is_over
from tritium.core.ledger import Ledger
from tritium.core.plan import Target
from tritium.core.wish import Wish


def needs_pods(wish: Wish, before: Ledger, target: Target) -> bool:
    """Whether one revision is to follow another, or several are compared.

    A source that cannot be listed needs no pods, nor does a revision that was turned down, or one that a pause keeps
    from beginning.
    """
    if wish.paused and before.stable is not None and before.progress is None:
        return False
    if before.stable is None or (wish.experiment is not None and not is_over(wish, before)):
        return True
    wanted = target.revision
    return wanted is not None and wanted.number != before.stable and before.rejection(wanted.number) is None
