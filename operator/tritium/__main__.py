"""`python -m tritium`: the operator."""

import asyncio
import logging
import os
import sys

from tritium.app import App, Unusable
from tritium.environment import SettingsInvalid
from tritium.settings import from_environment
from tritium.telemetry import configure_log


def main() -> int:
    """Run the operator; 1 if it cannot work here."""
    try:
        settings = from_environment(os.environ)
    except SettingsInvalid as error:
        print(f"tritium: {error}", file=sys.stderr)  # noqa: T201 - there is no log yet
        return 1
    configure_log(settings.log_level)
    try:
        asyncio.run(App(settings).run())
    except Unusable as error:
        logging.getLogger("tritium").critical("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
