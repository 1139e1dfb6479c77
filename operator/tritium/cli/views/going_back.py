"""What `undo` did, and how to take it back."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from tritium.cli.facts.going_back import GoingBack
from tritium.cli.facts.model import ModelFacts
from tritium.cli.facts.pin import without_pin
from tritium.cli.views.status_data import plain
from tritium.cli.views.style import BAD, FAINT


def going_back_view(facts: ModelFacts, change: GoingBack, program: str) -> RenderableType:
    """What was done, and the commands that take it back.

    Args:
        facts: the ModelDeployment before the change.
        change: what was changed.
        program: how the command is called.
    """
    target = f"{facts.name} -n {facts.namespace}"
    left = "" if change.left is None else f" instead of revision {change.left}"
    lines = [
        Text(f"{facts.name} is pinned to revision {change.to}{left}: spec.pinRevision is {change.to} now."),
        *_despite(change),
        *_experiment(facts),
        Text("Nothing else is rolled out while it is set, whatever model and server say."),
        Text(),
        _command("to see it happen", f"{program} status {target} --watch"),
    ]
    if change.again is not None:
        lines.append(_command(f"back to revision {change.again}", f"{program} undo {target} --to {change.again}"))
    lines.append(_command("to take the pin away", without_pin(facts)))
    return Group(*lines)


def _despite(change: GoingBack) -> list[Text]:
    if change.despite is None:
        return []
    why = f"{change.despite.reason}: {change.despite.message}" if change.despite.message else change.despite.reason
    return [Text(f"It had been turned down, and is not judged again: {why.rstrip('.')}.", style=BAD)]


def _experiment(facts: ModelFacts) -> list[Text]:
    if not facts.experiments:
        return []
    return [
        Text("The experiment that runs ends with that, for good: only one that is changed begins again.", style=BAD)
    ]


def going_back_data(facts: ModelFacts, change: GoingBack) -> dict[str, Any]:
    """The same for programs."""
    found = {"name": facts.name, "namespace": facts.namespace, "pinRevision": change.to}
    despite = plain(change.despite) if change.despite else None
    found |= {"endsExperiment": facts.experiments}
    return found | {"left": change.left, "pinRevisionBefore": change.was, "turnedDown": despite}


def _command(why: str, what: str) -> Text:
    return Text(f"  {why}:\n", style=FAINT).append(f"    {what}", style="not dim bold")
