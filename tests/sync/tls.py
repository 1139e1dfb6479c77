"""A certificate authority of a test's own, and a certificate for this machine."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Authority:
    """Files in PEM form."""

    ca: Path
    certificate: Path
    key: Path


def authority(folder: Path) -> Authority:
    """Make them, with openssl."""
    made = Authority(folder / "ca.crt", folder / "server.crt", folder / "server.key")
    ca_key, wanted, names = folder / "ca.key", folder / "server.csr", folder / "names"
    names.write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    _openssl("req", "-x509", *_CURVE, "-keyout", ca_key, "-out", made.ca, "-subj", "/CN=an authority", "-days", "2")
    _openssl("req", *_CURVE, "-keyout", made.key, "-out", wanted, "-subj", "/CN=127.0.0.1")
    signing = ("-CA", made.ca, "-CAkey", ca_key, "-CAcreateserial", "-extfile", names, "-days", "2")
    _openssl("x509", "-req", "-in", wanted, "-out", made.certificate, *signing)
    return made


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
