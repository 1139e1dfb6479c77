"""A candidate as a process of its own, which a test can stop and kill. It prints what it does, and when.

The times are of the monotonic clock, which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import sys
import time

from tritium.kube.client import Client
from tritium.kube.lease import Elector


async def main(namespace: str, identity: str, duration: str, renew: str, deadline: str) -> None:
    """Lead whenever possible; while leading, act every 10 ms as far as it is proven."""
    async with Client.from_environment(user_agent=identity) as client:
        elector = Elector(
            client, namespace, "test", identity, duration=int(duration), renew=float(renew), deadline=float(deadline)
        )

        async def lead() -> None:
            while True:
                now = time.monotonic()  # before the question: if we are stopped after it, the answer was right then
                if elector.proven():
                    print("acts", now, flush=True)  # noqa: T201  # to the test
                await asyncio.sleep(0.01)

        await elector.run(lead)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
