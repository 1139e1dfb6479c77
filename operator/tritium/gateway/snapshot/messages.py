"""Short ways to write what protobuf writes long."""

from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from envoy.config.route.v3.route_components_pb2 import HeaderMatcher
from envoy.type.matcher.v3.string_pb2 import StringMatcher
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import UInt32Value


def any_of(message: Message) -> Any:
    """A message of any type, the same bytes for the same message.

    >>> any_of(UInt32Value(value=3)).type_url
    'type.googleapis.com/google.protobuf.UInt32Value'
    """
    packed = Any()
    packed.Pack(message, deterministic=True)
    return packed


def duration(milliseconds: int) -> Duration:
    """A duration of milliseconds.

    >>> duration(1500).ToJsonString()
    '1.500s'
    """
    span = Duration()
    span.FromMilliseconds(milliseconds)
    return span


def uint32(number: int) -> UInt32Value:
    """A number that may also be absent.

    >>> uint32(3).value
    3
    """
    return UInt32Value(value=number)


def header_is(name: str, value: str) -> HeaderMatcher:
    """A request header with exactly this value. Blanks around a value are no part of it in HTTP.

    >>> header_is("x-arm", "a ").string_match.exact
    'a'
    """
    return HeaderMatcher(name=header_name(name), string_match=StringMatcher(exact=value.strip(" \t")))


def header_name(name: str) -> str:
    """A header's name as Envoy has it: Host by the name that HTTP/2 gave it.

    >>> header_name("host"), header_name("x-user")
    (':authority', 'x-user')
    """
    return ":authority" if name == "host" else name


def header_set(name: str, value: str) -> HeaderValueOption:
    """A header that is put in place of what there is: Envoy adds those of its own answers twice.

    >>> header_set("retry-after", "1").header.value
    '1'
    """
    action = HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    return HeaderValueOption(header=HeaderValue(key=name, value=value), append_action=action)
