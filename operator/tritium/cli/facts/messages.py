"""Messages of the operator, for somebody who has the command."""

import re
from typing import Final

from tritium.api import names

_BY_ANNOTATION: Final = re.compile(
    rf"(?:the annotation|annotate the object with) {re.escape(names.ACTION)}=(?P<verb>[a-z-]+)@1"
    r" \(another word after @ each time\)"
)
"""How a message says what a person can do, to somebody who has only kubectl."""


def in_commands(message: str, name: str, program: str) -> str:
    """The message with commands in the place of annotations.

    >>> said = "Go on with the annotation serving.tritium.dev/action=resume@1 (another word after @ each time)."
    >>> in_commands(said, "fraud", "tritium")
    'Go on with `tritium resume fraud`.'
    """
    return _BY_ANNOTATION.sub(lambda found: f"`{program} {found['verb']} {name}`", message)
