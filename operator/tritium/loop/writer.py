"""Getting an object to be as wanted: create it, or own it, or say why neither can be.

Absent on the server: apply without force, so that a conflict shows that somebody else was first. There and ours:
apply with force and the uid. There and not ours: it is left alone, and the reader is told.

This is for what a ModelDeployment owns. What makes up a gateway has another owner: see `gateway_writer.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from tritium.api import names
from tritium.core.drift import covers
from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES
from tritium.core.seen import Refusal
from tritium.core.wording import sentence, steady
from tritium.kube import kinds
from tritium.kube.client import Client
from tritium.kube.errors import Conflict, Refused
from tritium.kube.kinds import Kind
from tritium.kube.store import Key, Store
from tritium.loop.observe import controller

Object = dict[str, Any]

CONTEST: Final = 5
WITHIN: Final = timedelta(minutes=5)
"""So many applies of one and the same wish in that time mean that somebody else undoes them."""

_LONGEST: Final = 300
"""Characters of what the server said: what to do about it must still fit into the message."""


class OwnerGone(Exception):
    """The ModelDeployment is deleted, or is another one of the same name: nothing may be made for it."""


class NotLeading(Exception):
    """The Lease cannot be proven any more: nothing may be written."""


@dataclass(slots=True)
class Memory:
    """What is remembered of one ModelDeployment between passes, in this process only.

    Attributes:
        uid: of the ModelDeployment; another one of its name is not remembered.
        clock: the time.
        refusals: by kind and name, what could not be had.
        applies: by uid, the wish that was applied last, and when, as far as that matters still.
    """

    uid: str
    clock: Callable[[], datetime]
    refusals: dict[tuple[str, str], Refusal] = field(default_factory=dict)
    applies: dict[str, tuple[str, tuple[datetime, ...]]] = field(default_factory=dict)

    def may_apply(self, uid: str, wish: str) -> bool:
        """Whether to apply a wish to an object that is there; if so it is taken for done.

        >>> from datetime import UTC
        >>> times = iter(datetime(2026, 1, 1, 0, minute, tzinfo=UTC) for minute in (0, 0, 0, 0, 0, 1, 9))
        >>> memory = Memory("uid", lambda: next(times))
        >>> [memory.may_apply("uid", "wish") for _ in range(7)]
        [True, True, True, True, True, False, True]
        """
        now = self.clock()
        self.applies = {of: each for of, each in self.applies.items() if each[1][-1] > now - WITHIN}
        last, times = self.applies.get(uid, (wish, ()))
        recent = tuple(each for each in times if each > now - WITHIN and last == wish)
        if len(recent) >= CONTEST:
            return False
        self.applies[uid] = (wish, (*recent, now))
        return True


class Writer:
    """All writes of one pass."""

    owner_kind: ClassVar[Kind] = kinds.MODEL_DEPLOYMENTS
    """Of what owns all that is written."""
    remedies: ClassVar[Mapping[Any, str]] = REMEDIES
    """What to do about a refusal."""
    rename: ClassVar[str] = "Delete or rename it, or give the ModelDeployment another name"
    """What to do about a name that is taken."""
    predecessor: ClassVar[str] = "a deleted ModelDeployment of this name"
    """What an object may be left of."""

    def __init__(self, client: Client, store: Store, owner: Object, memory: Memory, proven: Callable[[], bool]) -> None:
        metadata = owner["metadata"]
        self._client = client
        self._store = store
        self._memory = memory
        self._proven = proven
        self._owner = Key(metadata["namespace"], metadata["name"])
        self._key = self._owner
        self._uid: str = metadata["uid"]
        self._read: Object | None = None
        self._asked: set[tuple[str, str]] = set()
        self.surprised = False
        """Something is there that was not seen, so what was decided without it is to be decided anew."""

    async def ensure(self, kind: Kind, wanted: Object, *, fenced: bool = False) -> bool:
        """Have an object as wanted; True if it had to be written.

        Args:
            kind: its kind.
            wanted: from `resources`.
            fenced: it takes something away, so it counts only against the very object that was seen. One that was not
                is looked at, and left as it is until that was decided upon.
        """
        self._asked.add((kind.kind, wanted["metadata"]["name"]))
        live = self.live(kind, wanted["metadata"]["name"])
        if live and covers(wanted, live):
            self._had(kind, wanted["metadata"]["name"])
            return False
        try:
            to_be = self._own(kind, wanted, live, fenced=fenced) if live else self._create(kind, wanted, fenced=fenced)
            applied = await to_be
        except Refused as error:
            self._refused(kind, wanted["metadata"]["name"], error)
            return False
        if applied is None:
            return False
        self._had(kind, wanted["metadata"]["name"])
        self._store.remember(kind, applied)
        return True

    def round_is_over(self) -> None:
        """Forget the refusals of what was not asked for any more, such as the objects of a spec that was corrected."""
        for each in self._memory.refusals.keys() - self._asked:
            del self._memory.refusals[each]
        self._asked.clear()
        self.surprised = False

    def live(self, kind: Kind, name: str) -> Object | None:
        """An object of this owner as it was last seen."""
        for each in self._store.children(self._key, kind):
            if each["metadata"]["name"] == name and self._owns(each):
                return each
        return None

    async def owner(self) -> Object:
        """The owner as the server has it, with what the store leaves out; it is read once in a pass.

        Raises:
            OwnerGone: it is deleted, or another.
        """
        if self._read is None:
            found = await self._client.get(self.owner_kind, *self._owner, cached=True)
            if not self._is_owner(found):  # what the server has in memory may be older than what a watch has told
                found = await self._client.get(self.owner_kind, *self._owner)
            if found is None or not self._is_owner(found):
                self._store.drop(self.owner_kind, *self._owner, self._uid)
                if found is not None:
                    self._store.remember(self.owner_kind, found)
                raise OwnerGone("/".join(self._owner))
            self._read = found
        return self._read

    async def is_free(self, kind: Kind, name: str) -> bool:
        """Whether a name that nothing of ours has can be had; if not, that is refused."""
        self._asked.add((kind.kind, name))
        there = await self._client.get(kind, self._key.namespace, name, cached=True)
        if there is None or self._owns(there):
            self._had(kind, name)
            return True
        self._refuse_foreign(kind, name, there)
        return False

    async def delete(self, kind: Kind, live: Object, *, fenced: bool) -> bool:
        """Delete the very object that was seen; `fenced` only as it was seen."""
        self._guard()
        metadata = live["metadata"]
        version = metadata["resourceVersion"] if fenced else None
        await self._client.delete(
            kind, self._key.namespace, metadata["name"], uid=metadata["uid"], resource_version=version
        )
        self._store.drop(kind, self._key.namespace, metadata["name"], metadata["uid"])
        return True

    async def _own(self, kind: Kind, wanted: Object, live: Object, *, fenced: bool) -> Object | None:
        if self._contested(kind, wanted, live):
            return None
        identity = {"uid": live["metadata"]["uid"]}
        if fenced:
            identity["resourceVersion"] = live["metadata"]["resourceVersion"]
        self._guard()
        return await self._client.apply(kind, _with(wanted, identity), force=True)

    async def _create(self, kind: Kind, wanted: Object, *, fenced: bool) -> Object | None:
        await self._owner_is_alive()
        name = wanted["metadata"]["name"]
        there = await self._client.get(kind, self._key.namespace, name, cached=True)
        if there is not None:
            return await self._found(kind, wanted, there, fenced=fenced)
        self._guard()
        try:
            return await self._client.apply(kind, wanted, force=False)
        except Conflict:
            self._refuse_taken(kind, name)
            return None

    async def _found(self, kind: Kind, wanted: Object, there: Object, *, fenced: bool) -> Object | None:
        """There is one that the store did not know: what was decided without it takes nothing away from it."""
        if self._owns(there) and fenced:
            self._store.remember(kind, there)
            if self.live(kind, wanted["metadata"]["name"]):
                self.surprised = True
                return there
        if self._owns(there):
            # Who took its labels away took it out of sight: as it was just read, it gets them back.
            return await self._own(kind, wanted, there, fenced=fenced)
        self._refuse_foreign(kind, wanted["metadata"]["name"], there)
        return None

    async def _owner_is_alive(self) -> None:
        """Read the owner once from the server before anything is made for it.

        Watches lose deletions across a re-list, and deliver kinds in any order: without this a ghost's children would
        be made and collected in a hot loop.
        """
        await self.owner()

    def _is_owner(self, found: Object | None) -> bool:
        return (
            found is not None and found["metadata"]["uid"] == self._uid and "deletionTimestamp" not in found["metadata"]
        )

    def _owns(self, obj: Object) -> bool:
        """Whether an object is ours."""
        return controller(obj) == self._uid

    def _contested(self, kind: Kind, wanted: Object, live: Object) -> bool:
        """Whether somebody undoes what is applied, again and again: then it is said, and fought over only slowly."""
        seal = wanted["metadata"].get("annotations", {}).get(names.APPLIED, "")
        if self._memory.may_apply(live["metadata"]["uid"], seal):
            return False
        name = wanted["metadata"]["name"]
        self._refuse(
            kind,
            name,
            Reason.CONTESTED,
            f"{kind.kind} {name}: somebody else keeps changing it back; see its managedFields",
        )
        return True

    def _guard(self) -> None:
        if not self._proven():
            raise NotLeading

    def _had(self, kind: Kind, name: str) -> None:
        self._memory.refusals.pop((kind.kind, name), None)

    def _refused(self, kind: Kind, name: str, error: Refused) -> None:
        """The server does not take it."""
        reason = Reason.QUOTA if error.forbidden and "exceeded quota" in error.message else Reason.OBJECT_REFUSED
        words = sentence(steady(error.message, _LONGEST))
        self._refuse(kind, name, reason, f"{kind.kind} {name}: {words} {self.remedies[reason]}")

    def _refuse_foreign(self, kind: Kind, name: str, there: Object) -> None:
        if self._belonged_to_predecessor(there):
            message = f"{kind.kind} {name} belongs to {self.predecessor} and is being removed"
            self._refuse(kind, name, Reason.WAITING_FOR_CLEANUP, message)
        else:
            self._refuse_taken(kind, name)

    def _refuse_taken(self, kind: Kind, name: str) -> None:
        message = f"{kind.kind} {name} exists and belongs to somebody else; it is left alone. {self.rename}"
        self._refuse(kind, name, Reason.NAME_TAKEN, message)

    def _belonged_to_predecessor(self, obj: Object) -> bool:
        references = obj["metadata"].get("ownerReferences") or ()
        its = (self.owner_kind.kind, self._owner.name)
        return any(each.get("controller") and (each["kind"], each["name"]) == its for each in references)

    def _refuse(self, kind: Kind, name: str, reason: str, message: str) -> None:
        self._memory.refusals[kind.kind, name] = Refusal(kind.kind, name, reason, message)


def _with(wanted: Object, identity: Object) -> Object:
    return {**wanted, "metadata": {**wanted["metadata"], **identity}}
