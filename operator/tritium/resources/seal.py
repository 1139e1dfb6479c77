"""A mark on each object of what it was wanted to be.

Whether an object on the server is as wanted is told by comparing the fields that are wanted (`core.drift`). That
cannot see a field that is wanted no longer. The mark can: it is a wanted field itself, and changes with any other.
"""

import hashlib
import json
from typing import Any

from tritium.api.names import APPLIED


def sealed(obj: dict[str, Any]) -> dict[str, Any]:
    """The object with its mark, which does not depend on the order of members.

    >>> one = sealed({"kind": "Pod", "metadata": {"name": "a"}})
    >>> sealed({"metadata": {"name": "a"}, "kind": "Pod"}) == one == sealed(one)
    True
    >>> sealed({"kind": "Pod", "metadata": {"name": "b"}})["metadata"]["annotations"] == one["metadata"]["annotations"]
    False
    """
    metadata = obj["metadata"]
    others = {name: value for name, value in metadata.get("annotations", {}).items() if name != APPLIED}
    bare = obj | {"metadata": metadata | {"annotations": others}}
    canonical = json.dumps(bare, sort_keys=True, separators=(",", ":"))
    mark = hashlib.sha256(b"tritium/applied/v1\n" + canonical.encode()).hexdigest()[:16]
    return obj | {"metadata": metadata | {"annotations": others | {APPLIED: mark}}}
