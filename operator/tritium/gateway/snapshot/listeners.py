"""The listeners: what a client may send before anybody has looked at where it wants to go."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from envoy.config.core.v3.address_pb2 import Address, SocketAddress
from envoy.config.core.v3.protocol_pb2 import Http1ProtocolOptions, Http2ProtocolOptions, HttpProtocolOptions
from envoy.config.core.v3.socket_option_pb2 import SocketOption
from envoy.config.listener.v3.listener_components_pb2 import Filter, FilterChain
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    Rds,
)
from google.protobuf.wrappers_pb2 import BoolValue

from tritium.api.gateway import SHARED_PORT, preview_port
from tritium.gateway.snapshot.actions import timeout_ms
from tritium.gateway.snapshot.clusters import BUFFER_BYTES, CONNECTION_WINDOW, STREAM_WINDOW, from_agent
from tritium.gateway.snapshot.filters import http_filters
from tritium.gateway.snapshot.held import HELD_BUFFER_BYTES, HELD_CONNECTION_WINDOW, HELD_STREAM_WINDOW
from tritium.gateway.snapshot.inferences import count_inferences
from tritium.gateway.snapshot.messages import any_of, duration, uint32
from tritium.gateway.snapshot.names import SHARED, listener_stats, preview_name
from tritium.gateway.snapshot.replies import local_replies
from tritium.gateway.table import Bounds, Model

HEADERS_WITHIN_MS: Final = 10_000
"""A client that has begun a request has so long to send its headers."""

FLUSHED_WITHIN_MS: Final = 60_000
"""An HTTP/2 client that reads nothing has so long until its answer is dropped."""

IDLE_MS: Final = 3_600_000
"""A client's connection that it does not use stays so long. Clients keep theirs for shorter, and should be the ones
that close it: a request that meets the close on its way is lost."""

CLOSED_WITHIN_MS: Final = 5_000
"""A client that still sends when it was refused has so long to come to its end and read the answer. Then it is reset:
what it was told is lost to it if it is slower."""

MOST_HEADER_KB: Final = 8_192
"""The most that Envoy can be told."""


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """Where the gateway listens.

    Attributes:
        address: an IP address of the pod, or all of them.
        shared_port: port on which models are told apart by host and path.
    """

    address: str = "0.0.0.0"  # noqa: S104 - the Service and the kubelet come from outside
    shared_port: int = SHARED_PORT


def model_listener(model: Model, settings: ListenerSettings) -> Listener:
    """A model's own port."""
    holds = model.hold is not None
    manager = connection_manager(model.name, [model.bounds], holds=holds, counts=holds, logs=model.log is not None)
    return _listener(model.name, model.port, settings, manager, holds=holds)


def preview_listener(model: Model, settings: ListenerSettings) -> Listener:
    """The port on which its next revision can be looked at, with the same bounds."""
    name, counts = preview_name(model.name), model.hold is not None
    manager = connection_manager(name, [model.bounds], counts=counts)
    return _listener(name, preview_port(model.port), settings, manager)


def shared_listener(models: Iterable[Model], settings: ListenerSettings) -> Listener:
    """The port that models share; headers may be as large as the most generous of them allows."""
    models = list(models)
    holds = any(model.hold for model in models)
    # The filter for samples is always there: with the first model that has a log all would have to connect anew.
    manager = connection_manager(SHARED, [model.bounds for model in models], holds=holds, counts=holds, logs=True)
    return _listener(SHARED, settings.shared_port, settings, manager, holds=holds)


def _listener(
    name: str, port: int, settings: ListenerSettings, manager: HttpConnectionManager, *, holds: bool = False
) -> Listener:
    chain = FilterChain(filters=[Filter(name="http", typed_config=any_of(manager))])
    return Listener(
        name=name,
        address=Address(
            # Of all addresses of the pod, those of IPv4 too; for one address it means nothing.
            socket_address=SocketAddress(
                address=settings.address, port_value=port, ipv4_compat=settings.address == "::"
            )
        ),
        filter_chains=[chain],
        per_connection_buffer_limit_bytes=uint32(HELD_BUFFER_BYTES if holds else BUFFER_BYTES),
        socket_options=_KEEPALIVE,
    )


def connection_manager(
    name: str, bounds: list[Bounds], *, holds: bool = False, counts: bool = False, logs: bool = False
) -> HttpConnectionManager:
    """HTTP/1.1, HTTP/2 and gRPC on one port; Envoy tells them apart by the first bytes.

    A request may take twice the time that the model has for its answer: what it needs more it took to arrive. Where
    requests may wait for a pod, little is kept of each: the rest stays with the client.
    """
    manager = HttpConnectionManager()
    manager.CopyFrom(_MANAGER)
    manager.stat_prefix = listener_stats(name)
    manager.rds.CopyFrom(Rds(route_config_name=name, config_source=from_agent()))
    manager.http_filters.extend(http_filters(bounds, holds=holds, logs=logs))
    manager.max_request_headers_kb.CopyFrom(uint32(max(_header_kb(each) for each in bounds)))
    longest = duration(2 * max(timeout_ms(each) for each in bounds))
    manager.common_http_protocol_options.max_stream_duration.CopyFrom(longest)
    if counts:
        manager.access_log.append(count_inferences())
    if holds:
        manager.local_reply_config.CopyFrom(local_replies(holds=True))
        manager.http2_protocol_options.initial_stream_window_size.value = HELD_STREAM_WINDOW
        manager.http2_protocol_options.initial_connection_window_size.value = HELD_CONNECTION_WINDOW
    if name == SHARED:
        manager.strip_any_host_port = True
        manager.strip_trailing_host_dot = True
    return manager


def _header_kb(bounds: Bounds) -> int:
    """Envoy counts in KiB; a part of one is allowed as a whole."""
    return min(max(-(-bounds.max_header_bytes // 1024), 1), MOST_HEADER_KB)


def _common() -> HttpConnectionManager:
    """What is the same on every port.

    A client's word about itself is not believed: `x-envoy-*` headers are taken off whatever address it comes from.
    The path is made canonical before it is compared, and refused where that has no one meaning.
    """
    return HttpConnectionManager(
        codec_type=HttpConnectionManager.AUTO,
        common_http_protocol_options=HttpProtocolOptions(idle_timeout=duration(IDLE_MS)),
        http_protocol_options=Http1ProtocolOptions(),
        http2_protocol_options=Http2ProtocolOptions(
            initial_stream_window_size=uint32(STREAM_WINDOW),
            initial_connection_window_size=uint32(CONNECTION_WINDOW),
            # One bad request of a proxy in front of us does not end those of its other clients.
            override_stream_error_on_invalid_http_message=BoolValue(value=True),
        ),
        delayed_close_timeout=duration(CLOSED_WITHIN_MS),
        request_headers_timeout=duration(HEADERS_WITHIN_MS),
        # Each route has times of its own, see `actions.py`.
        stream_idle_timeout=duration(0),
        stream_flush_timeout=duration(FLUSHED_WITHIN_MS),
        use_remote_address=BoolValue(value=True),
        skip_xff_append=True,
        generate_request_id=BoolValue(value=False),
        preserve_external_request_id=True,
        server_header_transformation=HttpConnectionManager.PASS_THROUGH,
        normalize_path=BoolValue(value=True),
        merge_slashes=True,
        path_with_escaped_slashes_action=HttpConnectionManager.REJECT_REQUEST,
        local_reply_config=local_replies(),
    )


def _keepalive() -> list[SocketOption]:
    """A client that vanished with a stream open does not hold its place for ever: about two minutes."""
    on, idle, interval, count = (1, 9, 1), (6, 4, 60), (6, 5, 10), (6, 6, 6)
    return [
        SocketOption(level=level, name=name, int_value=value, state=SocketOption.STATE_PREBIND)
        for level, name, value in (on, idle, interval, count)
    ]


_MANAGER: Final = _common()
_KEEPALIVE: Final = _keepalive()
