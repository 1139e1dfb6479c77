"""Asking Prometheus for one number. Nothing else in Tritium speaks to it.

Its address is the operator's own setting, never a tenant's: an address in an object would have the operator call
whatever is in the cluster. For the same reason it follows nobody elsewhere.
"""

import math
from dataclasses import dataclass, field
from typing import Final, Literal, Self

import aiohttp
from pydantic import BaseModel, Field
from yarl import URL

import tritium
from tritium.core.wording import steady
from tritium.probes.bounded import TooMuch, bounded

EVALUATES: Final = "5s"
"""How long Prometheus may take to evaluate a query; after that it gives up by itself."""
DEADLINE: Final = 7.0
"""Seconds for one answer."""

_LARGEST: Final = 2**18
"""Bytes of an answer: of the two series that it may have at most, with all their labels."""
_SERIES: Final = 2
"""Series that Prometheus is asked for at most: enough to see that there is more than one. Old ones give all."""
_WITHOUT_WORTH: Final = "PromQL info"
"""How warnings begin that are none; newer versions tell them apart."""

_MISTAKE: Final = "bad_data"


class NoNumber(Exception):
    """Prometheus has no number for a query. The text is a sentence that says why.

    Attributes:
        mistake: the query itself is wrong.
        silent: Prometheus could not be asked at all, for which the query can do nothing.
    """

    def __init__(self, text: str, *, mistake: bool = False, silent: bool = False) -> None:
        super().__init__(text)
        self.mistake = mistake
        self.silent = silent


@dataclass(slots=True)
class PrometheusProbe:
    """Asks over HTTP; an async context manager.

    Attributes:
        address: such as `http://prometheus.monitoring:9090`, with a path where it has one.
    """

    address: str
    _http: aiohttp.ClientSession = field(init=False)

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=DEADLINE),
            # As it stands: what is small on the way could be large when it is unpacked.
            headers={"User-Agent": f"tritium-operator/{tritium.__version__}", "Accept-Encoding": "identity"},
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # no proxy, and no password of a .netrc
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def ask(self, query: str) -> float:
        """The number that a query gives now; never NaN, never infinite.

        Raises:
            NoNumber: it gives none, or could not be asked.
        """
        form = {"query": query, "timeout": EVALUATES, "limit": str(_SERIES)}
        try:
            url = URL(self.address) / "api" / "v1" / "query"
            async with self._http.post(url, data=form, allow_redirects=False) as answer:
                status, body = answer.status, await bounded(answer.content, _LARGEST)
        except TooMuch as much:
            raise NoNumber(f"{much}, and has to be one number.", mistake=True) from much
        except TimeoutError as late:
            raise NoNumber(f"Prometheus does not answer within {DEADLINE:g} s.", silent=True) from late
        except (aiohttp.ClientError, OSError, ValueError) as broken:  # the last: an address that is none
            words = steady(str(broken) or type(broken).__name__)
            raise NoNumber(f"Prometheus cannot be reached: {words}.", silent=True) from broken
        return number(status, body)


class _Element(BaseModel):
    """Of a vector; a histogram has no value."""

    value: tuple[float, str] | None = None


class _Vector(BaseModel):
    kind: Literal["vector"] = Field(alias="resultType")
    result: list[_Element]


class _Scalar(BaseModel):
    kind: Literal["scalar"] = Field(alias="resultType")
    result: tuple[float, str]


class _Other(BaseModel):
    kind: Literal["matrix", "string"] = Field(alias="resultType")


class _Answer(BaseModel):
    status: Literal["success", "error"]
    data: _Vector | _Scalar | _Other | None = None
    error_type: str = Field(default="", alias="errorType")
    error: str = ""
    warnings: list[str] = []


def number(status: int, body: bytes) -> float:
    """The number in an answer of `/api/v1/query`.

    Args:
        status: of HTTP.
        body: of the answer.

    Raises:
        NoNumber: there is none.

    >>> number(200, b'{"status":"success","data":{"resultType":"scalar","result":[1435781451.7,"0.5"]}}')
    0.5
    >>> number(200, b'{"status":"success","data":{"resultType":"vector","result":[]}}')
    Traceback (most recent call last):
    tritium.probes.prometheus.NoNumber: it has no data.
    """
    if 300 <= status < 400:
        raise NoNumber(f"the address of Prometheus leads elsewhere (HTTP status {status}).", silent=True)
    try:
        answer = _Answer.model_validate_json(body)
        if answer.status == "error":
            raise _refused(status, answer)
        value = float(_written(answer.data))
    except ValueError as error:  # pydantic's own is one
        more = ", and the operator has no credentials for it" if status in {401, 403} else ""
        text = f"what answers at the address of Prometheus is not Prometheus (HTTP status {status}){more}."
        raise NoNumber(text, silent=True) from error
    if warnings := [each for each in answer.warnings if not each.startswith(_WITHOUT_WORTH)]:
        raise NoNumber(f"Prometheus warns that the result may be wrong: {steady(warnings[0])}.")
    if math.isnan(value):
        raise NoNumber("it is NaN, as of a division of nothing by nothing.")
    if math.isinf(value):
        raise NoNumber("it is infinite, as of a division by nothing.")
    return value


def _refused(status: int, answer: _Answer) -> NoNumber:
    words = steady(answer.error) or f"HTTP status {status}"
    if answer.error_type == _MISTAKE:
        return NoNumber(f"Prometheus cannot read it: {words}.", mistake=True)
    return NoNumber(f"Prometheus says: {words}.")


def _written(data: _Vector | _Scalar | _Other | None) -> str:
    """The number as it is written."""
    match data:
        case _Scalar(result=(_, written)) | _Vector(result=[_Element(value=(_, written))]):
            return written
        case _Vector(result=[]):
            raise NoNumber("it has no data.")
        case _Vector(result=[_]):
            raise NoNumber("it gives a histogram, and has to give one number.", mistake=True)
        case _Vector():
            raise NoNumber("it gives several series, and has to give one number: sum them, or name one.", mistake=True)
        case _Other(kind=kind):
            raise NoNumber(f"it gives a {kind}, and has to give one number.", mistake=True)
    raise ValueError("a success without data")
