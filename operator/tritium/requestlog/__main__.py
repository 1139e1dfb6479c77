"""`python -m tritium.requestlog`: the logger of one model.

What it is to do stands in the environment variable that `tritium.api.request_log` names. If it cannot, it says why in
the termination message, in the form of a fetch's answer, and ends with 1.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from tritium.api.fetch import CREDENTIALS_FOLDER, FetchReason
from tritium.api.request_log import REQUEST_LOG_VARIABLE, RequestLogRequest
from tritium.environment import SettingsInvalid
from tritium.requestlog import settings
from tritium.requestlog.logger import Logger
from tritium.sync import report
from tritium.sync.discretion import DiscreetFormatter, Discretion
from tritium.sync.errors import Failed, from_system

ROOT_VARIABLE: Final = "TRITIUM_REQUEST_LOG_ROOT"
"""A folder that stands for `/`, so that it can be run outside of a container."""

log = logging.getLogger("tritium.requestlog")


def main(environment: Mapping[str, str]) -> int:
    """Run it until the pod ends; return the exit code."""
    root = Path(environment.get(ROOT_VARIABLE, "/"))
    secret = root / CREDENTIALS_FOLDER.removeprefix("/")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(DiscreetFormatter(Discretion.of(secret)))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    failure = _failure(environment, secret)
    if failure is None:
        return 0
    log.error("%s: %s", failure.reason, failure.message)
    report.write(report.failed(failure, Discretion.of(secret)), root / "dev/termination-log")
    return 1


def _failure(environment: Mapping[str, str], secret: Path) -> Failed | None:
    """Why it ended before the pod did."""
    try:
        request = RequestLogRequest.model_validate_json(environment.get(REQUEST_LOG_VARIABLE, ""))
        told = settings.from_environment(environment)
        asyncio.run(_run(request, told, secret))
    except Failed as failure:
        return failure
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        return Failed(FetchReason.FETCH_FAILED, f"{REQUEST_LOG_VARIABLE} is not a request: {problems}")
    except SettingsInvalid as error:
        return Failed(FetchReason.FETCH_FAILED, str(error))
    except OSError as error:
        return from_system(error)
    except Exception as error:
        log.exception("this is a mistake in Tritium, please report it")
        return Failed(FetchReason.FETCH_FAILED, f"a mistake in Tritium: {type(error).__name__}: {error}")
    return None


async def _run(request: RequestLogRequest, told: settings.Settings, secret: Path) -> None:
    logger = Logger(request, told, secret)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, logger.end)
    await logger.run()


if __name__ == "__main__":
    code = main(os.environ)
    logging.shutdown()
    # Threads of the object store's library may still run: an interpreter that is taken down under them aborts now and
    # then. Everything is written.
    os._exit(code)
