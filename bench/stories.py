"""Stories of a rollout that nobody wrote: edits, pins, lost pods, silent gateways, kills, old pictures, in any order.

The same machine as `tests/properties/test_decide.py`, which tells 60 stories in each run of the tests. This tells as
many as are asked for, with seeds of their own, and says which one went wrong.

BENCH_STORIES: how many, 5,000 unless told.
"""

import os
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from rich.console import Console

from bench.aims import Aim, judge
from tests.properties.test_decide import Rollouts

STORIES: Final = int(os.environ.get("BENCH_STORIES", "5000"))
STEPS: Final = 30
"""At most so many things happen in a story."""
AT_ONCE: Final = 50
"""Stories of one seed."""


def tell(number: int) -> str:
    """Tell the stories of one seed; return what went wrong, or nothing."""
    asked = settings(
        max_examples=AT_ONCE,
        stateful_step_count=STEPS,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
        deadline=None,
    )
    try:
        run_state_machine_as_test(seed(number)(Rollouts), settings=asked)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told with its seed
        notes = "\n".join(getattr(error, "__notes__", []))
        *_, last = traceback.extract_tb(error.__traceback__)
        where = f"{Path(last.filename).name}:{last.lineno}: {last.line}"
        return f"seed {number}: {type(error).__name__}: {error}\n{where}\n{notes}"
    return ""


async def main() -> None:
    """Tell them on all cores, and judge."""
    console, began, wrong = Console(), time.monotonic(), 0
    seeds = range(-(-STORIES // AT_ONCE))
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        for number, said in enumerate(processes.map(tell, seeds), start=1):
            wrong += bool(said)
            if said or number % 10 == 0:
                console.print(said or f"{number * AT_ONCE:,} stories, {time.monotonic() - began:,.0f} s", markup=False)
    told = f"{len(seeds) * AT_ONCE:,} stories of up to {STEPS} steps, {time.monotonic() - began:,.0f} s"
    console.print(told)
    judge(console, [Aim("seeds with a story that goes wrong", wrong, 0)])
