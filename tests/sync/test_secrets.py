"""No value of a Secret is in what fetch says, even where a server answers with all that it was sent."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from tests.ports import HOST
from tests.sync.google import account, private_key
from tests.sync.pod import Pod, request
from tritium.api.fetch import FetchReason
from tritium.sync.discretion import STARS, DiscreetFormatter, Discretion

KEYS = {
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": 'FwoGZXIvYXdzEBYaD/2+a==and<more>&"quoted"',
    "AZURE_STORAGE_ACCOUNT_KEY": base64.b64encode(b"a-key-of-azure-that-nobody-may-see-0123456789").decode(),
    "SOME_PASSWORD": "of something else, which is not looked at",
}
SIGNATURE = "c2lnbmF0dXJlL3dpdGgrc2lnbnM9PQ=="
SAS = f"sv=2024-11-04&sp=rl&se=2099-01-01T00:00:00Z&sig={quote(SIGNATURE, safe='')}"


@pytest.fixture(scope="module")
def google_key(tmp_path_factory: pytest.TempPathFactory) -> str:
    return account(private_key(tmp_path_factory.mktemp("google"), "key"))


@dataclass
class Parrot:
    """A server that refuses, and gives as its reason what it was asked with.

    Attributes:
        says: the name of a header, or `headers` for all of them, or `path`.
    """

    says: str = "path"
    endpoint: str = ""


@pytest.fixture
async def parrot() -> AsyncIterator[Parrot]:
    found = Parrot()

    async def answer(asked: web.Request) -> web.Response:
        what = found.says
        said = str(dict(asked.headers)) if what == "headers" else asked.headers.get(what, asked.path_qs)
        body = f"<Error><Code>Internal</Code><Message>{escape(said)}</Message></Error>"
        return web.Response(status=400, text=body, content_type="application/xml")

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    server = TestServer(application, host=HOST)
    await server.start_server()
    found.endpoint = f"http://{HOST}:{server.port}"
    yield found
    await server.close()


def shown(secret: str) -> set[str]:
    """How it could be shown."""
    pieces = {secret, *(line for line in secret.splitlines() if len(line) > 16 and "-----" not in line)}
    forms: list[Callable[[str], str]] = [str, lambda each: quote(each, safe=""), lambda each: json.dumps(each)[1:-1]]
    return {form(each) for each in pieces for form in forms}


@pytest.mark.parametrize("said", ["headers", "path", "X-Amz-Security-Token", "Authorization"])
@pytest.mark.parametrize("scheme", ["s3", "gs", "az", "az with a token"])
async def test_a_server_that_says_what_it_was_sent(
    parrot: Parrot, pod: Pod, google_key: str, scheme: str, said: str
) -> None:
    parrot.says = said
    secrets = KEYS | {"GOOGLE_APPLICATION_CREDENTIALS": google_key}
    if scheme == "az with a token":
        secrets["AZURE_STORAGE_SAS_TOKEN"] = SAS
    pod.secret = secrets | {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}
    options = {"endpoint": parrot.endpoint, "allowHttp": "true"}
    options |= {"accountName": "models"} if scheme.startswith("az") else {}
    process = pod.start("resolve", request("", f"{scheme[:2]}://models/fraud", options=options))
    output, _ = await asyncio.to_thread(process.communicate)
    failure = pod.result().failure
    assert failure, output
    assert failure.reason == FetchReason.SOURCE_UNREACHABLE
    assert "400 Internal: " in failure.message, "the server is quoted"
    answer = pod.mounts.termination.read_text()
    for key, secret in secrets.items():
        for form in shown(secret) | ({SIGNATURE, quote(SIGNATURE, safe="")} if "SAS" in key else set()):
            assert form not in output, key
            assert form not in answer, key
    tokens = [each for each in (output + answer).split() if each.startswith("eyJ")]
    assert tokens == [], "a token that is made of the key opens as much as the key"


@pytest.mark.parametrize(
    "endpoint", ["https://user:pass-word@s3.test", "https://s3.test/?token=pass-word", "pass-word"]
)
async def test_an_endpoint_in_the_secret_is_no_more_than_an_address(pod: Pod, endpoint: str) -> None:
    pod.secret["AWS_ENDPOINT_URL"] = endpoint
    reason, message = await pod.refuses("resolve", request("", "s3://models/fraud", options={}))
    assert reason == FetchReason.CREDENTIALS_MISSING
    assert "AWS_ENDPOINT_URL in Secret s3-keys must be an address" in message
    assert "pass-word" not in message


@pytest.mark.parametrize(
    "key", ["AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_SAS_TOKEN", "GOOGLE_SERVICE_ACCOUNT_KEY", "MORE"]
)
@given(secret=st.text(st.characters(exclude_characters="*", codec="utf-8"), min_size=6).map(str.strip))
def test_a_secret_is_hidden_however_it_is_written(key: str, secret: str) -> None:
    if len(secret) < 6:
        return
    hidden = Discretion({key: secret})
    for form in (
        secret,
        quote(secret),
        quote_plus(secret),
        base64.b64encode(secret.encode()).decode(),
        repr(secret)[1:-1],
    ):
        said = hidden(f"before {form} after")
        assert secret not in said
        assert form not in said
        assert STARS in said


def test_a_traceback_has_none() -> None:
    error = ValueError("GET http://a/?sig=abcdef pass-word, Bearer eyJhbGciOiJSUzI1NiJ9.e30.x")
    record = logging.LogRecord("a", logging.ERROR, "a", 1, "user:%s", ("pass-word",), (ValueError, error, None))
    text = DiscreetFormatter(Discretion({"PASSWORD": "pass-word"})).format(record)
    assert text == "user:***\nValueError: GET http://a/?sig=*** ***, Bearer ***"


def test_what_is_no_secret_stays_readable() -> None:
    values = {"AWS_ACCESS_KEY_ID": "minioadmin", "AWS_REGION": "eu-central-1", "AZURE_STORAGE_ACCOUNT_NAME": "models"}
    text = "s3://models in eu-central-1 as minioadmin: basic settings, a bearer token is missing, signature is wrong"
    assert Discretion(values)(text) == text
