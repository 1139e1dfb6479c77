"""What the gateway answers by itself, in sentences.

An HTTP client gets JSON with the member `error`, as from Triton; a gRPC client the sentence as the message of its
status. Where this module does not say another, Envoy makes the status of gRPC from that of HTTP: 403 is
PERMISSION_DENIED, 503 UNAVAILABLE; a timeout is DEADLINE_EXCEEDED (`bootstrap.py`).
"""

from dataclasses import dataclass
from typing import Final

from envoy.config.accesslog.v3 import accesslog_pb2 as log
from envoy.config.core.v3.base_pb2 import DataSource, RuntimeUInt32
from envoy.config.core.v3.substitution_format_string_pb2 import SubstitutionFormatString
from envoy.config.route.v3.route_components_pb2 import HeaderMatcher
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    LocalReplyConfig,
    ResponseMapper,
)
from envoy.type.matcher.v3.string_pb2 import StringMatcher

from tritium.gateway.snapshot.held import TOO_MANY_WAIT
from tritium.gateway.snapshot.messages import header_set, uint32

RETRY_AFTER: Final = "1"
"""Seconds after which it makes sense to ask again after a 503."""

NOT_FOUND: Final = 5
RESOURCE_EXHAUSTED: Final = 8
"""Numbers of gRPC's statuses."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of Envoy, and what is made of it.

    Attributes:
        status: of HTTP.
        flag: Envoy's own word for the reason, as in its access log; empty for any.
        says: the sentence; empty to leave Envoy's own, or that of a route.
        grpc: the status of gRPC; None for the one that Envoy chooses.
        becomes: another status of HTTP to answer with, from which that of gRPC is made too.
    """

    status: int
    flag: str = ""
    says: str = ""
    grpc: int | None = None
    becomes: int | None = None


REPLIES: Final = (
    Reply(503, "UO", "Too many requests are in flight for this model. Ask again a little later."),
    Reply(503, "UH", "No replica of this model is ready. Ask again a little later."),
    Reply(503, "UF", "No replica of this model can be reached. Ask again a little later."),
    Reply(503, "UC", "The model's server ended the connection before it had answered."),
    Reply(507, "", "No replica of this model can be reached. Ask again a little later.", becomes=503),
    Reply(503),
    Reply(504, "", "The model did not answer within the time that is allowed."),
    Reply(400, "", "The request is malformed, or its path can be read in more than one way."),
    Reply(408, "", "The request did not arrive within the time that is allowed."),
    Reply(413, "", "The request is larger than this model takes.", RESOURCE_EXHAUSTED),
    Reply(404, "NR", "Nothing is served here.", NOT_FOUND),
    Reply(404, grpc=NOT_FOUND),
)
"""The first that fits is taken."""

WAITED: Final = (
    Reply(503, "NC", "No replica of this model was ready within the time that a request waits. Ask again."),
    Reply(TOO_MANY_WAIT, "", "Too many requests wait for this model to start. Ask again a little later.", becomes=503),
)
"""Those for requests that wait for a pod."""


def local_replies(*, holds: bool = False) -> LocalReplyConfig:
    """The answers, once for clients of gRPC and once for all others.

    Args:
        holds: requests may wait for a pod.
    """
    replies = (*WAITED, *REPLIES) if holds else REPLIES
    mappers = [mapper for reply in replies for mapper in (_for_grpc(reply), _for_http(reply))]
    return LocalReplyConfig(mappers=[*mappers, _mapper(_GRPC, _TEXT)], body_format=_json())


def _for_grpc(reply: Reply) -> ResponseMapper:
    mapper = _mapper(_both(_GRPC, _fits(reply)), _TEXT)
    if reply.grpc is not None:
        mapper.headers_to_add.append(header_set("grpc-status", str(reply.grpc)))
    return _completed(mapper, reply)


def _for_http(reply: Reply) -> ResponseMapper:
    return _completed(ResponseMapper(filter=_fits(reply)), reply)


def _completed(mapper: ResponseMapper, reply: Reply) -> ResponseMapper:
    if reply.says:
        mapper.body.CopyFrom(DataSource(inline_string=reply.says))
    if reply.becomes is not None:
        mapper.status_code.CopyFrom(uint32(reply.becomes))
    if 503 in {reply.status, reply.becomes}:
        mapper.headers_to_add.append(header_set("retry-after", RETRY_AFTER))
    return mapper


def _mapper(condition: log.AccessLogFilter, form: SubstitutionFormatString) -> ResponseMapper:
    return ResponseMapper(filter=condition, body_format_override=form)


def _fits(reply: Reply) -> log.AccessLogFilter:
    status = RuntimeUInt32(default_value=reply.status, runtime_key="tritium.reply")
    same = log.ComparisonFilter(op=log.ComparisonFilter.EQ, value=status)
    fits = log.AccessLogFilter(status_code_filter=log.StatusCodeFilter(comparison=same))
    if not reply.flag:
        return fits
    flagged = log.AccessLogFilter(response_flag_filter=log.ResponseFlagFilter(flags=[reply.flag]))
    return _both(fits, flagged)


def _both(one: log.AccessLogFilter, other: log.AccessLogFilter) -> log.AccessLogFilter:
    return log.AccessLogFilter(and_filter=log.AndFilter(filters=[one, other]))


def _json() -> SubstitutionFormatString:
    form = SubstitutionFormatString()
    form.json_format["error"] = "%LOCAL_REPLY_BODY%"
    return form


_TEXT: Final = SubstitutionFormatString(
    text_format_source=DataSource(inline_string="%LOCAL_REPLY_BODY%"), content_type="application/grpc"
)
_GRPC: Final = log.AccessLogFilter(
    header_filter=log.HeaderFilter(
        header=HeaderMatcher(name="content-type", string_match=StringMatcher(prefix="application/grpc"))
    )
)
