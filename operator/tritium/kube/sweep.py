"""Lists of everything: the only way to know that all is known, and to miss what nobody has told of.

The first comes before the first pass, since events do not say when they are complete. The others come now and then,
since a watch that begins anew does not tell of what was deleted in between.
"""

from collections.abc import Iterable
from contextlib import aclosing
from typing import Final

from tritium.kube.client import Client
from tritium.kube.kinds import Kind, selector
from tritium.kube.store import Key, Store

_PAGE: Final = 200
"""Objects at a time: they take ten times the room until the store has compacted them."""


async def sweep(client: Client, store: Store, kinds: Iterable[Kind]) -> set[Key]:
    """List each kind into the store; return the ModelDeployments of which something had changed unseen.

    Raises:
        ApiError: a list could not be had. What the others had to say is in the store, and the next sweep that goes
            through returns it too.
    """
    for kind in kinds:
        marker = store.sweep_started()
        async with aclosing(client.pages(kind, label_selector=selector(kind), limit=_PAGE)) as pages:
            async for page, _, _ in pages:
                store.listed(kind, page, marker)
        store.finish(kind, marker)
    return store.take_unseen()
