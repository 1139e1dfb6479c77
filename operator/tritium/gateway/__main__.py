"""`python -m tritium.gateway`: the gateway's agent."""

import asyncio
import gc
import os
import sys

from tritium.environment import SettingsInvalid
from tritium.gateway.agent import Agent
from tritium.gateway.settings import Settings, from_environment
from tritium.telemetry import configure_log


def main() -> int:
    """Run the agent; 1 if it is not told what it needs."""
    try:
        settings = from_environment(os.environ)
    except SettingsInvalid as error:
        print(f"tritium: {error}", file=sys.stderr)  # noqa: T201 - there is no log yet
        return 1
    configure_log(settings.log_level)
    # What the imports have made stays. To look at it again and again would hold up a change by a tenth of a second.
    gc.freeze()
    asyncio.run(_run(settings))
    return 0


async def _run(settings: Settings) -> None:
    await Agent(settings).run()


if __name__ == "__main__":
    raise SystemExit(main())
