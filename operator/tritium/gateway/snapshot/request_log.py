"""Samples of a model's requests and answers, for the logger of that model.

Envoy's filter for external processors sends copies and waits for nothing ("observability mode"): whatever the logger
does, or does not do, the request goes on as it is. What is lost of it is counted (`names.log_lost`).

A logger that reads nothing leaves the copies in Envoy's memory. So there are bounds: on the bytes of a sample, on how
many there are at once, and on how long one stays after its request.
"""

from functools import lru_cache
from typing import Final

from envoy.config.cluster.v3.circuit_breaker_pb2 import CircuitBreakers
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.base_pb2 import HeaderValue, RuntimeFractionalPercent
from envoy.config.core.v3.extension_pb2 import TypedExtensionConfig as CoreExtension
from envoy.config.core.v3.grpc_service_pb2 import GrpcService
from envoy.extensions.common.matching.v3.extension_matcher_pb2 import ExtensionWithMatcher, ExtensionWithMatcherPerRoute
from envoy.extensions.filters.common.matcher.action.v3.skip_action_pb2 import SkipFilter
from envoy.extensions.filters.http.composite.v3.composite_pb2 import Composite, ExecuteFilterAction
from envoy.extensions.filters.http.ext_proc.v3.ext_proc_pb2 import ExternalProcessor, HeaderForwardingRules
from envoy.extensions.filters.http.ext_proc.v3.processing_mode_pb2 import ProcessingMode
from envoy.extensions.filters.http.upstream_codec.v3.upstream_codec_pb2 import UpstreamCodec
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpFilter
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions
from envoy.type.matcher.v3.http_inputs_pb2 import HttpRequestHeaderMatchInput
from envoy.type.matcher.v3.string_pb2 import ListStringMatcher, StringMatcher
from envoy.type.v3.percent_pb2 import FractionalPercent
from google.protobuf.any_pb2 import Any
from xds.core.v3.extension_pb2 import TypedExtensionConfig
from xds.type.matcher.v3 import regex_pb2 as xds_regex
from xds.type.matcher.v3 import string_pb2 as xds_string
from xds.type.matcher.v3.matcher_pb2 import Matcher

from tritium.api.request_log import MOST_BYTES, SENT_METADATA
from tritium.gateway.snapshot.answer_size import digits_above
from tritium.gateway.snapshot.clusters import PROTOCOL_OPTIONS, UNLIMITED, cluster
from tritium.gateway.snapshot.messages import any_of, duration, uint32
from tritium.gateway.snapshot.names import Protocol, log_cluster_name
from tritium.gateway.snapshot.request_size import request_limit_config
from tritium.gateway.table import Log

LOG: Final = "log"
"""The filter that sends the copies."""

LARGE: Final = MOST_BYTES
"""Of a request that says that it is larger, the body is not sent: no logger keeps as much, and its answer would find no
room."""

SAMPLE_BYTES: Final = 2 * LARGE + 2**18
"""Of one sample so much is sent: a body each way, with their headers. What is larger is cut off and counted as lost."""

MOST_SAMPLES: Final = 16
"""So many are on their way at once, of all models of one gateway pod: together 36 MiB, and
2.25 MiB more for each model with a log beyond the 16th, since each has one."""

ENDS_WITHIN_MS: Final = 2_000
"""So long after its answer the logger may take to end a sample. Then it is dropped, and its memory is free."""

SECRET: Final = ("authorization", "cookie", "proxy-authorization", "set-cookie")
"""Headers that no logger sees."""


def samples() -> ExtensionWithMatcher:
    """What a listener needs: nothing is copied until a route says so."""
    composite = CoreExtension(name="composite", typed_config=any_of(Composite()))
    nothing = TypedExtensionConfig(name="nothing", typed_config=any_of(SkipFilter()))
    matcher = Matcher(on_no_match=Matcher.OnMatch(action=nothing))
    return ExtensionWithMatcher(extension_config=composite, xds_matcher=matcher)


@lru_cache(maxsize=1024)
def sampled(model: str, log: Log) -> Any:
    """What a route says, under the filter's name, to have some of its requests copied.

    The dice are of the filter's own. A route that takes a fraction of the requests would draw the number by which a
    split chooses too: of few samples all would be of the revision that comes first in it.
    """
    large = Matcher.MatcherList.FieldMatcher(
        predicate=Matcher.MatcherList.Predicate(single_predicate=_says_larger_than(LARGE)),
        on_match=_copied(model, log, request=False),
    )
    matcher = Matcher(
        matcher_list=Matcher.MatcherList(matchers=[large]), on_no_match=_copied(model, log, request=log.request)
    )
    return any_of(ExtensionWithMatcherPerRoute(xds_matcher=matcher))


def log_cluster(name: str) -> Cluster:
    """The logger of one model."""
    found = cluster(name, Protocol.GRPC)
    most = uint32(MOST_SAMPLES)  # until Envoy has that of `in_flight.py`
    thresholds = CircuitBreakers.Thresholds(
        max_connections=uint32(UNLIMITED), max_requests=most, max_pending_requests=most, max_retries=uint32(UNLIMITED)
    )
    found.circuit_breakers.CopyFrom(CircuitBreakers(thresholds=[thresholds]))
    options = HttpProtocolOptions.FromString(found.typed_extension_protocol_options[PROTOCOL_OPTIONS].value)
    options.http_filters.extend(
        [
            HttpFilter(name="sample", typed_config=any_of(request_limit_config(SAMPLE_BYTES))),
            HttpFilter(name="codec", typed_config=any_of(UpstreamCodec())),
        ]
    )
    found.typed_extension_protocol_options[PROTOCOL_OPTIONS].CopyFrom(any_of(options))
    return found


def most_samples(loggers: int) -> int:
    """How many samples may be on their way to each of some loggers.

    >>> most_samples(1), most_samples(3), most_samples(100)
    (16, 5, 1)
    """
    return max(MOST_SAMPLES // loggers, 1)


def _copied(model: str, log: Log, *, request: bool) -> Matcher.OnMatch:
    share = FractionalPercent(numerator=log.per_million, denominator=FractionalPercent.MILLION)
    action = ExecuteFilterAction(
        typed_config=CoreExtension(name=LOG, typed_config=any_of(_processor(model, log, request=request))),
        sample_percent=RuntimeFractionalPercent(default_value=share),
    )
    return Matcher.OnMatch(action=TypedExtensionConfig(name="copy", typed_config=any_of(action)))


def _processor(model: str, log: Log, *, request: bool) -> ExternalProcessor:
    """The copies: headers and trailers always, bodies piece by piece as they come."""
    body = {True: ProcessingMode.STREAMED, False: ProcessingMode.NONE}
    parts = {"headers": True, "request": request, "response": log.response}
    sent = HeaderValue(key=SENT_METADATA, value=",".join(name for name, is_sent in parts.items() if is_sent))
    logger = GrpcService.EnvoyGrpc(cluster_name=log_cluster_name(model))
    processor = ExternalProcessor(
        grpc_service=GrpcService(envoy_grpc=logger, initial_metadata=[sent]),
        observability_mode=True,
        failure_mode_allow=True,
        processing_mode=ProcessingMode(
            request_header_mode=ProcessingMode.SEND,
            response_header_mode=ProcessingMode.SEND,
            request_body_mode=body[request],
            response_body_mode=body[log.response],
            request_trailer_mode=ProcessingMode.SKIP,
            response_trailer_mode=ProcessingMode.SEND,  # they have the status of gRPC
        ),
        deferred_close_timeout=duration(ENDS_WITHIN_MS),
        stat_prefix=model,
    )
    secret = ListStringMatcher(patterns=[StringMatcher(exact=name) for name in SECRET])
    processor.forward_rules.CopyFrom(HeaderForwardingRules(disallowed_headers=secret))
    return processor


def _says_larger_than(size: int) -> Matcher.MatcherList.Predicate.SinglePredicate:
    length = HttpRequestHeaderMatchInput(header_name="content-length")
    regex = xds_regex.RegexMatcher(google_re2=xds_regex.RegexMatcher.GoogleRE2(), regex=digits_above(size))
    return Matcher.MatcherList.Predicate.SinglePredicate(
        input=TypedExtensionConfig(name="content-length", typed_config=any_of(length)),
        value_match=xds_string.StringMatcher(safe_regex=regex),
    )
