"""Actions are waited for: the test is the operator, and writes status.lastAction when it likes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.cli.command import Command
from tests.controlplane.faults import Answer, Fault, Match
from tests.controlplane.operating.harness import MDEP, Models
from tests.controlplane.waiting import wait_for
from tests.unit.cli.samples import CANARY
from tritium.api import names
from tritium.cli.facts.action import Verb

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controlplane.api import Object
    from tests.controlplane.proxy import FaultProxy


@pytest.fixture
async def canary(models: Models) -> Models:
    """A ModelDeployment in the middle of a canary, and nobody who goes on with it."""
    await models.apply()
    await write(models, {**CANARY["status"], "observedGeneration": 1})
    return models


async def write(models: Models, status: Object) -> None:
    await models.api.patch(MDEP, "fraud", models.namespace, {"status": status}, subresource="status")


async def asked(models: Models) -> str:
    """The action that the object carries, empty if none."""
    annotations = (await models.get())["metadata"].get("annotations") or {}
    return str(annotations.get(names.ACTION, ""))


async def carry_out(models: Models, **status: Any) -> str:
    """What the operator does with the next action that is asked for; returns its verb."""
    verb, _, token = (await wait_for(lambda: asked(models), 20, "an action is asked for")).partition("@")
    done = {"verb": verb, "token": token, "at": datetime.now(UTC).isoformat()}
    await write(models, {"lastAction": done, **status})
    return str(verb)


async def test_an_action_is_waited_for_and_told(tritium: Command, canary: Models) -> None:
    aborted = {"phase": "Aborted", "candidate": None}
    said, verb = await asyncio.gather(tritium.ok("abort", "fraud"), carry_out(canary, **aborted))
    assert verb == "abort"
    assert said == "abort fraud: done. It was Progressing, revision 3 at 25 %, and is Aborted, revision 2 serves\n"


async def test_an_action_that_changes_nothing_says_so(tritium: Command, canary: Models) -> None:
    said, _ = await asyncio.gather(tritium.json("pause", "fraud"), carry_out(canary))
    assert said["before"] == said["after"] == "Progressing, revision 3 at 25 %"
    assert said["lastAction"]["token"] == said["token"]


async def test_the_phase_that_follows_a_moment_later_is_told(tritium: Command, canary: Models) -> None:
    async def in_two_writes() -> None:
        await carry_out(canary)
        await write(canary, {"phase": "Paused"})

    said, _ = await asyncio.gather(tritium.ok("pause", "fraud"), in_two_writes())
    assert said.endswith("and is Paused, revision 3 at 25 %\n")


async def test_each_action_is_written_with_a_token_of_its_own(tritium: Command, canary: Models) -> None:
    tokens = set()
    for verb in (Verb.PAUSE, Verb.SKIP_STEP, Verb.SKIP_STEP):
        said = await tritium.json(verb, "fraud", "--no-wait")
        assert await asked(canary) == f"{verb}@{said['token']}"
        tokens.add(said["token"])
    assert len(tokens) == 3


async def test_an_operator_that_is_away_is_told_after_the_timeout(tritium: Command, canary: Models) -> None:
    said = await tritium.refused("promote", "fraud", "--timeout=0.5")
    assert "the operator has not taken it up within 0.5 s" in said
    assert "is done when it runs" in said
    assert (await asked(canary)).startswith("promote@")


async def test_a_retry_waits_for_its_listing_and_says_so(tritium: Command, canary: Models) -> None:
    said = await tritium.refused("retry", "fraud", "--timeout=0.5")
    assert "the source was not listed again within 0.5 s" in said
    assert (await asked(canary)).startswith("retry@")


async def test_an_api_server_that_is_away_for_a_moment_is_waited_for(
    canary: Models, faults: FaultProxy, tmp_path: Path
) -> None:
    behind = Command(faults.credentials().kubeconfig(tmp_path / "proxy.kubeconfig", canary.namespace))

    async def away() -> None:
        await wait_for(lambda: asked(canary), 20, "an action is asked for")
        failing = faults.inject(Fault(Match(verb="get", resource=names.PLURAL), Answer(503), times=2))
        await wait_for(lambda: failing.spent, 20, "two requests have failed")
        await carry_out(canary, phase="Paused")

    said, _ = await asyncio.gather(behind.ok("pause", "fraud"), away())
    assert said.startswith("pause fraud: done.")


async def test_somebody_elses_action_in_between_is_told(tritium: Command, canary: Models) -> None:
    async def interfere() -> None:
        await wait_for(lambda: asked(canary), 20, "an action is asked for")
        other = {"metadata": {"annotations": {names.ACTION: "abort@other"}}}
        await canary.api.patch(MDEP, "fraud", canary.namespace, other)

    said, _ = await asyncio.gather(tritium.refused("promote", "fraud"), interfere())
    assert said == "tritium: somebody else has asked for abort@other instead: run the command again"


async def test_the_screen_shows_the_canary(tritium: Command, canary: Models) -> None:
    screen = await tritium.ok("status", "fraud")
    assert "steps  ✓ 5 % → ● 25 % (" in screen
    assert "errors      Inconclusive       24 of 1804       1-1.7 %    1 %  0.41 %" in screen
