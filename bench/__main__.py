"""`make bench`: runs every measurement, or those named; each prints its figures and how they came about."""

import asyncio
import sys

from bench import (
    abort,
    admission,
    autoscale,
    gates,
    latency,
    loss,
    many,
    reaction,
    rollback,
    scale,
    stories,
    sync,
    wake,
    weight,
)

MEASUREMENTS = {
    "admission": admission.main,
    "scale": scale.main,
    "reaction": reaction.main,
    "latency": latency.main,
    "weight": weight.main,
    "many": many.main,
    "loss": loss.main,
    "gates": gates.main,
    "stories": stories.main,
    "autoscale": autoscale.main,
    "abort": abort.main,
    "rollback": rollback.main,
    "wake": wake.main,
    "sync": sync.main,
}


def main() -> None:
    """Run the measurements named on the command line, or all."""
    names = sys.argv[1:] or list(MEASUREMENTS)
    if unknown := [name for name in names if name not in MEASUREMENTS]:
        sys.exit(f"bench: no such measurement: {', '.join(unknown)}. Known: {', '.join(MEASUREMENTS)}")
    for name in names:
        asyncio.run(MEASUREMENTS[name]())


if __name__ == "__main__":
    main()
