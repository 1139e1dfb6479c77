"""The ModelDeployment that objects are made for, and what each of them carries of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tritium.api import names


@dataclass(frozen=True, slots=True)
class Owner:
    """A ModelDeployment's identity."""

    namespace: str
    name: str
    uid: str

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> Self:
        """The owner that an object, as the API server stores it, is."""
        metadata = obj["metadata"]
        return cls(metadata["namespace"], metadata["name"], metadata["uid"])

    def reference(self) -> dict[str, Any]:
        """What lets the garbage collector remove an object together with this owner."""
        return self._identity() | {"controller": True, "blockOwnerDeletion": True}

    def shared_reference(self) -> dict[str, Any]:
        """What lets the garbage collector remove an object together with the last of several owners."""
        return self._identity() | {"blockOwnerDeletion": False}

    def labels(self) -> dict[str, str]:
        """On everything that is made for this owner.

        >>> Owner("ml", "fraud", "0-1").labels()
        {'app.kubernetes.io/managed-by': 'tritium', 'serving.tritium.dev/name': 'fraud'}
        """
        return {names.MANAGED_BY: names.FIELD_MANAGER, names.OWNER: self.name}

    def revision_labels(self, revision: str) -> dict[str, str]:
        """On everything that belongs to one revision, by its eight characters."""
        return self.labels() | {names.REVISION: revision}

    def pods_of(self, revision: str) -> dict[str, str]:
        """Selects the pods that serve a revision, and no others."""
        return {names.OWNER: self.name, names.REVISION: revision, names.COMPONENT: names.Component.MODEL.value}

    def metadata(
        self, name: str, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The metadata of an object of this owner."""
        metadata: dict[str, Any] = {"namespace": self.namespace, "name": name, "labels": dict(labels)}
        if annotations:
            metadata["annotations"] = dict(annotations)
        return metadata | {"ownerReferences": [self.reference()]}

    def _identity(self) -> dict[str, Any]:
        return {"apiVersion": names.API_VERSION, "kind": names.KIND, "name": self.name, "uid": self.uid}
