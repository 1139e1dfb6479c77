"""Leader election by a Lease, by the monotonic clock alone.

Two operators must never lead at the same time. What that rests on:

* a leader counts from before its renewal was *sent*, and gives up `deadline` seconds later;
* another counts from when it first *saw* that renewal, and takes over after the duration written in it;
* the first is before the second, and `deadline` is shorter than the duration. No wall clock is compared, and the
  times written in the Lease are for people.

A process that was stopped for a while wakes up with an old proof, so `proven` is false before anything runs again.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

from tritium.kube.client import Client
from tritium.kube.errors import ApiError, Conflict
from tritium.kube.kinds import LEASES

Object = dict[str, Any]

log = logging.getLogger(__name__)

_RELEASE_WITHIN: Final = 2.0
"""Seconds a clean stop spends on handing over."""


class Elector:
    """One candidate for one Lease.

    Args:
        identity: of this process and no other, also not of its predecessor in the same pod: who finds its own
            identity in the Lease has written it.
        duration: whole seconds after which others may take over, counted as above.
        renew: seconds between renewals, and about as many between a candidate's looks.
        deadline: seconds a renewal is good for.
    """

    def __init__(  # noqa: PLR0913  # the three times belong together
        self,
        client: Client,
        namespace: str,
        name: str,
        identity: str,
        *,
        duration: int = 8,
        renew: float = 1.0,
        deadline: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._duration = duration
        self._renew = renew
        self._deadline = deadline
        self._clock = clock
        self._patience = deadline / 3
        self._lease: Object | None = None
        self._looked_at: tuple[str, float] = ("", 0.0)
        """The newest version of another's Lease, and when it was first seen."""
        self._proof: float | None = None
        """When the last renewal that succeeded was begun; None if the Lease is not ours."""
        self._leading = False

    @property
    def leading(self) -> bool:
        """Whether `lead` is running. It may have to end: see `proven`."""
        return self._leading

    def proven(self) -> bool:
        """Whether nobody else can hold the Lease at this moment. Ask it right before each write that matters."""
        return self._proof is not None and self._clock() - self._proof < self._deadline

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Wait for the Lease, run `lead` as long as it can be proven, and wait again; until cancelled.

        When cancelled it ends `lead` first, and then gives the Lease back. It does so too when `lead` ends by
        itself, and returns or raises what `lead` does.
        """
        try:
            while True:
                await self._acquire()
                if await self._lead(lead):
                    return
                # `lead` has ended by now, however long that took: there is never a second one beside it.
                log.warning("the lease %s/%s is lost: back to standby", self._namespace, self._name)
        finally:
            await self._release()

    async def _acquire(self) -> None:
        while not self.proven():
            await self._attempt(self._patience)
            if not self.proven():
                await asyncio.sleep(self._renew * random.uniform(0.75, 1.25))  # noqa: S311  # candidates drift apart
        log.info("leading as %s", self._identity)

    async def _lead(self, lead: Callable[[], Awaitable[None]]) -> bool:
        """Run `lead` while renewing; return whether it ended by itself."""
        leading, renewing = asyncio.ensure_future(lead()), asyncio.create_task(self._keep())
        self._leading = True
        try:
            await asyncio.wait({leading, renewing}, return_when=asyncio.FIRST_COMPLETED)
            ended = leading.done()
        finally:
            # In this order: what `lead` has to finish when it is stopped, it finishes under a Lease.
            await _ended(leading)
            await _ended(renewing)
            self._leading = False
        for task in (leading, renewing):
            if not task.cancelled():
                task.result()
        return ended

    async def _keep(self) -> None:
        """Renew until it cannot be proven any more."""
        while self.proven():
            began = self._clock()
            # One request that hangs must not be the last.
            await self._attempt(min(self._left(), self._patience))
            if self._lease is None and self.proven():  # somebody wrote it: look at once who holds it
                await self._attempt(min(self._left(), self._patience))
            await asyncio.sleep(max(0.0, min(began + self._renew - self._clock(), self._left())))
        self._proof = None

    def _left(self) -> float:
        """Seconds the proof is still good for."""
        return 0.0 if self._proof is None else self._proof + self._deadline - self._clock()

    async def _attempt(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._try()
        except (ApiError, TimeoutError) as error:
            log.warning("the lease %s/%s: %s", self._namespace, self._name, str(error) or "no answer")

    async def _try(self) -> None:
        """One look, if needed, and one write, if allowed; both leave what they found in `_lease` and `_proof`.

        An error or a time-out leaves the proof as it was: it just grows older.
        """
        if self._lease is None:
            self._lease = await self._client.get(LEASES, self._namespace, self._name)
            if self._lease and not self._may_take(self._lease):
                self._lease = self._proof = None
                return
        began = self._clock()
        lease, self._lease = self._lease, None  # until the answer is there nobody knows which version is stored
        wanted = self._wanted(lease, self._identity)
        try:
            if lease is None:
                self._lease = await self._client.create(LEASES, self._namespace, wanted)
            else:
                self._lease = await self._client.replace(LEASES, self._namespace, wanted)
        except Conflict:
            return  # somebody else was there; the next look tells who
        self._proof = began

    def _may_take(self, lease: Object) -> bool:
        """Whether a Lease is ours, nobody's, or one whose holder has not renewed it for its whole duration."""
        spec = lease.get("spec") or {}
        holder, now = spec.get("holderIdentity"), self._clock()
        if not holder or holder == self._identity:
            return True
        version = lease["metadata"]["resourceVersion"]
        if version != self._looked_at[0]:
            self._looked_at = version, now
        return now - self._looked_at[1] > (spec.get("leaseDurationSeconds") or self._duration)

    def _wanted(self, lease: Object | None, holder: str) -> Object:
        """The Lease to write over the one that is there."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        before: Object = (lease or {}).get("spec") or {}
        metadata = lease["metadata"] if lease else {"name": self._name, "namespace": self._namespace}
        spec = {**before, "holderIdentity": holder, "leaseDurationSeconds": self._duration, "renewTime": now}
        if holder and holder != before.get("holderIdentity"):
            spec |= {"acquireTime": now, "leaseTransitions": int(before.get("leaseTransitions") or 0) + bool(before)}
        return {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": spec}

    async def _release(self) -> None:
        """Empty the Lease if it is ours, so that the next need not wait; at worst it has to."""
        self._proof = None
        try:
            async with asyncio.timeout(_RELEASE_WITHIN):
                lease = await self._client.get(LEASES, self._namespace, self._name)
                if lease and (lease.get("spec") or {}).get("holderIdentity") == self._identity:
                    await self._client.replace(LEASES, self._namespace, self._wanted(lease, ""))
        except (ApiError, TimeoutError) as error:
            log.warning("the lease is not given back: %s", str(error) or "no answer")


async def _ended(task: asyncio.Future[Any]) -> None:
    """Cancel a task and wait for its end, however long that takes and however often we are told to stop waiting."""
    task.cancel()
    interrupted: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as cancelled:
            interrupted = cancelled
    if interrupted:
        raise interrupted
