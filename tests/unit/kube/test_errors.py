"""Which answer is which error, and what it says."""

from __future__ import annotations

import pytest

from tritium.kube.errors import ApiError, Asked, Conflict, NotFound, Refused, Unavailable, error
from tritium.kube.kinds import CONFIG_MAPS, DEPLOYMENTS, LEASES

ASKED = Asked("apply", DEPLOYMENTS, "a", "fraud-0a1b2c3d")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Refused),
        (401, Unavailable),
        (403, Refused),
        (404, NotFound),
        (405, Refused),
        (409, Conflict),
        (410, Unavailable),
        (413, Refused),
        (415, Refused),
        (422, Refused),
        (429, Unavailable),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
        (599, Unavailable),
    ],
)
def test_each_status_has_its_class(status: int, expected: type[ApiError]) -> None:
    raised = error(ASKED, status, {"reason": "Because", "message": "the server's words"})
    assert type(raised) is expected
    assert str(raised) == f"cannot apply Deployment a/fraud-0a1b2c3d: the server's words ({status} Because)"
    assert (raised.verb, raised.kind, raised.namespace, raised.name) == ("apply", "Deployment", "a", "fraud-0a1b2c3d")


def test_an_unknown_field_is_refused_though_the_server_calls_it_its_own_failure() -> None:
    said = "failed to create typed patch object: .spec.replica: field not declared in schema"
    assert isinstance(error(ASKED, 500, {"message": said}), Refused)


def test_another_object_of_the_name_is_a_conflict() -> None:
    causes = [{"reason": "FieldValueInvalid", "field": "metadata.uid", "message": "field is immutable"}]
    raised = error(ASKED, 422, {"reason": "Invalid", "message": "invalid", "details": {"causes": causes}})
    assert isinstance(raised, Conflict)
    assert raised.causes == (("metadata.uid", "field is immutable"),)


def test_only_rights_and_policies_forbid() -> None:
    forbidden, invalid = error(ASKED, 403, {}), error(ASKED, 422, {})
    assert isinstance(forbidden, Refused)
    assert isinstance(invalid, Refused)
    assert (forbidden.forbidden, invalid.forbidden) == (True, False)


@pytest.mark.parametrize(
    ("header", "details", "seconds"),
    [
        ("7", {}, 7.0),
        (None, {"retryAfterSeconds": 3}, 3.0),
        (None, {}, None),
        ("Fri, 1 Jan 2027 00:00:00 GMT", {}, None),
    ],
)
def test_how_long_to_wait(header: str | None, details: dict[str, int], seconds: float | None) -> None:
    assert error(ASKED, 429, {"details": details}, header).retry_after == seconds


def test_an_answer_that_is_no_status() -> None:
    raised = error(Asked("list", LEASES, None, None), 404, {"message": "404 page not found"})
    assert str(raised) == "cannot list Lease: 404 page not found (404 Not Found)"
    assert raised.reason != "NotFound"


def test_no_answer() -> None:
    raised = Unavailable.because(Asked("get", CONFIG_MAPS, "a", "b"), "Timeout", "no answer within 15 s")
    assert str(raised) == "cannot get ConfigMap a/b: no answer within 15 s"
    assert (raised.status, raised.retry_after) == (0, None)
