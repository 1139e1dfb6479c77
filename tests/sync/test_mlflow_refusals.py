"""What an MLflow server, or the lack of one, makes of a request: a reason, what happened, and what to do."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.ports import HOST, free_ports
from tests.sync.azurite import ACCOUNT, CONTAINER, Azurite
from tests.sync.pod import Pod
from tests.sync.s3 import BUCKET, S3
from tests.sync.tracking import USER, Mlflow, saved
from tritium.api.fetch import FetchReason, FetchRequest

ONNX = saved("onnx")


async def test_what_is_not_there_is_named(mlflow: Mlflow, pod: Pod, prefix: str) -> None:
    version = mlflow.add(prefix, ONNX)
    for wanted, says in (
        (mlflow.wants("nobody", version=1, credentials=False), "there is no version 1 of a registered model nobody"),
        (
            mlflow.wants("nobody", alias="best", credentials=False),
            "there is no alias best of a registered model nobody",
        ),
        (mlflow.wants(prefix, version=version + 1, credentials=False), f"there is no version {version + 1} of"),
        (
            mlflow.wants(prefix, alias="best", credentials=False),
            f"there is no alias best of a registered model {prefix}",
        ),
    ):
        reason, message = await pod.refuses("resolve", wanted)
        assert reason is FetchReason.SOURCE_NOT_FOUND
        assert says in message


async def told_of(pod: Pod, used: FetchRequest, more: dict[str, str]) -> str:
    """What is said of settings beside those that are used; a revision that was made with them is still fetched."""
    found = await pod.resolve(used)
    beside = used.source.model_copy(update={"options": more | (used.source.options or {})})
    wanted = used.model_copy(update={"source": beside})
    reason, message = await pod.refuses("resolve", wanted)
    assert reason is FetchReason.OPTIONS_UNUSED
    await pod.fetch(wanted.model_copy(update={"fingerprint": found.fingerprint}))
    assert pod.model()["1/model.onnx"] == ONNX["model.onnx"]
    return message


async def test_settings_of_buckets_mean_nothing_to_the_server_itself(mlflow: Mlflow, pod: Pod, prefix: str) -> None:
    version = mlflow.add(prefix, ONNX)
    used = mlflow.wants(prefix, version=version, credentials=False)
    message = await told_of(pod, used, {"region": "x", "endpoint": "https://s3.example.com"})
    assert message == (
        f"models:/{prefix}/{version} at {mlflow.endpoint}: version {version} lies at mlflow-artifacts:, which does not "
        "use endpoint, region of model.source.options. Remove them there, or name a version that lies where they are "
        "used"
    )


async def test_settings_of_another_kind_of_bucket_mean_nothing(
    mlflow: Mlflow, server: S3, azurite: Azurite, pod: Pod, prefix: str
) -> None:
    server.put_all(prefix, ONNX)
    version = mlflow.register(prefix, f"s3://{BUCKET}/{prefix}")
    options = {"endpoint": server.endpoint, "allowHttp": "true", "region": "us-east-1"}
    used = mlflow.wants(prefix, version=version, options=options)
    assert "lies at s3:, which does not use accountName of" in await told_of(pod, used, {"accountName": ACCOUNT})
    azurite.put_all(prefix, ONNX)
    pod.secret = azurite.keys
    version = mlflow.register(prefix, f"wasbs://{CONTAINER}@{ACCOUNT}.blob.core.windows.net/{prefix}")
    options = {"endpoint": azurite.endpoint, "allowHttp": "true", "accountName": ACCOUNT}
    used = mlflow.wants(prefix, version=version, options=options)
    assert "lies at wasbs:, which does not use region of" in await told_of(pod, used, {"region": "x"})


async def test_a_version_without_files_is_told(mlflow: Mlflow, pod: Pod, prefix: str) -> None:
    place, run = mlflow.log(ONNX)
    version = mlflow.register(prefix, f"{place}/nothing", run)
    reason, message = await pod.refuses("resolve", mlflow.wants(prefix, version=version, credentials=False))
    assert reason is FetchReason.SOURCE_NOT_FOUND
    assert "the version is registered, but nothing lies at mlflow-artifacts:/" in message


async def test_a_name_that_the_server_does_not_know_for_its_own(guarded: Mlflow, pod: Pod, prefix: str) -> None:
    pod.secret = guarded.keys
    called = Mlflow(guarded.port, guarded.keys, "localhost")
    wanted = called.wants(prefix, version=1, allowedNetworks=["127.0.0.0/8", "::1/128"])
    reason, message = await pod.refuses("resolve", wanted)
    assert reason is FetchReason.ACCESS_DENIED
    assert f"start it with --allowed-hosts, or MLFLOW_SERVER_ALLOWED_HOSTS, and localhost:{guarded.port}" in message


@pytest.mark.parametrize(
    ("keys", "reason", "says"),
    [
        (
            {"MLFLOW_TRACKING_USERNAME": USER, "MLFLOW_TRACKING_PASSWORD": "wrong-one"},
            "AccessDenied",
            "Check the tracking",
        ),
        (
            {"MLFLOW_TRACKING_TOKEN": "wrong-one"},
            "AccessDenied",
            "Check the tracking server's keys in Secret mlflow-keys",
        ),
        ({"AWS_ACCESS_KEY_ID": "a"}, "AccessDenied", "Add MLFLOW_TRACKING_USERNAME"),
        ({"MLFLOW_TRACKING_USERNAME": USER}, "CredentialsMissing", "has no key MLFLOW_TRACKING_PASSWORD"),
        ({}, "SecretMissing", "Create it with the keys MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
    ],
)
async def test_keys_that_do_not_open_it(
    guarded: Mlflow, pod: Pod, keys: dict[str, str], reason: str, says: str
) -> None:
    pod.secret = keys
    found, message = await pod.refuses("resolve", guarded.wants("fraud", version=1))
    assert found.value == reason
    assert says in message


async def test_no_keys_at_all(guarded: Mlflow, pod: Pod) -> None:
    reason, message = await pod.refuses("resolve", guarded.wants("any", version=1, credentials=False))
    assert reason is FetchReason.ACCESS_DENIED
    assert "Name a Secret with MLFLOW_TRACKING_USERNAME" in message


async def test_a_place_that_pods_cannot_read(mlflow: Mlflow, pod: Pod, prefix: str) -> None:
    for place, shown in (
        ("dbfs:/models/fraud", "dbfs:/models/fraud"),
        ("hdfs://user:secret@name-node/models", "hdfs://name-node/models"),
    ):
        version = mlflow.register(prefix, place)
        reason, message = await pod.refuses("resolve", mlflow.wants(prefix, version=version, credentials=False))
        assert reason is FetchReason.SOURCE_NOT_FOUND
        assert f"version {version} lies at {shown}, which pods cannot read. Log the model with" in message


async def test_a_bucket_without_its_keys(mlflow: Mlflow, server: S3, pod: Pod, prefix: str) -> None:
    version = mlflow.register(prefix, f"s3://models/{prefix}")
    pod.secret = {"MLFLOW_TRACKING_TOKEN": "any"}
    reason, message = await pod.refuses("resolve", mlflow.wants(prefix, version=version))
    assert reason is FetchReason.CREDENTIALS_MISSING
    assert "has no key AWS_ACCESS_KEY_ID" in message


async def test_an_address_that_is_not_open_gets_no_request(mlflow: Mlflow, pod: Pod) -> None:
    wanted = mlflow.wants("fraud", version=1, credentials=False, allowedNetworks=["127.0.0.2/32"])
    reason, message = await pod.refuses("resolve", wanted)
    assert reason is FetchReason.ADDRESS_FORBIDDEN
    assert message.startswith(f"models:/fraud/1 at {mlflow.endpoint}: it leads to 127.0.0.1 (loopback)")


async def test_nobody_answers(pod: Pod) -> None:
    nobody = Mlflow(free_ports(1)[0])
    reason, message = await pod.refuses("resolve", nobody.wants("fraud", version=1, credentials=False))
    assert reason is FetchReason.SOURCE_UNREACHABLE
    assert "the server cannot be reached: Connection refused. Check model.source.mlflow.trackingUri" in message


async def test_a_server_that_says_nothing_is_reported_in_time(pod: Pod) -> None:
    with made_up({}) as silent:
        began = time.monotonic()
        reason, message = await pod.refuses("resolve", silent.wants("fraud", version=1, credentials=False))
    assert reason is FetchReason.SOURCE_UNREACHABLE
    assert "no answer within the time allowed" in message
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (
            {"/version": (200, "2.2.1", "")},
            "is MLflow 2.2.1, which does not answer what MLflow 2.3 does. Upgrade it, or",
        ),
        ({"/": (404, "<html>", "")}, "what answers there is not MLflow's REST API"),
        ({"/": (200, "<html>Log in</html>", "")}, "a page to log in at may stand before the server"),
        ({"/": (302, "", "https://login.example.com/x?token=secret")}, "leads to https://login.example.com (302)"),
        ({"/": (503, "", "")}, "the server cannot answer (503)"),
    ],
)
async def test_what_is_no_mlflow_of_today(pod: Pod, answers: dict[str, tuple[int, str, str]], says: str) -> None:
    with made_up({"/": (404, "<html>", "")} | answers) as other:
        reason, message = await pod.refuses("resolve", other.wants("fraud", alias="champion", credentials=False))
    assert reason is FetchReason.SOURCE_UNREACHABLE
    assert says in message
    assert "secret" not in message


@contextlib.contextmanager
def made_up(answers: dict[str, tuple[int, str, str]]) -> Iterator[Mlflow]:
    """Servers that cannot be installed: by the path's begin a status, a body, and where it leads; else silence."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            known = [path for path in answers if self.path.startswith(path)]
            if not known:
                over.wait(30)
                return
            status, body, leads = answers[max(known, key=len)]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if leads:
                self.send_header("Location", leads)
            self.end_headers()
            self.wfile.write(body.encode())

    with ThreadingHTTPServer((HOST, 0), Handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield Mlflow(running.server_port)
        over.set()
        running.shutdown()


@pytest.mark.parametrize("place", ["c@attacker.blob.core.windows.net/m", "c@evil.example.com/m"])
@pytest.mark.parametrize("own", [{"AZURE_STORAGE_ACCOUNT_NAME": "mine"}, {}])
async def test_a_version_does_not_say_who_gets_our_token(
    mlflow: Mlflow, pod: Pod, prefix: str, place: str, own: dict[str, str]
) -> None:
    """Whoever may register a version names a place; a shared access signature is worth something everywhere."""
    pod.secret = own | {"AZURE_STORAGE_SAS_TOKEN": "sv=1&sp=rl&sig=never-to-be-sent"}
    version = mlflow.register(prefix, f"wasbs://{place}")
    reason, message = await pod.refuses("resolve", mlflow.wants(prefix, version=version))
    assert reason is FetchReason.CREDENTIALS_MISSING
    assert "model.source.options.accountName" in message
