"""`python -m tritium.sync resolve`, `… fetch` and `… follow`: what the containers that deal with sources run.

`python -m tritium.sync verify` reads all that a cache keeps, for who mounts one (docs/cache.md).

Everything comes from the environment variable that `tritium.api.fetch` names and from the mounted folders. The answer
goes into the termination message, what people want to know to standard output, and the exit code is 0 or 1.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from tritium.api.fetch import ADDRESS_VARIABLE, REQUEST_VARIABLE, FetchReason, FetchRequest, FetchResult
from tritium.api.follow import FOLLOW_VARIABLE, FollowRequest
from tritium.sync import check, report, work
from tritium.sync.cache import Cache
from tritium.sync.discretion import DiscreetFormatter, Discretion
from tritium.sync.errors import Failed, from_system
from tritium.sync.follow import Follow
from tritium.sync.work import Mounts

ROOT_VARIABLE: Final = "TRITIUM_FETCH_ROOT"
"""A folder that stands for `/`, so that it can be run outside of a container."""

_RESOLVE: Final = "resolve"
_FETCH: Final = "fetch"
_FOLLOW: Final = "follow"
_VERIFY: Final = "verify"

log = logging.getLogger("tritium.sync")


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Do what the one argument says; return the exit code."""
    verbs = (_RESOLVE, _FETCH, _FOLLOW, _VERIFY)
    if len(arguments) != 1 or arguments[0] not in verbs:
        log.error("usage: python -m tritium.sync %s", "|".join(verbs))
        return 2
    mounts = _mounts(environment)
    if arguments[0] == _FOLLOW:
        return _follow(environment, mounts)
    if arguments[0] == _VERIFY:
        return 1 if check.verify(Cache(mounts.cache, claim="")) else 0
    result = _outcome(arguments[0], environment, mounts)
    if result.failure:
        log.error("%s: %s", result.failure.reason, result.failure.message)
    report.write(result, mounts.termination)
    return 1 if result.failure else 0


def _follow(environment: Mapping[str, str], mounts: Mounts) -> int:
    """Look for changes; what cannot be listed is an answer too, so this ends badly only where the request is none."""
    try:
        request = FollowRequest.model_validate_json(environment.get(FOLLOW_VARIABLE, ""))
    except ValidationError as error:
        log.error("%s is not a request: %s", FOLLOW_VARIABLE, error)  # noqa: TRY400 - it is no mistake of this program
        return 1
    told = asyncio.run(Follow(mounts)(request))
    mounts.termination.write_text(report.told(told, Discretion.of(mounts.credentials)), encoding="utf-8")
    return 0


def _outcome(verb: str, environment: Mapping[str, str], mounts: Mounts) -> FetchResult:
    try:
        request = FetchRequest.model_validate_json(environment.get(REQUEST_VARIABLE, ""))
        return asyncio.run(_work(verb, environment)(request, mounts))
    except Failed as failure:
        return report.failed(failure, Discretion.of(mounts.credentials))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        return report.failed(Failed(FetchReason.FETCH_FAILED, f"{REQUEST_VARIABLE} is not a request: {problems}"))
    except OSError as error:
        return report.failed(from_system(error))
    except Exception as error:
        log.exception("this is a mistake in Tritium, please report it")
        mistake = Failed(FetchReason.FETCH_FAILED, f"a mistake in Tritium: {type(error).__name__}: {error}")
        return report.failed(mistake, Discretion.of(mounts.credentials))


def _work(verb: str, environment: Mapping[str, str]) -> Callable[..., Coroutine[Any, Any, FetchResult]]:
    if verb == _RESOLVE:
        return work.resolve
    return partial(work.fetch, address=environment.get(ADDRESS_VARIABLE))


def _mounts(environment: Mapping[str, str]) -> Mounts:
    return Mounts.below(Path(environment.get(ROOT_VARIABLE, "/")))


def _leave(signum: int, _: object) -> None:
    """As process 1 it would not be ended by a signal that it does not handle. Nothing has to be tidied up."""
    os._exit(128 + signum)


if __name__ == "__main__":
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(DiscreetFormatter(Discretion.of(_mounts(os.environ).credentials)))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    signal.signal(signal.SIGTERM, _leave)
    code = main(sys.argv[1:], os.environ)
    logging.shutdown()
    # Threads of the object store's library may still run: an interpreter that is taken down under them aborts now and
    # then, and a Job that has its answer would have failed. Everything is written.
    os._exit(code)
