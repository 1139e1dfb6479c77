"""A bound on the size of a model's answer.

Envoy can refuse an answer by its headers only, so it is bounded where Triton announces its size: every answer of
`infer`, of `generate`, and of the paths that only read, over HTTP. Not bounded are `generate_stream` and gRPC, whose
answers have no size until they are over. Those cost the gateway no memory either: it reads on only as fast as the
client does.
"""

from typing import Final

from envoy.config.core.v3.base_pb2 import DataSource
from envoy.extensions.filters.http.custom_response.v3.custom_response_pb2 import CustomResponse
from envoy.extensions.http.custom_response.local_response_policy.v3.local_response_policy_pb2 import (
    LocalResponsePolicy,
)
from envoy.type.matcher.v3.http_inputs_pb2 import HttpResponseHeaderMatchInput
from google.protobuf.wrappers_pb2 import UInt32Value
from xds.core.v3.extension_pb2 import TypedExtensionConfig
from xds.type.matcher.v3.matcher_pb2 import Matcher
from xds.type.matcher.v3.regex_pb2 import RegexMatcher
from xds.type.matcher.v3.string_pb2 import StringMatcher

from tritium.gateway.snapshot.messages import any_of

STATUS: Final = 502
SAYS: Final = "The answer of the model is larger than {} bytes, which is its limit."


def answer_limit_config(size: int) -> CustomResponse:
    """Put an answer of its own in place of one that is larger."""
    policy = LocalResponsePolicy(
        body=DataSource(inline_string=SAYS.format(size)), status_code=UInt32Value(value=STATUS)
    )
    matcher = Matcher.MatcherList.FieldMatcher(
        predicate=Matcher.MatcherList.Predicate(single_predicate=_larger_than(size)),
        on_match=Matcher.OnMatch(action=TypedExtensionConfig(name="refuse", typed_config=any_of(policy))),
    )
    return CustomResponse(custom_response_matcher=Matcher(matcher_list=Matcher.MatcherList(matchers=[matcher])))


def _larger_than(size: int) -> Matcher.MatcherList.Predicate.SinglePredicate:
    length = HttpResponseHeaderMatchInput(header_name="content-length")
    regex = RegexMatcher(google_re2=RegexMatcher.GoogleRE2(), regex=digits_above(size))
    return Matcher.MatcherList.Predicate.SinglePredicate(
        input=TypedExtensionConfig(name="content-length", typed_config=any_of(length)),
        value_match=StringMatcher(safe_regex=regex),
    )


def digits_above(number: int) -> str:
    """A regular expression for the numbers above one.

    >>> digits_above(199)
    '[1-9][0-9]{3,}|[2-9][0-9]{2}'
    >>> import re
    >>> [number for number in range(300) if re.fullmatch(digits_above(286), str(number))]
    [287, 288, 289, 290, 291, 292, 293, 294, 295, 296, 297, 298, 299]
    """
    digits = str(number)
    longer = f"[1-9][0-9]{{{len(digits)},}}"
    as_long = [
        f"{digits[:place]}[{int(digit) + 1}-9]" + _more(len(digits) - place - 1)
        for place, digit in enumerate(digits)
        if digit != "9"
    ]
    return "|".join([longer, *as_long])


def _more(count: int) -> str:
    return f"[0-9]{{{count}}}" if count else ""
