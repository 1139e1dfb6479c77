"""What obstore's errors mean to a person.

An error of the Rust library is a long text: a summary with times and counts, then the nested causes. Only the parts
that stay the same while the fault lasts are taken from it: the HTTP status, the store's own code and sentence, and
what the operating system or TLS said.
"""

import html
import re
import socket
from dataclasses import dataclass
from typing import Final

from obstore import exceptions

from tritium.api.fetch import FetchReason
from tritium.sync.credentials import Credentials
from tritium.sync.errors import Failed
from tritium.sync.guard import Guard

_STATUS: Final = re.compile(r"\bstatus: (\d{3})")
_CODE: Final = re.compile(r"<Code>([A-Za-z0-9.]{1,64})</Code>")
_SENTENCE: Final = re.compile(r"<Message>([^<\n]{1,300})[^<]*</Message>")
"""Its first line: Azure adds the request's number and the time."""

_REFUSED: Final = frozenset(
    {
        "AccessDenied",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidToken",
        "XAdminUserNotFound",
    }
)
_NO_BUCKET: Final = {"NoSuchBucket": "bucket", "ContainerNotFound": "container"}
_REGION: Final = frozenset({"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"})
_METADATA: Final = re.compile(r"/latest/(api/token|meta-data/)|/computeMetadata/v1/|/metadata/identity/")

_PATH: Final = re.compile(r'[Pp]ath "([^"]{1,200})')
_UNKNOWN_AUTHORITY: Final = "its certificate is from an unknown authority"
_PLAIN: Final = "its address is http://"

_CAUSES: Final = (
    (
        re.compile(r"InvalidCertificate\(\s*UnknownIssuer|unable to get (?:local )?issuer|self.signed"),
        _UNKNOWN_AUTHORITY,
    ),
    (re.compile(r"InvalidCertificate\(\s*(\w+)"), "its certificate is not valid ({})"),
    (re.compile(r"certificate verify failed: ([^(\n]{1,100}[^(\s])"), "its certificate is not valid ({})"),
    (re.compile(r"InvalidContentType|WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE"), "it does not speak TLS on this port"),
    (re.compile(r"BadScheme|^its address is http://$"), _PLAIN),
    (re.compile(r'error: "failed to lookup address information: ([^"]{1,200})"'), "its name cannot be resolved ({})"),
    (
        re.compile(r"(Name or service not known|Temporary failure in name resolution)"),
        "its name cannot be resolved ({})",
    ),
    (re.compile(r'Os \{[^}]*message: "([^"]{1,200})"'), "{}"),
    (re.compile(r"Connection refused"), "Connection refused"),
    (re.compile(r"TimedOut|kind: Timeout|no answer within the time"), "no answer within the time allowed"),
    (re.compile(r"IncompleteBody|IncompleteMessage|UnexpectedEof|disconnected"), "the connection broke off"),
)
"""What obstore's client says, and the two of Python's that the hub and registries are asked with."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is being read, for the sentence.

    Attributes:
        uri: as the user wrote it.
        server: the address that requests go to.
        guard: makes the connections.
        anonymous: nothing proves who reads.
    """

    uri: str
    server: str
    credentials: Credentials
    guard: Guard
    anonymous: bool = False

    def __str__(self) -> str:
        return self.uri if self.uri.startswith(self.server) else f"{self.uri} at {self.server}"


@dataclass(frozen=True, slots=True)
class _Trouble:
    """An error, with the parts of its text that mean something.

    Attributes:
        status: of the HTTP answer; 0 where there was none.
        code: the store's own word for it.
        answer: what the server said, in brackets, for the sentence.
    """

    error: Exception
    place: Place
    text: str
    status: int
    code: str
    answer: str


def explain(error: Exception, place: Place) -> Failed:
    """The reason and the sentence for an error of obstore, or of the guard's."""
    text = str(error)
    status = int(found[1]) if (found := _STATUS.search(text)) else 0
    code = found[1] if (found := _CODE.search(text)) else ""
    trouble = _Trouble(error, place, text, status, code, _answer(status, code, text))
    return next(failed for meaning in _MEANINGS if (failed := meaning(trouble)))


def _forbidden(trouble: _Trouble) -> Failed | None:
    """The guard answers what it refuses with 403, and obstore's text then says no more than that."""
    return trouble.place.guard.refusal(trouble.place) if trouble.status in {0, 403} else None


def _no_credentials(trouble: _Trouble) -> Failed | None:
    """Without keys obstore asks the node for some."""
    asked = _METADATA.search(trouble.text)
    # That of Google Cloud forwards what its IAM says about the pod's ServiceAccount.
    if not asked or ("computeMetadata" in asked[0] and trouble.status == 403):
        return None
    return Failed(
        FetchReason.CREDENTIALS_MISSING,
        f"{trouble.place}: no credentials, and the node offers none to its pods. Name a Secret in "
        "model.source.credentials, or set model.source.options.anonymous: 'true' for a public bucket",
    )


def _another_region(trouble: _Trouble) -> Failed | None:
    if trouble.code not in _REGION and "Received redirect without LOCATION" not in trouble.text:
        return None
    return Failed(
        FetchReason.SOURCE_UNREACHABLE,
        f"{trouble.place}: the bucket is in another region{trouble.answer}. Set model.source.options.region to its own",
    )


def _refused(trouble: _Trouble) -> Failed | None:
    if trouble.code not in _REFUSED and trouble.status not in {401, 403} and "AssumeRole" not in trouble.text:
        return None
    what = f"{trouble.place}: access was refused{trouble.answer}. {_identity(trouble.place)}"
    return Failed(FetchReason.ACCESS_DENIED, what)


def _bad_name(trouble: _Trouble) -> Failed | None:
    if not isinstance(trouble.error, exceptions.InvalidPathError):
        return None
    name = repr(found[1]) if (found := _PATH.search(trouble.text)) else "a file"
    what = f"{trouble.place} holds {name}, whose name cannot be used; rename it"
    return Failed(FetchReason.MODEL_INVALID, what)


def _no_ranges(trouble: _Trouble) -> Failed | None:
    if not isinstance(trouble.error, exceptions.NotSupportedError):
        return None
    return Failed(
        FetchReason.SOURCE_UNREACHABLE,
        f"{trouble.place}: the server does not answer range requests. Put the model into a bucket, or on a server "
        "that does",
    )


def _absent(trouble: _Trouble) -> Failed | None:
    if trouble.status != 404 and not isinstance(trouble.error, FileNotFoundError):
        return None
    if word := _NO_BUCKET.get(trouble.code):
        bucket = trouble.place.uri.split("/")[2]
        what = f"there is no {word} {bucket}. Check its name in model.source.uri, and model.source.options.endpoint"
    else:
        what = "nothing is there. Check model.source.uri"
    return Failed(FetchReason.SOURCE_NOT_FOUND, f"{trouble.place}: {what}")


def _bad_setting(trouble: _Trouble) -> Failed | None:
    """Something that obstore does not take, before anything is sent."""
    if not isinstance(trouble.error, ValueError):
        return None
    said = trouble.text.partition("\n")[0].rstrip(".")
    what = f"{trouble.place}: {said}. Check model.source.uri, model.source.options and the Secret's ca.crt"
    return Failed(FetchReason.FETCH_FAILED, what)


def _bad_answer(trouble: _Trouble) -> Failed | None:
    if not trouble.status or _unconnected(trouble.place, trouble.status):
        return None
    return Failed(
        FetchReason.SOURCE_UNREACHABLE,
        f"{trouble.place}: the server cannot be read from{trouble.answer}. Check it, and model.source.options",
        transient=trouble.status >= 500 or trouble.status in {408, 429},
    )


def _unreachable(trouble: _Trouble) -> Failed:
    return unreachable(trouble.place, trouble.text, trouble.status)


def stopped(place: Place) -> Failed | None:
    """What the guard refused to connect to, or could not, if that is what a client's error is about."""
    return place.guard.refusal(place) or (unreachable(place, "") if place.guard.trouble else None)


def unreachable(place: Place, text: str, status: int = 0) -> Failed:
    """No answer: the server is down, cannot be found, or does not speak what it is expected to.

    Args:
        place: for the sentence.
        text: of the client's error, of which only the cause is taken.
        status: that the client was told; 0 for none.
    """
    causes = ((said, cause.search(text)) for cause, said in _CAUSES)
    why = next((f": {said.format(*found.groups())}" for said, found in causes if found), "")
    if there := _unconnected(place, status):
        why = f": {there}"
    remedy = "Check model.source.uri and model.source.options, and that pods of this namespace can reach the server"
    if _UNKNOWN_AUTHORITY in why:
        secret = place.credentials.secret
        to = f"Secret {secret}" if secret else "a Secret, and name it in model.source.credentials"
        remedy = f"Add the authority's certificate as ca.crt to {to}"
    elif _PLAIN in why:
        remedy = "Set model.source.options.allowHttp: 'true' if that is intended"
    what = f"{place}: the server cannot be reached{why}. {remedy}"
    return Failed(FetchReason.SOURCE_UNREACHABLE, what, transient=True)


def _unconnected(place: Place, status: int) -> str:
    """What kept the guard from making a connection, if that is what obstore was told of."""
    error = place.guard.trouble
    if error is None or status not in {0, 502}:
        return ""
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved ({error.strerror})"
    return "no answer within the time allowed" if isinstance(error, TimeoutError) else error.strerror or str(error)


_MEANINGS: Final = (
    _forbidden,
    _no_credentials,
    _another_region,
    _refused,
    _bad_name,
    _no_ranges,
    _absent,
    _bad_setting,
    _bad_answer,
    _unreachable,
)
"""The first that knows the error explains it."""


def _answer(status: int, code: str, text: str) -> str:
    """What the server said, in brackets."""
    sentence = html.unescape(found[1]).rstrip(".") if (found := _SENTENCE.search(text)) else ""
    said = " ".join(each for each in (str(status or ""), code) if each)
    whole = ": ".join(each for each in (said, sentence) if each)
    return f" ({whole})" if whole else ""


def _identity(place: Place) -> str:
    if place.anonymous:
        return "It is not public: remove options.anonymous, and name a Secret in model.source.credentials"
    return place.credentials.remedy
