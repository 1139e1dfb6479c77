"""Rollouts on two Tritons, while what Envoy answers comes late to the agent: no request notices.

An answer may have the revision of any table since the last of which it was known, before the request was sent, that
Envoy runs it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import httpx

from tests.dataplane.gateway.raw import ask, get, status
from tests.dataplane.gateway.requests import floats, http, infer, stub_of, sum_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.tables import model, pod, table
from tests.dataplane.triton import Triton
from tests.ports import free_ports
from tritium.gateway.table import Endpoint, Share, Table

LATE = 0.15
PAUSE = 0.004
"""Seconds between two requests of one client: the load is bounded."""
CHANGE_AFTER = 0.03
"""Seconds after which the next change comes, while the one before is under way."""
ROLLOUTS = 4
WEIGHTS = (5_000, 100, 10_000, 2_500, 0, 10_000, 0, 7_500, 10_000)
"""Of the new revision: at once so much that a route that Envoy has too early is met."""


@dataclass(slots=True)
class Story:
    """What Envoy is told, and who could have answered.

    Attributes:
        gateway: it.
        told: of each table the revisions that its routes name.
        known: which of them was the newest when Envoy was last known to run it.
        over: no more requests.
        answers: by protocol and revision.
    """

    gateway: Gateway
    told: list[set[int]]
    known: int = 0
    over: bool = False
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    def tell(self, table: Table) -> None:
        """Without waiting."""
        self.told.append({share.revision for share in table.models["fraud"].shares if share.weight})
        self.gateway.tell(table)

    async def settle(self, port: int) -> None:
        """Wait until Envoy is known to run what it was told last.

        The thread that answers the agent passes the news on to the one that answers clients, which has it, at the
        latest, after a whole request from then on.
        """
        await self.gateway.whole()
        assert status(await ask(port, get("/v2"))) == 200
        self.known = len(self.told) - 1

    async def keep_asking(self, protocol: str, send: Callable[[], Awaitable[str]]) -> None:
        """Send requests until it is over."""
        while not self.over:
            since = self.known
            revision = int(await send())
            could = set[int]().union(*self.told[since:])
            assert revision in could, f"{protocol}: {revision} answered, it could be {could}"
            self.answers[protocol, revision] += 1
            await asyncio.sleep(PAUSE)


@asynccontextmanager
async def steady(story: Story, port: int) -> AsyncIterator[None]:
    """Clients of HTTP, of HTTP with a new connection for each request, and of gRPC; a request that fails ends it."""
    no_connection = httpx.Limits(max_keepalive_connections=0)
    async with (
        http(port) as kept,
        httpx.AsyncClient(base_url=str(kept.base_url), trust_env=False, limits=no_connection) as fresh,
        stub_of(port) as stub,
    ):

        async def by_http(client: httpx.AsyncClient) -> str:
            answer = await client.post("/v2/models/adder/infer", json=sum_of(1, 2))
            assert answer.status_code == 200, answer.text
            assert answer.json()["outputs"][0]["data"][0] == 3
            return str(answer.headers["tritium-revision"])

        async def by_grpc() -> str:
            call = stub.ModelInfer(infer("adder", A=[[1, 1]], B=[[2, 2]]))
            assert floats(await call)[0] == 3
            return str(dict(await call.initial_metadata())["tritium-revision"])

        async with asyncio.TaskGroup() as clients:
            for client in (kept, fresh):
                clients.create_task(story.keep_asking("http", partial(by_http, client)))
            for _ in range(2):
                clients.create_task(story.keep_asking("grpc", by_grpc))
            try:
                yield
            finally:
                story.over = True


async def test_no_request_notices_rollouts_of_which_the_agent_hears_late(
    triton: Triton, another_triton: Triton
) -> None:
    [port] = free_ports(1)
    one, other = pod(triton), pod(another_triton)
    pods = ((one,), (one, other), (other,))

    def rollout(old: int, weight: int, step: int) -> Table:
        """From a revision to the next, whose weight this is. The pods of both come and go with each step."""
        new = old + 1
        shares = (Share(new, f"fraud-{new}", weight), Share(old, f"fraud-{old}", 10_000 - weight))
        return table(
            model(port, *shares), **{f"fraud-{old}": pods[step % len(pods)], f"fraud-{new}": pods[-(step % len(pods))]}
        )

    def alone(revision: int, *found: Endpoint) -> Table:
        return table(model(port, Share(revision, f"fraud-{revision}", 10_000)), **{f"fraud-{revision}": found})

    async with Gateway(alone(1, one), late=LATE) as gateway:
        story = Story(gateway, [{1}])
        async with steady(story, port):
            for old in range(1, ROLLOUTS + 1):
                for step, weight in enumerate(WEIGHTS):
                    story.tell(rollout(old, weight, step))
                    if step % 3 == old % 3:
                        await story.settle(port)
                    await asyncio.sleep(CHANGE_AFTER)
                # As the operator does: nobody's pods go before it is known that no route leads to them.
                await story.settle(port)
                story.tell(alone(old + 1, one, other))
            await story.settle(port)
    for protocol in ("http", "grpc"):
        for revision in range(1, ROLLOUTS + 2):
            assert story.answers[protocol, revision] > 10, story.answers
