"""Writing what makes up the gateway of a namespace.

Its anchor is owned by all ModelDeployments of the namespace and controlled by none; everything else is controlled by
the anchor.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from tritium.api import names
from tritium.kube import kinds
from tritium.kube.client import Client
from tritium.kube.errors import Refused
from tritium.kube.glance import Glance
from tritium.kube.kinds import Kind
from tritium.kube.store import GATEWAY, Key, Store
from tritium.loop.gateway_pods import ADVICE
from tritium.loop.writer import Memory, OwnerGone, Writer
from tritium.resources.gateway.identity import LABELS

Object = dict[str, Any]

_ENDING: Final = "because it is being terminated"
"""What the server says of a namespace in which nothing can be made any more."""


class NamespaceEnds(Exception):
    """The namespace is being deleted, and all that is in it."""


class GatewayWriter(Writer):
    """Writes what an anchor owns; `owner` is the anchor, as it was last seen."""

    owner_kind: ClassVar[Kind] = kinds.CONFIG_MAPS
    remedies: ClassVar[Mapping[Any, str]] = ADVICE
    rename: ClassVar[str] = "Delete or rename it"
    predecessor: ClassVar[str] = "a gateway of this namespace that was deleted"

    def __init__(self, client: Client, store: Store, owner: Object, memory: Memory, proven: Callable[[], bool]) -> None:
        super().__init__(client, store, owner, memory, proven)
        self._key = Key(self._owner.namespace, GATEWAY)

    def _refused(self, kind: Kind, name: str, error: Refused) -> None:
        if error.forbidden and _ENDING in error.message:
            raise NamespaceEnds(self._owner.namespace) from error
        super()._refused(kind, name, error)


class AnchorWriter(GatewayWriter):
    """Writes the anchor."""

    def __init__(  # noqa: PLR0913, PLR0917 - as every writer, and for whom
        self,
        client: Client,
        store: Store,
        namespace: str,
        owners: Mapping[str, Glance],
        memory: Memory,
        proven: Callable[[], bool],
    ) -> None:
        nobody = {"metadata": {"namespace": namespace, "name": names.GATEWAY, "uid": ""}}
        super().__init__(client, store, nobody, memory, proven)
        self._owners = owners

    async def _owner_is_alive(self) -> None:
        """Find one of its owners on the server: of those that the store has, some may be gone unheard."""
        namespace = self._owner.namespace
        for name, glance in list(self._owners.items()):
            found = await self._client.get(kinds.MODEL_DEPLOYMENTS, namespace, name)
            if found and found["metadata"]["uid"] == glance.uid and "deletionTimestamp" not in found["metadata"]:
                return
            self._store.drop(kinds.MODEL_DEPLOYMENTS, namespace, name, glance.uid)
            if found is not None:
                self._store.remember(kinds.MODEL_DEPLOYMENTS, found)
        raise OwnerGone(namespace)

    def _owns(self, obj: Object) -> bool:
        """Whether it is an anchor, whoever of its owners is left, and not on its way out."""
        metadata = obj["metadata"]
        references = metadata.get("ownerReferences") or ()
        return (
            LABELS.items() <= (metadata.get("labels") or {}).items()
            and (not references or any(_is_model(each) for each in references))
            and not any(each.get("controller") for each in references)
            and "deletionTimestamp" not in metadata
        )

    def _belonged_to_predecessor(self, obj: Object) -> bool:
        """It is one, and it is going."""
        metadata = {name: value for name, value in obj["metadata"].items() if name != "deletionTimestamp"}
        return self._owns({"metadata": metadata})


def _is_model(reference: Mapping[str, Any]) -> bool:
    group = str(reference["apiVersion"]).partition("/")[0]
    return (group, reference["kind"]) == (names.GROUP, names.KIND)
