"""Where a source may lead: what is closed stays untouched, whichever way somebody tries to get there."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from pathlib import Path

import aiohttp
import obstore
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from obstore.store import HTTPStore

from tests.ports import HOST, free_ports
from tests.sync.places import ALLOWED, CLOSED, JUST_ONE, proxy, site
from tests.sync.pod import Pod, request
from tests.sync.s3 import KEY, S3, SECRET
from tritium.api.fetch import FetchReason, FetchRequest
from tritium.sync import guard as guard_module
from tritium.sync import server as asking
from tritium.sync.addresses import Policy, plain
from tritium.sync.credentials import Credentials
from tritium.sync.errors import Failed
from tritium.sync.explain import Place
from tritium.sync.guard import Forbidden, Guard

NOWHERE_GOOD = (
    *("169.254.169.254", "[fd00:ec2::254]", "168.63.129.16", "127.0.0.1", "[::1]", "localhost", "[::]"),
    *("224.0.0.1", "[ff02::1]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "[fc00::1]", "[fe80::1]"),
    *("[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
    *("0", "2130706433", "0177.0.0.1", "0x7f000001", "127.1", "255.255.255.255", "192.0.2.1"),
)
"""Hosts that nobody allowed, in all notations that a URL may have."""


@pytest.fixture(autouse=True, scope="module")
def model(server: S3) -> None:
    server.put("guarded/1/model.onnx", b"weights")


def asked(scheme: str, host: str, port: int) -> FetchRequest:
    """For a model of a store at that host, or for a file of a web server there."""
    if scheme == "https":
        return request("", f"https://{host}:{port}/model.onnx", options={}, credentials=False, allowedNetworks=None)
    options = {"endpoint": f"http://{host}:{port}", "allowHttp": "true", "anonymous": "true"}
    options |= {"accountName": "models"} if scheme == "az" else {}
    return request("", f"{scheme}://models/guarded", options=options, credentials=False, allowedNetworks=None)


def web_server(address: str, guard: Guard) -> tuple[HTTPStore, Place]:
    """A web server without TLS, which is no source, but is read as one."""
    place = Place(f"{address}/model.onnx", address, Credentials(), guard)
    return HTTPStore(address, client_options=asking.client({"allowHttp": "true"}, place)), place


@pytest.mark.parametrize("scheme", ["s3", "gs", "az", "https"])
async def test_what_nobody_allowed_is_refused(tmp_path: Path, scheme: str) -> None:
    with socket.create_server((HOST, 0)) as reached:
        reached.setblocking(False)
        port = reached.getsockname()[1]
        answers = await asyncio.gather(
            *(
                Pod(tmp_path / str(number)).refuses("resolve", asked(scheme, host, port))
                for number, host in enumerate(NOWHERE_GOOD)
            )
        )
        with pytest.raises(BlockingIOError):
            reached.accept()
    for host, (reason, message) in zip(NOWHERE_GOOD, answers, strict=True):
        assert reason == FetchReason.ADDRESS_FORBIDDEN, (host, message)
        assert "to sources.allowedNetworks of the chart" in message


async def test_the_message_says_what_to_allow(server: S3, pod: Pod) -> None:
    reason, message = await pod.refuses("resolve", request(server, "guarded", allowedNetworks=["10.0.0.0/8"]))
    assert reason == FetchReason.ADDRESS_FORBIDDEN
    assert message == (
        f"s3://models/guarded at {server.endpoint}: it leads to 127.0.0.1 (loopback), and this installation lets no "
        "source connect there. If it should, its administrator adds 127.0.0.1/32, or the network around it, to "
        "sources.allowedNetworks of the chart"
    )


async def test_what_the_administrator_refuses_stays_closed(server: S3, pod: Pod) -> None:
    wanted = request(server, "guarded", refusedNetworks=["127.0.0.0/30"])
    reason, message = await pod.refuses("resolve", wanted)
    assert reason == FetchReason.ADDRESS_FORBIDDEN
    assert "takes it out of sources.refusedNetworks" in message


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433"])
@pytest.mark.parametrize("allowed", [JUST_ONE, ["0.0.0.0/0", "::/0"]])
async def test_what_is_allowed_is_fetched(server: S3, pod: Pod, host: str, allowed: list[str]) -> None:
    wanted = request(f"http://{host}:{server.port}", "guarded", allowedNetworks=allowed)
    await pod.resolve_and_fetch(wanted)
    assert pod.model() == {"1/model.onnx": b"weights"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["from an address", "from a name"])
@pytest.mark.parametrize("to", [CLOSED, "127.2", "[::ffff:127.0.0.2]"])
async def test_a_redirection_leads_no_further(pod: Pod, host: str, to: str) -> None:
    async with site(CLOSED) as closed:
        port = closed.address.rpartition(":")[2]
        async with site(ALLOWED, redirect=f"http://{to}:{port}") as sender:
            endpoint = sender.address.replace(ALLOWED, host)
            wanted = request(endpoint, "guarded/1/model.onnx", allowedNetworks=JUST_ONE)
            reason, message = await pod.refuses("resolve", wanted)
            assert sender.asked
        assert closed.asked == []
    assert reason == FetchReason.ADDRESS_FORBIDDEN
    assert (
        f"it leads to {to.strip('[]')}" in message or "it leads to 127.0.0.2" in message or "::ffff:7f00:2" in message
    )


async def test_a_redirection_to_what_is_open_is_followed() -> None:
    async with site(CLOSED) as there, site(ALLOWED, redirect=there.address) as sender:
        with Guard(Policy.of(["127.0.0.0/30"])) as guard:
            store, _ = web_server(sender.address, guard)
            await obstore.head_async(store, "model.onnx")
        assert there.asked == ["/model.onnx"]


async def test_a_name_that_comes_to_mean_something_else() -> None:
    answers = itertools.chain([[ALLOWED]], itertools.repeat([CLOSED]))
    async with site(CLOSED) as closed:
        port = int(closed.address.rpartition(":")[2])
        with Guard(Policy.of(JUST_ONE), lambda *_: next(answers)) as guard:
            with pytest.raises(ConnectionRefusedError):
                guard.connect("rebound.test", port)
            with pytest.raises(Forbidden, match=r"rebound\.test"):
                guard.connect("rebound.test", port)
            store, place = web_server(f"http://rebound.test:{port}", guard)
            with pytest.raises(Failed) as caught, asking.explained(place):
                await obstore.head_async(store, "model.onnx")
        assert closed.asked == []
    assert caught.value.reason == FetchReason.ADDRESS_FORBIDDEN
    assert "rebound.test, which is 127.0.0.2 (loopback)" in caught.value.message


async def test_of_several_addresses_only_an_open_one_is_used() -> None:
    async with site(ALLOWED) as opened:
        port = int(opened.address.rpartition(":")[2])
        guard = Guard(Policy.of(JUST_ONE), lambda *_: [CLOSED, ALLOWED])
        with guard.connect("both.test", port) as connection:
            assert connection.getpeername() == (ALLOWED, port)


async def test_the_environment_of_the_pod_opens_nothing(server: S3, pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"NO_PROXY": "*", "HTTP_PROXY": server.endpoint, "ALL_PROXY": server.endpoint}.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.lower(), value)
    for host in ("127.0.0.1", "localhost"):
        wanted = request(f"http://{host}:{server.port}", "guarded", allowedNetworks=None)
        assert (await pod.refuses("resolve", wanted))[0] == FetchReason.ADDRESS_FORBIDDEN


async def test_through_a_proxy_of_the_users(server: S3, pod: Pod) -> None:
    async with proxy(ALLOWED) as company:
        options = {"endpoint": server.endpoint, "allowHttp": "true", "proxyUrl": company.address}
        await pod.resolve_and_fetch(request(server, "guarded", options=options, allowedNetworks=JUST_ONE))
        assert any(each.startswith(f"GET {server.endpoint}/models") for each in company.asked)
    assert pod.model() == {"1/model.onnx": b"weights"}


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_must_be_open_as_well(server: S3, pod: Pod, scheme: str) -> None:
    async with proxy(CLOSED) as company:
        options = {"endpoint": server.endpoint, "allowHttp": "true", "proxyUrl": f"{scheme}{company.address[4:]}"}
        wanted = request(server, "guarded", options=options, allowedNetworks=JUST_ONE)
        reason, message = await pod.refuses("resolve", wanted)
        assert company.asked == []
    assert reason == FetchReason.ADDRESS_FORBIDDEN
    assert "it leads to 127.0.0.2 (loopback)" in message


async def test_the_cloud_is_asked_for_the_identity_and_for_nothing_else(
    server: S3, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The metadata server of AWS, as the client knows it, on an address that the policy does not allow."""
    paths: list[str] = []

    async def answer(asked: web.Request) -> web.Response:
        paths.append(f"{asked.method} {asked.path}")
        keys = {"AccessKeyId": KEY, "SecretAccessKey": SECRET, "Token": "", "Expiration": "2099-01-01T00:00:00Z"}
        if asked.path == "/latest/api/token":
            return web.Response(text="token")
        if asked.headers.get("X-aws-ec2-metadata-token") != "token":
            return web.Response(status=401)
        return web.Response(text="role") if asked.path.endswith("/") else web.json_response(keys | {"Code": "Success"})

    monkeypatch.setattr(guard_module, "METADATA", frozenset({plain(CLOSED)}))
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    metadata = TestServer(application, host=CLOSED)
    await metadata.start_server()
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://{CLOSED}:{metadata.port}")
    # A token that means nothing, and a server that refuses any: that it came as far shows that the keys were there.
    wanted = request(server, "guarded", credentials=False, allowedNetworks=JUST_ONE)
    found = await pod.resolve(wanted)
    assert found.files == 1
    before = list(paths)
    assert before == [
        "PUT /latest/api/token",
        "GET /latest/meta-data/iam/security-credentials/",
        "GET /latest/meta-data/iam/security-credentials/role",
    ]
    options = {"endpoint": f"http://{CLOSED}:{metadata.port}", "allowHttp": "true", "anonymous": "true"}
    for path in ("s3://latest/meta-data/iam/security-credentials/role", "s3://latest/api/token"):
        leading = request("", path, options=options, credentials=False, allowedNetworks=JUST_ONE)
        assert (await pod.refuses("resolve", leading))[0] == FetchReason.ADDRESS_FORBIDDEN
    assert paths == before
    await metadata.close()


@pytest.mark.parametrize(
    ("scheme", "path"),
    [
        ("s3", "/latest/api/token"),
        ("gs", "/computeMetadata/v1/instance/service-accounts/default/token"),
        ("az", "/metadata/identity/oauth2/token"),
    ],
)
async def test_each_cloud_is_asked_in_its_own_way(
    server: S3, pod: Pod, monkeypatch: pytest.MonkeyPatch, scheme: str, path: str
) -> None:
    monkeypatch.setattr(guard_module, "METADATA", frozenset({plain(CLOSED)}))
    async with site(CLOSED) as metadata:
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", metadata.address)
        monkeypatch.setenv("GCE_METADATA_HOST", metadata.address.removeprefix("http://"))
        monkeypatch.setenv("GCE_METADATA_IP", metadata.address.removeprefix("http://"))
        monkeypatch.setenv("AZURE_MSI_ENDPOINT", f"{metadata.address}{path}")
        options = {"endpoint": server.endpoint, "allowHttp": "true"} | (
            {"accountName": "models"} if scheme == "az" else {}
        )
        wanted = request("", f"{scheme}://models/guarded", options=options, credentials=False, allowedNetworks=JUST_ONE)
        await pod.refuses("resolve", wanted)  # it answers with something else than an identity
        assert path in metadata.asked


@pytest.mark.parametrize("host", [CLOSED, "localhost"])
async def test_a_client_of_aiohttp_is_held_to_it(host: str) -> None:
    async with site(CLOSED) as closed:
        port = closed.address.rpartition(":")[2]
        async with site(ALLOWED, redirect=f"http://{host}:{port}") as sender:
            allowed = ["127.0.0.1/32"] if host != "localhost" else ["127.0.0.3/32"]
            guard = Guard(Policy.of(allowed))
            async with aiohttp.ClientSession(connector=guard.connector()) as session:
                for address in (f"http://{host}:{port}/x", f"{sender.address}/x"):
                    with pytest.raises(aiohttp.ClientConnectorError):
                        await session.get(address)
                    refused = guard.refusal("mlflow")
                    assert refused
                    assert refused.reason == FetchReason.ADDRESS_FORBIDDEN
        assert closed.asked == []


async def test_what_cannot_be_reached_behind_the_guard_is_told_as_before(pod: Pod) -> None:
    places = {
        f"http://localhost:{free_ports(1)[0]}": "Connection refused",
        "http://nowhere.invalid": "its name cannot be resolved (Name or service not known)",
        "https://nowhere.invalid": "its name cannot be resolved (Name or service not known)",
    }
    for endpoint, said in places.items():
        reason, message = await pod.refuses(
            "resolve", request(endpoint, "guarded", allowedNetworks=["127.0.0.0/8", "::1/128"])
        )
        assert reason == FetchReason.SOURCE_UNREACHABLE
        assert said in message


async def test_large_files_pass_the_relay_whole(server: S3, pod: Pod) -> None:
    content = os.urandom(40 << 20)
    server.put("guarded-large/1/model.onnx", content)
    wanted = request(f"http://localhost:{server.port}", "guarded-large", allowedNetworks=JUST_ONE)
    await pod.resolve_and_fetch(wanted)
    assert pod.model()["1/model.onnx"] == content
