"""What is known of the work of one ModelDeployment, as a pass sees it."""

from dataclasses import dataclass

from tritium.core.scaling.controller import Memory, Need


@dataclass(frozen=True, slots=True)
class Work:
    """See the module.

    Attributes:
        memory: of the controller, of this process.
        at: seconds of the clock of `memory`, now.
        need: what the work needs; none while nothing is known, or not any more.
        partial: more may arrive than is counted: a pod of the gateway does not answer.
        silent: why nothing is known, for a person; empty while that may just be a beginning.
        gpu: share of the time in which the pods' GPUs did anything, a mean; none where nobody tells.
        quiet: seconds since the last request, or since it is known that there was none; 0 while nothing is known.
        first: who comes first with what its pods could have, and waits for it: namespace and name; empty for nobody.
        waited: the sleep in which somebody waited for the model last, by its number (`status.traffic.hold.since`).
    """

    memory: Memory
    at: float
    need: Need | None = None
    silent: str = ""
    partial: bool = False
    gpu: float | None = None
    quiet: float = 0.0
    waited: int | None = None
    first: str = ""
