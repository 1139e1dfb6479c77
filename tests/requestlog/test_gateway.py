"""The whole way: a client, the gateway's own Envoy, the logger, the bucket."""

from __future__ import annotations

import base64

import grpc

from tests.dataplane.gateway.holding import INFER, pods
from tests.dataplane.gateway.requests import http, infer, stub_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.tables import model, shares, table
from tests.ports import HOST, free_ports
from tests.requestlog.conftest import Stored
from tests.requestlog.pod import Pod, request
from tests.sync.s3 import S3
from tritium.gateway.table import Endpoint, Log

ALL = Log("log", 1_000_000, request=True, response=True)


async def test_from_the_client_to_the_bucket(server: S3, pod: Pod, prefix: str, stored: Stored) -> None:
    pod.start(request(server, prefix))
    await pod.ready()
    [port] = free_ports(1)
    log = Endpoint(HOST, pod.http, pod.grpc)
    async with (
        pods() as served,
        Gateway(table(model(port, *shares(10_000), log=ALL), one=served, log=log)),
        http(port) as client,
        stub_of(port) as stub,
    ):
        await client.post(INFER, content=b'{"id":"of-http"}', headers={"authorization": "Bearer a"})
        await client.post(INFER, content=b'{"id":"%s"}' % (b"x" * 2**21))
        asked = infer("adder", A=[[1, 1]], B=[[2, 2]])
        assert await stub.ModelInfer(asked).code() is grpc.StatusCode.OK
    assert await pod.terminated() == 0
    [lines] = stored(server, f"{prefix}/team/fraud").values()
    plain, large, by_grpc = sorted(lines, key=lambda each: each["time"])
    assert all(each["complete"] and each["revision"] == 1 for each in lines)
    assert plain["request"]["body"] == {"id": "of-http"}
    assert base64.b64decode(plain["response"]["raw"]) == b"16"
    # Of what says that it is that large the body is not sent, and the answer is.
    assert large["request"] == {"bytes": 2**21 + 9, "truncated": True}
    assert base64.b64decode(large["response"]["raw"]) == str(2**21 + 9).encode()
    assert [each["data"] for each in by_grpc["request"]["body"]["inputs"]] == [[1, 1], [2, 2]]
    assert (by_grpc["grpc_status"], by_grpc["response"]["truncated"]) == (0, False)
