"""A line of the log, from what Envoy tells."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from tritonclient.grpc import service_pb2

from tests.unit.requestlog.telling import GRPC, INFER, Told
from tritium.requestlog.exchange import Exchange, Side
from tritium.requestlog.record import Model, line
from tritium.sync.discretion import STARS, Discretion

BEGAN = 1_796_038_800.25
INPUT = {"name": "x", "datatype": "INT32", "shape": [1], "data": [7]}
ASKED = json.dumps({"id": "mine", "inputs": [INPUT]}).encode()
ANSWERED = json.dumps({"outputs": [INPUT]}).encode()


def logged(told: Told, limit: int | None = 65_536, discretion: Discretion | None = None, upto: int = 99) -> Any:
    """The line of an exchange of which the first messages came."""
    exchange = Exchange(BEGAN, Side(limit, told.bodies), Side(limit, told.bodies))
    for message in list(told.messages())[:upto]:
        assert not exchange.ended
        exchange.take(message)
    found = "".join(line(exchange, Model("team", "fraud"), 0.0123, discretion))
    assert "\n" not in found
    return json.loads(found)


def test_all_of_a_line() -> None:
    told = Told(ASKED, ANSWERED, answered={"tritium-revision": "7", "content-type": "application/json"})
    assert logged(told) == {
        "schema": "tritium.dev/request-log/v1",
        "time": "2026-11-30T11:40:00.250Z",
        "id": "mine",
        "namespace": "team",
        "name": "fraud",
        "revision": 7,
        "protocol": "http",
        "method": "POST",
        "path": "/v2/models/fraud/infer",
        "http_status": 200,
        "grpc_status": None,
        "duration_ms": 12.3,
        "complete": True,
        "request": {"bytes": len(ASKED), "truncated": False, "body": {"id": "mine", "inputs": [INPUT]}},
        "response": {"bytes": len(ANSWERED), "truncated": False, "body": {"outputs": [INPUT]}},
    }


def test_a_call_of_grpc() -> None:
    request = service_pb2.ModelInferRequest(model_name="fraud", id="mine")
    request.inputs.add(name="x", datatype="INT32", shape=[1]).contents.int_contents.append(7)
    told = Told.grpc(request.SerializeToString(), service_pb2.ModelInferResponse(id="mine").SerializeToString())
    found = logged(told)
    assert (found["protocol"], found["http_status"], found["grpc_status"], found["id"]) == ("grpc", 200, 0, "mine")
    assert found["request"]["body"]["inputs"] == [INPUT]
    assert found["complete"]


def test_a_call_of_grpc_that_failed_at_once_has_its_status_in_the_headers() -> None:
    told = Told(b"", b"", INFER, dict(GRPC), GRPC | {"grpc-status": "14"})
    assert logged(told)["grpc_status"] == 14


def test_the_id_that_the_gateway_gave_comes_first() -> None:
    assert logged(Told(ASKED, asked={"x-request-id": "theirs"}))["id"] == "theirs"
    assert logged(Told(b"{}"))["id"] is None


@pytest.mark.parametrize("limit", [0, 1, len(ASKED) - 1, len(ASKED)])
@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_a_body_is_kept_up_to_the_limit(limit: int, chunk: int) -> None:
    found = logged(Told(ASKED, b"", chunk=chunk), limit)["request"]
    assert found["bytes"] == len(ASKED)
    assert found["truncated"] is (limit < len(ASKED))
    assert base64.b64decode(found.get("raw", "")) == (ASKED[:limit] if limit < len(ASKED) else b"")
    assert found.get("raw_because") == ("truncated" if 0 < limit < len(ASKED) else None)


def test_a_body_that_nobody_wants_is_counted_only() -> None:
    assert logged(Told(ASKED, b""), None)["request"] == {"bytes": len(ASKED), "truncated": False}


def test_a_body_that_is_not_sent_is_as_long_as_its_header_says() -> None:
    told = Told(ASKED, ANSWERED, asked={"content-length": "99"}, bodies=False)
    found = logged(told)
    assert found["complete"]
    assert found["request"] == {"bytes": 99, "truncated": True}
    assert found["response"] == {"bytes": None, "truncated": True}


def test_without_bodies_a_call_of_grpc_ends_with_its_status() -> None:
    told = Told.grpc(b"", b"", status=5)
    told.bodies = False
    found = logged(told)
    assert (found["grpc_status"], found["complete"], found["response"]["truncated"]) == (5, True, True)


def test_a_call_of_grpc_that_failed_has_no_body_and_so_nothing_is_missing() -> None:
    told = Told.grpc(b"", b"", status=5)
    told.response = b""
    assert logged(told)["response"] == {"bytes": 0, "truncated": False}


def test_where_no_body_of_a_response_is_wanted_it_ends_with_its_headers() -> None:
    told = Told(ASKED, ANSWERED, answered={"content-length": "99"}, bodies=False)
    found = logged(told, None)
    assert (found["complete"], found["response"]) == (True, {"bytes": 99, "truncated": False})


@pytest.mark.parametrize(("upto", "status"), [(1, None), (2, None), (3, 200)])
def test_a_request_that_was_cut_off(upto: int, status: int | None) -> None:
    found = logged(Told(ASKED, ANSWERED), upto=upto)
    assert (found["complete"], found["http_status"]) == (False, status)


def test_headers_only_where_they_are_asked_for() -> None:
    told = Told(asked={"x-tenant": "shop"}, trailers={"x-took": "3"})
    assert "headers" not in logged(told)["request"]
    found = logged(told, discretion=Discretion({}))
    assert (found["request"]["headers"], found["response"]["headers"]) == ({"x-tenant": "shop"}, {"x-took": "3"})


def test_no_secret_of_a_header() -> None:
    secret = "wJalrXUtnFEMI"  # noqa: S105 - of a test
    names = ("authorization", "cookie", "proxy-authorization", "x-api-key", "x-amz-security-token", "my-password")
    seen = {"x-note": f"the key {secret}", "x-link": f"https://a/b?sig={secret}2", "x-said": f"Bearer {secret * 2}"}
    told = Told(asked=dict.fromkeys(names, "hidden-value") | seen, answered={"set-cookie": "hidden-value"})
    found = logged(told, discretion=Discretion({"AWS_SECRET_ACCESS_KEY": secret}))
    assert set(found["request"]["headers"]) == set(seen)
    assert STARS in found["request"]["headers"]["x-note"]
    assert secret not in json.dumps(found)
    assert "hidden-value" not in json.dumps(found)


def test_a_query_may_have_a_key_and_is_not_kept() -> None:
    assert logged(Told(path="/v2/models/fraud/infer?api_key=abc"))["path"] == "/v2/models/fraud/infer"
