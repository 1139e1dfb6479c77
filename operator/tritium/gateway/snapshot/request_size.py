"""A bound on the size of what is sent."""

from xds.type.v3.typed_struct_pb2 import TypedStruct


def request_limit_config(size: int) -> TypedStruct:
    """Counts what passes and keeps nothing, so that large requests stream through.

    A `TypedStruct` is how Envoy takes it from those who have no class for it, as `xds-protos` has none yet.
    """
    config = TypedStruct(type_url="type.googleapis.com/envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit")
    config.value["max_request_bytes"] = size
    return config
