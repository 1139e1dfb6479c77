"""What the cluster has that a word can be completed to: names of ModelDeployments, and numbers of revisions.

Whoever presses Tab waits for it, and wants to read nothing else: what cannot be had at once is not offered.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import typer

from tritium.cli.cluster import Cluster, connect
from tritium.cli.facts.model import ModelFacts, read

PATIENCE: Final = 2.0
"""Seconds."""

Offer = tuple[str, str]
"""A word, and what it is."""


def models(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Names of the ModelDeployments in the namespace that was typed, or is the usual one."""

    async def work(cluster: Cluster) -> list[Offer]:
        return [_model(read(each)) for each in await cluster.models()]

    return _starting_with(incomplete, _asked(ctx, work))


def revisions(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Numbers of the revisions that are kept of the ModelDeployment that was typed, the newest first."""
    # Behind an option that has no value yet what was typed before is not read as arguments.
    name = ctx.params.get("name") or next(iter(ctx.args), None)

    async def work(cluster: Cluster) -> list[Offer]:
        facts = read(await cluster.model(str(name)))
        numbers = sorted((each.revision for each in facts.status.revisions or ()), reverse=True)
        return [(str(number), _role(facts, number)) for number in numbers]

    return _starting_with(incomplete, _asked(ctx, work)) if name else []


def _model(facts: ModelFacts) -> Offer:
    return facts.name, " ".join(each for each in (facts.status.phase, facts.status.reason) if each)


def _role(facts: ModelFacts, number: int) -> str:
    rejection = facts.rejection(number)
    if facts.status.stable and facts.status.stable.revision == number:
        return "stable"
    if facts.candidate and facts.candidate.revision == number:
        return "candidate"
    return f"turned down: {rejection.reason}" if rejection else "kept"


def _starting_with(incomplete: str, offers: list[Offer]) -> list[Offer]:
    return [each for each in offers if each[0].startswith(incomplete)]


def _asked(ctx: typer.Context, work: Callable[[Cluster], Awaitable[list[Offer]]]) -> list[Offer]:
    async def connected() -> list[Offer]:
        async with (
            asyncio.timeout(PATIENCE),
            connect(ctx.params.get("context"), ctx.params.get("namespace"), PATIENCE) as it,
        ):
            return await work(it)

    logging.disable()
    try:
        return asyncio.run(connected())
    except Exception:  # noqa: BLE001 - whatever it is: somebody is typing, and nothing is to come between
        return []
