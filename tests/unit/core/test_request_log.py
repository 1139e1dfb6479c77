"""The request log: what the gateway and the logger are told, and what the condition says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.core.seeing import NOW, decide, revision, serving, status_of, wish
from tritium.api.conditions import ConditionType
from tritium.api.spec import ModelDeploymentSpec
from tritium.core.diagnosis import logger_seen
from tritium.core.reasons import Reason
from tritium.core.request_log import LogWish, log_wish, target
from tritium.core.seen import LoggerSeen, Refusal, Trouble
from tritium.core.wish import wish as read_wish

ONE = revision(1)
LOG = LogWish("s3://logs/fraud", 10_000, ("request", "headers"), 65_536)
Object = dict[str, Any]


def spec(source: Object, **logging: Any) -> Object:
    return {"model": {"source": source}, "logging": {"uri": "s3://logs", "sampleRate": 0.5} | logging}


def said(**sees: Any) -> tuple[str, str, str]:
    """Status, reason and message of the condition."""
    asks = replace(wish(), log=LOG)
    seen = replace(serving(ONE), **sees)
    conditions = decide(asks, status_of(wish(), seen), seen, NOW).status.conditions or ()
    [found] = [each for each in conditions if each.type == ConditionType.REQUESTS_LOGGED]
    return found.status, found.reason, found.message


def test_the_gateway_is_told_with_a_new_version_and_told_again_when_it_ends() -> None:
    seen = serving(ONE)
    before = status_of(wish(), seen)
    plan = decide(replace(wish(), log=LOG), before, seen, NOW)
    assert plan.logs
    told = plan.status.traffic
    assert told
    assert told.log
    assert before.traffic
    assert told.version == before.traffic.version + 1
    assert (told.log.service, told.log.per_million, told.log.request, told.log.response) == (
        "fraud-log",
        10_000,
        True,
        None,
    )
    ended = decide(wish(), plan.status, replace(seen, logger=LoggerSeen()), NOW)
    assert ended.status.traffic
    assert (ended.status.traffic.log, ended.logs) == (None, False)
    assert ConditionType.REQUESTS_LOGGED not in {each.type for each in ended.status.conditions or ()}


@pytest.mark.parametrize(
    ("sees", "status", "reason", "words"),
    [
        ({}, "False", Reason.STARTING, "the logger is being made"),
        ({"logger": LoggerSeen()}, "True", Reason.LOGGING, "1 % of the requests goes to s3://logs/fraud"),
        (
            {"logger": LoggerSeen(Trouble("log", "AccessDenied", "s3://logs says no"))},
            "False",
            "AccessDenied",
            "says no",
        ),
        (
            {"log_refusal": Refusal("Service", "fraud-log", Reason.NAME_TAKEN, "Service fraud-log is another's")},
            "False",
            Reason.NAME_TAKEN,
            "is another's",
        ),
    ],
)
def test_the_condition(sees: Object, status: str, reason: str, words: str) -> None:
    found = said(**sees)
    assert found[:2] == (status, reason)
    assert words in found[2]


def test_nothing_else_waits_for_it() -> None:
    refused = Refusal("Deployment", "fraud-log", Reason.POD_REFUSED, "no")
    seen = replace(serving(ONE), log_refusal=refused, logger=LoggerSeen(Trouble("log", "AccessDenied", "no")))
    plain = decide(wish(), status_of(wish(), serving(ONE)), serving(ONE), NOW).status
    asks = replace(wish(), log=LOG)
    logged = decide(asks, status_of(asks, seen), seen, NOW).status
    others = [each for each in logged.conditions or () if each.type != ConditionType.REQUESTS_LOGGED]
    assert others == plain.conditions
    assert (logged.phase, logged.last_failure) == (plain.phase, plain.last_failure)


@pytest.mark.parametrize(
    ("source", "secret", "options", "credentials"),
    [
        (
            {"uri": "s3://a", "options": {"endpoint": "https://s3", "region": "x"}, "credentials": {"secretRef": "k"}},
            None,
            {"endpoint": "https://s3", "region": "x"},
            "k",
        ),
        (
            {"uri": "s3://a", "options": {"endpoint": "https://s3"}, "credentials": {"secretRef": "k"}},
            "own",
            None,
            "own",
        ),
        ({"uri": "az://a", "options": {"endpoint": "https://az", "accountName": "x"}}, "own", None, "own"),
        (
            {"uri": "s3://a", "options": {"anonymous": "true", "proxyUrl": "http://p"}},
            "own",
            {"proxyUrl": "http://p"},
            "own",
        ),
    ],
)
def test_who_writes_and_where_to(
    source: Object, secret: str | None, options: Object | None, credentials: str | None
) -> None:
    if "credentials" in source:
        source = source | {"credentials": {"secretRef": {"name": source["credentials"]["secretRef"]}}}
    parsed = ModelDeploymentSpec.model_validate(spec(source, **({"secretRef": {"name": secret}} if secret else {})))
    found = target(parsed, "s3://logs")
    assert (found.uri, found.options) == ("s3://logs", options)
    assert found.credentials
    assert found.credentials.secret_ref
    assert found.credentials.secret_ref.name == credentials


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (spec({"uri": "s3://a"}, maxBytes="2Mi"), "spec.logging.maxBytes: of a body at most 1Mi is kept"),
        (spec({"uri": "s3://a"}, maxBytes="1e30"), "spec.logging.maxBytes: of a body at most 1Mi is kept"),
        (
            spec({"uri": "s3://a", "options": {"anonymous": "true"}}),
            "spec.logging.secretRef: model.source is read anon",
        ),
    ],
)
def test_what_cannot_be_logged_is_told_with_its_path_and_nothing_else_waits_for_it(asked: Object, says: str) -> None:
    found = read_wish({"metadata": {"namespace": "ml", "name": "fraud", "generation": 1}, "spec": asked})
    assert found.log is None
    assert found.log_wrong.startswith(says)
    asks, seen = replace(wish(), log_wrong=found.log_wrong), serving(ONE)
    plan = decide(asks, status_of(asks, seen), seen, NOW)
    said = {each.type: each for each in plan.status.conditions or ()}
    logged = said.pop(ConditionType.REQUESTS_LOGGED)
    assert (logged.status, logged.reason, logged.message) == ("False", Reason.SPEC_INVALID, found.log_wrong)
    plain = decide(wish(), status_of(wish(), seen), seen, NOW)
    assert (list(said.values()), plan.logs) == (plain.status.conditions, False)


def test_nothing_is_logged_at_a_rate_of_zero_and_something_at_any_other() -> None:
    def rate(of: float) -> LogWish | None:
        return log_wish(ModelDeploymentSpec.model_validate(spec({"uri": "s3://a"}, sampleRate=of)))

    assert rate(0) is None
    smallest = rate(1e-9)
    assert smallest
    assert smallest.per_million == 1


DEPLOYMENT: Object = {"metadata": {"name": "fraud-log"}, "spec": {"replicas": 1}, "status": {}}


def logger_pod(ready: str, since: str, container: Object) -> Object:
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": since}
    placed = {"type": "PodScheduled", "status": "True", "lastTransitionTime": since}
    return {
        "metadata": {"name": "fraud-log-x", "labels": {"app.kubernetes.io/component": "log"}},
        "spec": {"containers": [{"name": "log"}], "restartPolicy": "Always"},
        "status": {"conditions": [condition, placed], "containerStatuses": [{"name": "log", "image": "i"} | container]},
    }


RUNS = {"state": {"running": {"startedAt": "2026-01-01T12:00:00Z"}}, "started": True}
DENIED = '{"failure": {"reason": "AccessDenied", "message": "s3://logs: the keys may not write there"}}'
CRASHED = {
    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    "lastState": {"terminated": {"exitCode": 1, "message": DENIED}},
}


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        (logger_pod("True", "2026-01-01T12:00:01Z", RUNS), None),
        (logger_pod("False", "2026-01-01T11:59:59Z", RUNS), Reason.STARTING),
        (logger_pod("False", "2026-01-01T12:09:00Z", RUNS), Reason.LOG_BEHIND),
        (logger_pod("False", "2026-01-01T11:59:59Z", CRASHED), "AccessDenied"),
    ],
    ids=["writes", "starts", "cannot write any more", "may not write"],
)
def test_what_a_pod_of_the_logger_says(pod: Object, reason: str | None) -> None:
    found = logger_seen(DEPLOYMENT, [pod]).trouble
    assert (found.reason if found else None) == reason


def test_pods_of_others_say_nothing_of_it() -> None:
    other = logger_pod("True", "2026-01-01T12:00:01Z", RUNS)
    other["metadata"]["labels"] = {"app.kubernetes.io/component": "model"}
    found = logger_seen(DEPLOYMENT, [other]).trouble
    assert found
    assert found.reason == Reason.STARTING
