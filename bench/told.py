"""What Envoy was told, from its own counters."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.dataplane.envoy import Admin

KINDS: Final = {
    "listeners": r"listener_manager\.listener_(added|modified|removed|in_place_updated)",
    "clusters": r"cluster_manager\.cluster_(added|modified|removed)",
    "endpoints": r"cluster\.(?P<endpoints>[^/.]+)/[0-9]/(http|grpc)\.update_success",
    "routes": r"http\.model/(?P<routes>[^/.]+)\.rds\.[^/.]+\.config_reload",
    "runtime": r"runtime\.load_success",
    "bytes": r"cluster\.xds\.upstream_cx_rx_bytes_total",
}
"""By what Envoy takes in: the statistics that count it, and in them the ModelDeployment."""

COUNTED: Final = ({"suffix": ".config_reload"}, {"suffix": ".update_success"}, {"prefix": "cluster.xds."})
"""Of these statistics those that the gateway's Envoy does not have unless it is asked to."""

_ALL: Final = "^(" + "|".join(re.sub(r"\?P<[a-z]+>", "", each) for each in KINDS.values()) + ")$"
_EACH: Final = re.compile("|".join(f"(?P<kind_{name}>{each})" for name, each in KINDS.items()))


@dataclass(frozen=True, slots=True)
class Told:
    """Counts since Envoy started.

    Attributes:
        kinds: resources that were taken in, by kind, and the bytes that came from the agent.
        models: route configurations and endpoints, by kind and ModelDeployment.
    """

    kinds: Counter[str]
    models: Counter[tuple[str, str]]

    def since(self, before: "Told") -> "Told":
        """What has come since then."""
        return Told(self.kinds - before.kinds, self.models - before.models)


def counting(bootstrap: dict[str, Any]) -> dict[str, Any]:
    """The same bootstrap, with what is counted here as well."""
    matcher = bootstrap["stats_config"]["stats_matcher"]
    patterns = [*matcher["inclusion_list"]["patterns"], *COUNTED]
    stats = bootstrap["stats_config"] | {"stats_matcher": {"inclusion_list": {"patterns": patterns}}}
    return bootstrap | {"stats_config": stats}


def told(admin: Admin) -> Told:
    """Ask an Envoy; it blocks."""
    return read(admin.stats(_ALL))


def read(stats: Mapping[str, int]) -> Told:
    """Take its statistics apart.

    >>> stats = {"http.model/fraud.rds.fraud.config_reload": 2, "cluster_manager.cluster_added": 1, "server.live": 1}
    >>> found = read(stats)
    >>> found.kinds, found.models
    (Counter({'routes': 2, 'clusters': 1}), Counter({('routes', 'fraud'): 2}))
    """
    kinds: Counter[str] = Counter()
    models: Counter[tuple[str, str]] = Counter()
    for name, value in stats.items():
        if found := _EACH.fullmatch(name):
            kind = next(each for each in KINDS if found[f"kind_{each}"])
            kinds[kind] += value
            if kind in found.re.groupindex:
                models[kind, found[kind]] += value
    return Told(kinds, models)
