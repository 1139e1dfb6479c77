"""Heads of requests: where they go, and which of them ask a cloud for the pod's identity."""

from __future__ import annotations

import pytest

from tritium.sync.heads import Head

EKS = "http://169.254.170.23/v1/credentials"
AWS = "http://169.254.169.254/latest"


def head(first: str, *headers: str) -> Head:
    return Head.of("\r\n".join((f"{first} HTTP/1.1", *headers)).encode())


@pytest.mark.parametrize(
    ("first", "server"),
    [
        ("CONNECT s3.test:8443", ("s3.test", 8443)),
        ("CONNECT [fd00::1]:443", ("fd00::1", 443)),
        ("GET http://s3.test/a?b=http://c", ("s3.test", 80)),
        ("GET http://user:word@[::1]:9000/a", ("::1", 9000)),
    ],
)
def test_where_it_goes(first: str, server: tuple[str, int]) -> None:
    assert head(first).server == server


@pytest.mark.parametrize(
    ("first", "headers", "meant"),
    [
        (f"PUT {AWS}/api/token", ["X-aws-ec2-metadata-token-ttl-seconds: 600"], True),
        (f"GET {AWS}/api/token", ["X-aws-ec2-metadata-token-ttl-seconds: 600"], False),
        (f"GET {AWS}/meta-data/iam/security-credentials/role", ["X-aws-ec2-metadata-token: t"], True),
        (f"GET {AWS}/meta-data/iam/security-credentials/role", ["Authorization: AWS4-HMAC-SHA256 x"], False),
        (f"GET {AWS}/user-data", ["X-aws-ec2-metadata-token: t"], False),
        ("GET http://metadata/computeMetadata/v1/instance/service-accounts/a/token", ["Metadata-Flavor: Google"], True),
        ("GET http://metadata/computeMetadata/v1/instance/service-accounts/a/token", [], False),
        ("GET http://metadata/computeMetadata/v1/instance/attributes/kube-env", ["Metadata-Flavor: Google"], False),
        (f"GET {EKS}", ["Authorization: eyJ"], True),
        (f"GET {EKS}", ["Authorization: AWS4-HMAC-SHA256 Credential=x"], False),
        (f"GET {EKS}", [], False),
        ("GET http://169.254.170.23/v1/other", ["Authorization: eyJ"], False),
        ("CONNECT 169.254.169.254:80", ["Metadata-Flavor: Google", "Metadata: true"], False),
    ],
)
def test_who_asks_for_the_identity(
    monkeypatch: pytest.MonkeyPatch, first: str, headers: list[str], *, meant: bool
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", EKS)
    assert head(first, *headers).for_identity is meant


@pytest.mark.parametrize("text", [b"", b"GET /", b"GET  a HTTP/1.1 b", b"\xff"])
def test_what_is_no_request_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the client is Tritium's own, and nobody reads it
        Head.of(text)
