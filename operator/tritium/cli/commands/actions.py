"""`tritium promote`, `abort`, `pause`, `resume`, `retry`, `skip-step`: ask the operator, and see it done."""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from tritium.api import names
from tritium.cli.cluster import Cluster, run
from tritium.cli.complaints import Complaint
from tritium.cli.facts.action import Verb, annotation, happened, is_done, standing
from tritium.cli.facts.model import ModelFacts, read
from tritium.cli.facts.senseless import senseless
from tritium.cli.options import As, Context, Name, Namespace, Output, program
from tritium.cli.printing import show
from tritium.cli.views.status_data import plain
from tritium.kube.errors import Unavailable

LOOKS: Final = 0.5
"""Seconds between two looks: reads of one object, which ask for no more rights than `get`."""

SETTLES: Final = 3.0
"""Seconds in which the phase follows the action: the operator writes down first what it is about to do."""

LATE: Final = (
    "the operator has not taken it up within {:g} s. See that it runs (kubectl get pods -A -l "
    "app.kubernetes.io/name=tritium) and is of this version; what was asked for stays, and is done when it runs"
)

UNANSWERED: Final = (
    "the source was not listed again within {:g} s. Listing goes on, if the operator runs (kubectl get pods -A -l "
    "app.kubernetes.io/name=tritium): the retry stays asked for, and the status shows what comes of it; --timeout "
    "waits longer"
)
"""A retry is done when its listing has answered, which takes as long as it takes."""

HELP: Final[Mapping[Verb, str]] = {
    Verb.PROMOTE: "Give the new revision all requests now, without the steps and gates that are left.",
    Verb.ABORT: "Send all requests back to the stable revision now.",
    Verb.PAUSE: "Hold a rollout at the weight it has.",
    Verb.RESUME: "Let a paused rollout go on.",
    Verb.RETRY: "Try a revision again that was turned down, and list the source again.",
    Verb.SKIP_STEP: "Go on to the next step of a rollout now.",
}

Timeout = Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds to wait until the operator has done it.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Ask for it, and do not wait.")]


def command(verb: Verb) -> Callable[..., None]:
    """The command of one action."""

    def act(  # noqa: PLR0913, PLR0917 - the options of a command
        ctx: typer.Context,
        name: Name,
        timeout: Timeout = 30.0,
        no_wait: NoWait = False,  # noqa: FBT002 - a flag
        namespace: Namespace = None,
        context: Context = None,
        output: As = Output.TEXT,
    ) -> None:
        called = program(ctx.find_root().info_name)
        wait = None if no_wait else timeout
        text, data = run(context, namespace, lambda cluster: _act(cluster, name, verb, wait, called))
        show(output, Text(text), data, whole=True)

    act.__doc__ = HELP[verb]
    return act


async def _act(
    cluster: Cluster, name: str, verb: Verb, wait: float | None, called: str
) -> tuple[str, Mapping[str, Any]]:
    before = read(await cluster.model(name))
    if why := senseless(before, verb):
        raise Complaint(why)
    token = secrets.token_hex(4)
    await cluster.edit(name, annotation(verb, token))
    asked = {"name": name, "namespace": cluster.namespace, "action": verb, "token": token}
    if wait is None:
        return f"{verb} {name}: asked for. {called} status {name} shows what comes of it", asked
    late = UNANSWERED if verb is Verb.RETRY else LATE
    after = await _done(cluster, name, token, wait, late)
    after = await _settled(cluster, before, after)
    data = {
        **asked,
        "before": standing(before),
        "after": standing(after),
        "lastAction": plain(after.status.last_action),
    }
    return happened(verb, before, after), data


async def _done(cluster: Cluster, name: str, token: str, wait: float, late: str) -> ModelFacts:
    """The object when the operator has carried out the action; an API server that is away meanwhile is waited for.

    Raises:
        Complaint: it has not, or somebody else has asked for something else meanwhile.
    """
    deadline = time.monotonic() + wait
    away = ""
    while True:
        try:
            obj = await cluster.model(name)
        except Unavailable as error:
            away = f". Last seen: {error}"
        else:
            facts, away = read(obj), ""
            if is_done(facts, token):
                return facts
            asked = str((obj["metadata"].get("annotations") or {}).get(names.ACTION, ""))
            if not asked.endswith(f"@{token}"):
                raise Complaint(f"somebody else has asked for {asked or 'nothing'} instead: run the command again")
        if time.monotonic() > deadline:
            raise Complaint(f"{name}: {late.format(wait)}{away}")
        await asyncio.sleep(LOOKS)


async def _settled(cluster: Cluster, before: ModelFacts, after: ModelFacts) -> ModelFacts:
    deadline = time.monotonic() + SETTLES
    while standing(after) == standing(before) and time.monotonic() < deadline:
        await asyncio.sleep(LOOKS)
        after = read(await cluster.model(after.name))
    return after
