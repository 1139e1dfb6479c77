"""Requests for inference, counted by model when they end, on whatever port and by whoever answers.

Whether a model is idle is decided by them (the operator): probes of its health come for ever. Envoy's counters of
routes are not enough: they miss who has waited in vain, who was refused before a pod was chosen, and who went away.
"""

from typing import Final

from envoy.config.accesslog.v3.accesslog_pb2 import AccessLog
from envoy.config.core.v3.base_pb2 import Metadata
from envoy.extensions.access_loggers.stats.v3.stats_pb2 import Config
from google.protobuf.wrappers_pb2 import UInt64Value

from tritium.gateway.snapshot.messages import any_of
from tritium.gateway.snapshot.names import ENDED

_METADATA: Final = "tritium"
_MODEL: Final = "inference"


def counted_for(model: str) -> Metadata:
    """What a route says for its requests to be counted for a model."""
    found = Metadata()
    found.filter_metadata[_METADATA][_MODEL] = model
    return found


def count_inferences() -> AccessLog:
    """What a listener needs for that. A request on another route has no model, and a name that nobody keeps."""
    scope, name, tag = ENDED.split(".")
    whose = Config.Tag(name=tag, value_format=f"%METADATA(ROUTE:{_METADATA}:{_MODEL})%")
    one = Config.Counter(stat=Config.Stat(name=name, tags=[whose]), value_fixed=UInt64Value(value=1))
    return AccessLog(name="inferences", typed_config=any_of(Config(stat_prefix=scope, counters=[one])))
