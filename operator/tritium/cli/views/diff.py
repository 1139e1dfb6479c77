"""What differs between two revisions, with the colours of a diff."""

from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from tritium.cli.facts.changes import changes, diff
from tritium.cli.facts.history import Kept
from tritium.cli.facts.model import ModelFacts
from tritium.cli.views.history import change_data
from tritium.cli.views.style import BAD, BUSY, GOOD

_COLOURS: Final = (("---", "bold"), ("+++", "bold"), ("@@", BUSY), ("-", BAD), ("+", GOOD))


def diff_view(facts: ModelFacts, old: Kept, new: Kept) -> RenderableType:
    """The unified diff."""
    lines = _diff(facts, old, new).splitlines()
    if not lines:
        return Text(f"revisions {old.number} and {new.number} of {facts.name} were made from the same")
    return Text("\n").join(Text(line, style=_colour(line)) for line in lines)


def diff_data(facts: ModelFacts, old: Kept, new: Kept) -> dict[str, Any]:
    """The same for programs."""
    found = [change_data(each) for each in changes(old.made, new.made)]
    return {"name": facts.name, "from": old.number, "to": new.number, "changes": found, "diff": _diff(facts, old, new)}


def _diff(facts: ModelFacts, old: Kept, new: Kept) -> str:
    return diff(old.made, new.made, f"{facts.name} revision {old.number}", f"{facts.name} revision {new.number}")


def _colour(line: str) -> str:
    return next((colour for start, colour in _COLOURS if line.startswith(start)), "")
