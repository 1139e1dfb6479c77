"""The gateway of one namespace, and what each of its objects carries of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from tritium.api import names

PODS: Final[Mapping[str, str]] = {
    names.GATEWAY_LABEL: "true",
    names.COMPONENT: names.Component.GATEWAY.value,
}
"""Selects the pods of a namespace's gateway, and no others."""

LABELS: Final[Mapping[str, str]] = {names.MANAGED_BY: names.FIELD_MANAGER, **PODS}
"""On everything that makes up the gateway. It belongs to no single ModelDeployment, so it names none."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A namespace's gateway.

    Attributes:
        namespace: where it is.
        anchor: uid of its anchor (see `anchor.py`), which all else of it is owned by.
    """

    namespace: str
    anchor: str

    @classmethod
    def of(cls, anchor: Mapping[str, Any]) -> Self:
        """The gateway of an anchor, as the API server stores it."""
        return cls(anchor["metadata"]["namespace"], anchor["metadata"]["uid"])

    def metadata(self, name: str = names.GATEWAY) -> dict[str, Any]:
        """The metadata of an object of this gateway: it goes when the anchor does."""
        reference = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": names.GATEWAY,
            "uid": self.anchor,
            "controller": True,
            # Who deletes the anchor in the foreground need not wait; and to block would take a right over ConfigMaps
            # where the API server checks it.
            "blockOwnerDeletion": False,
        }
        return {"namespace": self.namespace, "name": name, "labels": dict(LABELS), "ownerReferences": [reference]}
