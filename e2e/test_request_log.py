"""The request log of a real Triton: what clients sent and got is in the bucket, and without keys nobody is hurt."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import httpx
import numpy as np
import obstore
import tritonclient.grpc

from e2e import serving
from e2e.kubectl import Kubectl
from e2e.waiting import await_status, condition

NAME = "adder"
TIMES = 5
"""Requests in each way that there is to send one."""
PLAIN = {
    "id": "plain",
    "inputs": [
        {"name": name, "shape": [1, 2], "datatype": "FP32", "data": row} for name, row in (("A", [1, 2]), ("B", [3, 4]))
    ],
}
LOGGING: dict[str, Any] = {"uri": "s3://models/logs", "sampleRate": 1}


def ask(namespace: Kubectl) -> None:
    """In each way: JSON, binary tensors, gRPC; and what is no inference, and is not logged."""
    # One forward each: both ports of the Service lead to the same one of the gateway.
    target = f"service/{NAME}"
    with namespace.forward(target, 8000) as (http,), namespace.forward(target, 8001) as (grpc,):
        asked = tritonclient.grpc.InferenceServerClient(grpc)
        tensors = [tritonclient.grpc.InferInput(name, [1, 2], "FP32") for name in ("A", "B")]
        for tensor, row in zip(tensors, ([1, 2], [3, 4]), strict=True):
            tensor.set_data_from_numpy(np.array([row], dtype=np.float32))
        for _ in range(TIMES):
            assert httpx.post(f"http://{http}/v2/models/adder/infer", json=PLAIN).status_code == httpx.codes.OK
            assert httpx.get(f"http://{http}/v2/models/adder/ready").status_code == httpx.codes.OK
            assert asked.infer("adder", tensors).as_numpy("SUM").tolist() == [[4.0, 6.0]]
        asked.close()
    for _ in range(TIMES):
        assert serving.answer(namespace, NAME) == [[4.0, 6.0]]


def written(namespace: Kubectl) -> list[dict[str, Any]]:
    """All records in the bucket."""
    with serving.bucket(namespace) as store:
        listed = [each["path"] for page in obstore.list(store, f"logs/{namespace.namespace}/{NAME}") for each in page]
        found = [each for each in listed if each.endswith(".jsonl.gz")]
        files = [gzip.decompress(bytes(obstore.get(store, path).bytes())) for path in found]
    return [json.loads(line) for file in files for line in file.splitlines()]


def test_what_clients_send_and_get_is_in_the_bucket(shared: Kubectl) -> None:
    serving.start_store(shared)
    serving.put_model(shared, "adder", "adder/1")
    shared.apply(serving.small(shared, NAME, "adder/1", logging=LOGGING))
    status = await_status(shared, NAME, lambda each: condition(each, "RequestsLogged")["status"] == "True", 180)
    assert condition(status, "RequestsLogged")["message"] == "all of the requests goes to s3://models/logs"
    await_status(shared, NAME, serving.serves(1))
    ask(shared)
    # What it has is written when it ends, as it is when the log is asked for no more.
    shared.apply(serving.small(shared, NAME, "adder/1"))
    until = time.monotonic() + 90
    while shared.items("pods", "app.kubernetes.io/component=log"):
        assert time.monotonic() < until, "the logger does not end"
        time.sleep(0.5)
    records = written(shared)
    for each in records:
        print(json.dumps(each))
    assert len(records) == 3 * TIMES
    assert {(each["namespace"], each["name"], each["revision"]) for each in records} == {(shared.namespace, NAME, 1)}
    assert sorted(each["protocol"] for each in records) == ["grpc"] * TIMES + ["http"] * 2 * TIMES
    for each in records:
        inputs = {one["name"]: np.ravel(one["data"]).tolist() for one in each["request"]["body"]["inputs"]}
        [total] = each["response"]["body"]["outputs"]
        assert inputs == {"A": [1, 2], "B": [3, 4]}
        assert (total["name"], np.ravel(total["data"]).tolist()) == ("SUM", [4, 6])
        assert (each["http_status"], each["complete"]) == (200, True)


def test_keys_that_may_not_write_are_told_and_hurt_nobody(shared: Kubectl) -> None:
    shared.apply(serving.keys("wrong", "nobody", "nothing"))
    endpoint = f"http://s3.{shared.namespace}.svc:7070"
    shared(
        "patch",
        "secret",
        "wrong",
        "-p",
        json.dumps({"stringData": {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1"}}),
    )
    shared.apply(serving.small(shared, NAME, "adder/1", logging=LOGGING | {"secretRef": {"name": "wrong"}}))
    status = await_status(shared, NAME, lambda each: condition(each, "RequestsLogged")["reason"] == "AccessDenied", 120)
    assert "s3://models/logs" in condition(status, "RequestsLogged")["message"]
    assert (condition(status, "Ready")["status"], condition(status, "Released")["status"]) == ("True", "True")
    began = time.monotonic()
    for _ in range(TIMES):
        assert serving.answer(shared, NAME) == [[4.0, 6.0]]
    assert time.monotonic() - began < 60
