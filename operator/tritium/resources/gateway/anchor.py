"""The anchor: a ConfigMap that all ModelDeployments of a namespace own, and that owns the rest of their gateway.

With the last of them the garbage collector takes the anchor, and with that the gateway, whether an operator runs or
not. It also keeps which port is whose: it lives exactly as long as these matter. And it says which revisions are kept,
to the pods that mount it because their cache may need room: it is the one object that knows all of its namespace.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tritium.api import names
from tritium.api.fetch import KEPT_KEY
from tritium.core.ports import Ports
from tritium.resources.gateway.identity import LABELS
from tritium.resources.owner import Owner
from tritium.resources.seal import sealed

_PORTS: Final = "ports.json"
_DESCRIPTION: Final = "kubernetes.io/description"
_WARNING: Final = "Deleting this takes the gateway of the namespace away, until the operator has made it again."


class NotAnAnchor(ValueError):
    """A ConfigMap that does not hold what Tritium writes into an anchor."""


def anchor(namespace: str, owners: Iterable[Owner], ports: Ports, kept: Collection[str] = ()) -> dict[str, Any]:
    """The anchor of a namespace's gateway.

    Args:
        namespace: where it is.
        owners: all ModelDeployments of the namespace.
        ports: the gateway's ports.
        kept: names of the revisions that use a cache.

    Raises:
        ValueError: there are no owners. What nobody owns would never be collected.
    """
    listed = {KEPT_KEY: "".join(f"{name}\n" for name in sorted(kept))} if kept else {}
    references = [owner.shared_reference() for owner in sorted(owners, key=lambda owner: owner.uid)]
    if not references:
        raise ValueError(f"the gateway of namespace {namespace} has nobody to be for")
    return sealed(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "namespace": namespace,
                "name": names.GATEWAY,
                "labels": dict(LABELS),
                "annotations": {_DESCRIPTION: _WARNING},
                "ownerReferences": references,
            },
            "data": {_PORTS: _written(ports), **listed},
        }
    )


def read_ports(obj: Mapping[str, Any]) -> Ports:
    """The ports that an anchor keeps, as the API server stores it.

    Raises:
        NotAnAnchor: somebody else has written into it.
    """
    try:
        kept = json.loads(obj["data"][_PORTS])
        given = {str(name): int(port) for name, port in kept["given"].items()}
        released = {int(port): _aware(at) for port, at in kept["released"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NotAnAnchor(f"ConfigMap {names.GATEWAY} is not one of Tritium's: it has no valid {_PORTS}") from error
    return Ports(given, released)


def _written(ports: Ports) -> str:
    """The same ports are always the same text.

    >>> from datetime import UTC, datetime
    >>> _written(Ports({"fraud": 10012, "churn": 10001}, {10013: datetime(2026, 1, 1, tzinfo=UTC)}))
    '{"given":{"churn":10001,"fraud":10012},"released":{"10013":"2026-01-01T00:00:00Z"}}'
    """
    released = {str(port): at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for port, at in ports.released.items()}
    return json.dumps({"given": dict(ports.given), "released": released}, sort_keys=True, separators=(",", ":"))


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment
