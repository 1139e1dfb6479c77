"""What the operator asks of `follow`, and what it answers: the wire to the pod that looks for changes at sources.

One Job in a namespace looks at all sources that have the same server and the same credentials. It ends when there is
something to tell: its termination message holds a `FollowResult`, 4 KiB at most, and the operator starts another.
"""

from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from tritium.api.fetch import FetchFailure, FetchRequest, Network
from tritium.api.object import ApiObject, Observed
from tritium.api.values import ObjectName

FOLLOW_VARIABLE: Final = "TRITIUM_FOLLOW"
"""Environment variable with the `FollowRequest`."""

MOST: Final = 50
"""Sources that one Job looks at: all of them travel in one variable of its pod's environment."""


class Followed(ApiObject):
    """A source, and what is known of it."""

    name: ObjectName
    """The ModelDeployment's name."""
    written: str
    """Hash of the fields that its revisions are made from."""
    request: FetchRequest
    """What to list; its `fingerprint` is what was found there before."""
    every: Annotated[float, Field(gt=0)]
    """Seconds between two looks."""
    looked: datetime
    """When it was last looked at."""
    failing: bool = False
    """It could not be listed, and that has been told."""


class FollowRequest(ApiObject):
    """What is to be looked at until there is something to tell."""

    sources: Annotated[list[Followed], Field(max_length=MOST)]
    """One for each ModelDeployment."""
    allowed_networks: list[Network] | None = None
    """What is open to all of them besides the internet, as the installation says."""
    refused_networks: list[Network] | None = None
    """What is closed to them, whatever is allowed."""


class FollowReport(Observed):
    """What is to be told of one source. Neither fingerprint nor failure: it can be listed again, and is as before."""

    name: str
    """The ModelDeployment's name."""
    written: str
    """As it was asked."""
    before: str
    """The fingerprint that was known."""
    fingerprint: str | None = None
    """The one that it has now."""
    failure: FetchFailure | None = None
    """Why it cannot be listed."""


class FollowResult(Observed):
    """All that there was to tell; what does not fit is told by the next Job."""

    reports: list[FollowReport]
    """One for each source that there is something to tell of."""
