"""Asking the container that fetches a model how far it is."""

from typing import Final

import aiohttp
from yarl import URL

from tritium.api.fetch import PROGRESS_PORT, FetchProgress
from tritium.probes.bounded import TooMuch, bounded

DEADLINE: Final = 1.0
"""Seconds for an answer, which comes from memory."""

_LARGEST: Final = 1024
"""Bytes of an answer."""


async def ask(ip: str) -> FetchProgress | None:
    """How far a pod is; None where nobody answers, as while it has nothing to download yet, or not as a fetch does.

    The image of that container may be the user's own, so what answers is not trusted: it leads nowhere else, has little
    to say, and only numbers.
    """
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE), trust_env=False) as session,
            session.get(
                URL.build(scheme="http", host=ip, port=PROGRESS_PORT, path="/"), allow_redirects=False
            ) as answer,
        ):
            if answer.status != 200:
                return None
            return FetchProgress.model_validate_json(await bounded(answer.content, _LARGEST))
    except (TooMuch, TimeoutError, aiohttp.ClientError, OSError, ValueError):
        return None
