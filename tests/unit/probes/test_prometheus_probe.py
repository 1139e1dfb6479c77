"""Asking Prometheus: what comes of each way in which it can fail to give one number.

The servers are real, and what they answer was written down from a Prometheus; `tests/dataplane/test_prometheus.py` asks
one.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from tests.ports import free_ports
from tests.sync.tls import authority
from tritium.probes import prometheus
from tritium.probes.prometheus import NoNumber, PrometheusProbe, number

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

AT = 1764432000.123
OPERATOR = Path(__file__).parents[3] / "operator"
ASKS = """
import asyncio, sys
from tritium.probes.prometheus import NoNumber, PrometheusProbe
async def ask():
    async with PrometheusProbe(sys.argv[1]) as probe:
        try:
            print(await probe.ask("up"))
        except NoNumber as error:
            print(error)
asyncio.run(ask())
"""


@asynccontextmanager
async def answering(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The address of something that answers."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        port = free_ports(1)[0]
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        yield f"{'https' if context else 'http'}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def success(kind: str, result: Any, **others: Any) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}, **others}).encode()


def one(value: str, **others: Any) -> bytes:
    return success("vector", [{"metric": {"a": "b"}, "value": [AT, value]}], **others)


def refused(kind: str, words: str) -> bytes:
    return json.dumps({"status": "error", "errorType": kind, "error": words}).encode()


@pytest.mark.parametrize("path", ["", "/", "/prom", "/prom/"])
async def test_it_asks_the_api_below_the_address_with_a_bound_on_what_may_be_answered(path: str) -> None:
    asked: list[tuple[str, str, dict[str, Any]]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.method, request.path, dict(await request.post())))
        return web.Response(body=one("0.25"))

    async with answering(answer) as address, PrometheusProbe(address + path) as probe:
        assert await probe.ask('up{a="ü&+%"}') == 0.25
    form = {"query": 'up{a="ü&+%"}', "timeout": "5s", "limit": "2"}
    assert asked == [("POST", f"{path.rstrip('/')}/api/v1/query", form)]


async def test_it_goes_nowhere_else_and_takes_nothing_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by a redirection nor by a proxy, and without what an earlier answer gave it to keep."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    elsewhere: list[str] = []
    heads: list[dict[str, str]] = []

    async def other(request: web.Request) -> web.Response:
        elsewhere.append(request.path)
        return web.Response(body=one("1"))

    async with answering(other) as target:

        async def leads_there(request: web.Request) -> web.Response:
            heads.append(dict(request.headers))
            return web.Response(status=307, headers={"Location": f"{target}/api/v1/query", "Set-Cookie": "a=b"})

        async with answering(leads_there) as address, PrometheusProbe(address) as probe:
            for _ in range(2):
                with pytest.raises(NoNumber, match=r"leads elsewhere \(HTTP status 307\)") as found:
                    await probe.ask("up")
                assert found.value.silent
    assert elsewhere == []
    assert all(not {"Cookie", "Authorization"} & head.keys() for head in heads)


async def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "DEADLINE", 0.1)

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"{")
        await asyncio.Event().wait()
        raise AssertionError

    async with answering(answer) as address, PrometheusProbe(address) as probe:
        with pytest.raises(NoNumber, match=r"does not answer within 0\.1 s") as found:
            await probe.ask("up")
    assert found.value.silent


async def test_too_much_is_no_answer() -> None:
    """It is not kept in memory to the end either: the first byte too many ends it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        end = asyncio.get_running_loop().time() + 5
        while asyncio.get_running_loop().time() < end:
            await response.write(b"x" * 2**16)
        return response

    async with answering(answer) as address, PrometheusProbe(address) as probe:
        with pytest.raises(NoNumber, match="more than 262144 bytes") as found:
            await probe.ask("up")
    assert found.value.mistake


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://no-such-host.invalid", "http://[fe80::1", "nothing"])
async def test_nobody_there_is_no_answer(address: str) -> None:
    async with PrometheusProbe(address) as probe:
        with pytest.raises(NoNumber, match=r"^Prometheus cannot be reached: .*\.$") as found:
            await probe.ask("up")
    assert (found.value.silent, found.value.mistake) == (True, False)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (one("0"), 0.0),
        (one("-1.5e-07"), -1.5e-07),
        (success("scalar", [AT, "42"]), 42.0),
        (one("3", infos=["PromQL info: metric might not be a counter, name does not end in _total"]), 3.0),
        (one("3", warnings=["PromQL info: metric might not be a counter, name does not end in _total"]), 3.0),
        (one("3", stats={"samples": {"totalQueryableSamples": 2}}, unknown=1), 3.0),
    ],
)
def test_a_number(body: bytes, value: float) -> None:
    assert number(200, body) == value


PARSE_ERROR = 'invalid parameter "query": 1:4: parse error: unexpected end of input inside braces'
HISTOGRAM = {"metric": {}, "histogram": [AT, {"count": "2", "sum": "3", "buckets": [[0, "1", "2", "2"]]}]}


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, success("vector", [{"metric": {}, "value": [AT, "1"]}] * 2), "it gives several series, and has to give"),
        (200, success("vector", [HISTOGRAM]), "it gives a histogram, and has to give one number."),
        (200, success("matrix", [{"metric": {}, "values": [[AT, "1"]]}]), "it gives a matrix, and has to give one"),
        (200, success("string", [AT, "x"]), "it gives a string, and has to give one number."),
        (
            400,
            refused("bad_data", PARSE_ERROR),
            f"Prometheus cannot read it: {PARSE_ERROR}.",
        ),
    ],
)
def test_a_mistake_in_the_query(status: int, body: bytes, says: str) -> None:
    with pytest.raises(NoNumber) as found:
        number(status, body)
    assert str(found.value).startswith(says)
    assert (found.value.mistake, found.value.silent) == (True, False)


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, success("vector", []), "it has no data."),
        (200, one("NaN"), "it is NaN, as of a division of nothing by nothing."),
        (200, one("+Inf"), "it is infinite, as of a division by nothing."),
        (200, success("scalar", [AT, "-Inf"]), "it is infinite, as of a division by nothing."),
        (
            200,
            one("1", warnings=["PromQL warning: bucket label"]),
            "Prometheus warns that the result may be wrong: Prom",
        ),
        (422, refused("execution", "found duplicate series"), "Prometheus says: found duplicate series."),
        (503, refused("timeout", "query timed out in expression evaluation"), "Prometheus says: query timed out in"),
        (500, refused("internal", ""), "Prometheus says: HTTP status 500."),
    ],
)
def test_no_number_is_no_mistake_yet(status: int, body: bytes, says: str) -> None:
    with pytest.raises(NoNumber) as found:
        number(status, body)
    assert str(found.value).startswith(says)
    assert (found.value.mistake, found.value.silent) == (False, False)


@pytest.mark.parametrize("status", [200, 401, 403, 404, 502])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"\xff",
        b'{"status":"success"}',
        b'{"status":"fine"}',
        one("one"),
        b"[" * 100_000,
    ],
)
def test_what_is_not_prometheus_is_said_without_its_words(status: int, body: bytes) -> None:
    with pytest.raises(NoNumber, match=rf"is not Prometheus \(HTTP status {status}\)") as found:
        number(status, body)
    assert found.value.silent
    assert ("credentials" in str(found.value)) == (status in {401, 403})


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_certificate_has_to_be_one_that_the_system_trusts(tmp_path: Path, *, trusted: bool) -> None:
    """The operator reads what the system trusts once, when it starts: so one is started."""
    made = authority(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=one("0.25"))

    environment = {**os.environ, **({"SSL_CERT_FILE": str(made.ca)} if trusted else {}), "PYTHONPATH": str(OPERATOR)}
    async with answering(answer, context) as address:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", ASKS, address), env=environment, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await asyncio.wait_for(process.communicate(), 60)
    if trusted:
        assert said == b"0.25\n"
    else:
        assert said.startswith(b"Prometheus cannot be reached: ")
        assert b"certificate verify failed" in said
