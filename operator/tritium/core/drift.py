"""Whether an object on the server is as wanted, so that it need not be applied again.

A server adds defaults, writes amounts in another form, leaves out what is empty, and other managers own fields of
their own. None of that is drift. Mistaking it for drift would make every pass a write, and every write a pass.

A field that is wanted no longer cannot be seen here: there is nothing to compare. That is what the mark of
`resources.seal` is for.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from tritium.core.revision import amount

Json = Any

_BY_NAME: Final = ("name",)
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "containers": _BY_NAME,
    "initContainers": _BY_NAME,
    "ephemeralContainers": _BY_NAME,
    "volumes": _BY_NAME,
    "env": _BY_NAME,
    "imagePullSecrets": _BY_NAME,
    "resourceClaims": _BY_NAME,
    "schedulingGates": _BY_NAME,
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "ownerReferences": ("uid",),
    "conditions": ("type",),
}
"""Lists that are maps for the API server, and the members that are the key. Others may add entries, in any place."""

_PORT_KEYS: Final = ("containerPort", "port")
"""A container's port is told apart by the first, a Service's by the second, and both by their protocol as well."""

_AMOUNTS: Final = frozenset({"requests", "limits", "overhead"})
"""Maps of amounts."""

_DEFAULTED: Final = frozenset(
    {
        "apiVersion", "dnsPolicy", "failureThreshold", "imagePullPolicy", "path", "periodSeconds", "protocol",
        "restartPolicy", "schedulerName", "scheme", "successThreshold", "terminationMessagePath",
        "terminationMessagePolicy", "timeoutSeconds",
    }
)  # fmt: skip
"""Members of a pod whose default a server puts in the place of zero and the empty string as well."""

_USERS_KEYS: Final = _AMOUNTS | {"annotations", "data", "labels", "matchLabels", "nodeSelector", "selector"}
"""Maps whose keys the user chooses. A key has no meaning of ours there, and an empty value is a value."""

_WHOLE: Final = frozenset({"podSelector", "selector"})
"""Maps that a server takes as one value. What others add there is no field of theirs: it makes ours select less."""

_AMOUNT: Final = frozenset({"sizeLimit", "divisor"})

_SAYS_SOMETHING: Final = frozenset(
    {
        "allowPrivilegeEscalation", "automountServiceAccountToken", "backoffLimit", "emptyDir", "enableServiceLinks",
        "maxSurge", "maxUnavailable", "optional", "replicas",
    }
)  # fmt: skip
"""Members that a server keeps, though they are false, zero or empty. Of any other such value, absence is the same."""


def covers(wanted: Mapping[str, Json], live: Mapping[str, Json]) -> bool:
    """Whether every field that is wanted is on the server, with the same meaning.

    Args:
        wanted: an object as it is applied.
        live: the object on the server. Without kind and API version, as in a list, these are taken to be right.

    >>> wanted = {"kind": "Pod", "spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": "0.5"}}}]}}
    >>> live = {"spec": {"containers": [{"name": "b"}, {"name": "a", "resources": {"limits": {"cpu": "500m"}}}]}}
    >>> covers(wanted, live)
    True
    >>> covers(wanted, {"spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": "1"}}}]}})
    False
    """
    unsaid = {name for name in ("apiVersion", "kind") if name not in live}
    return _same("", {name: value for name, value in wanted.items() if name not in unsaid}, live)


def _same(name: str, wanted: Json, live: Json) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(_member(name, each, value, live) for each, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(live, list) and _same_list(name, wanted, live)
    # For Python 1 is True, for a server it is a mistake.
    return isinstance(wanted, bool) == isinstance(live, bool) and bool(wanted == live)


def _member(parent: str, name: str, wanted: Json, live: Mapping[str, Json]) -> bool:
    if name in _WHOLE and parent not in _USERS_KEYS and _has_more(wanted, live.get(name)):
        return False
    if not wanted and parent not in _USERS_KEYS and name not in _SAYS_SOMETHING:
        return name not in live or name in _DEFAULTED or _same(name, wanted, live[name])
    if name not in live:
        return False
    if parent in _AMOUNTS or (name in _AMOUNT and parent not in _USERS_KEYS):
        return bool(_value(wanted) == _value(live[name]))
    return _same("" if parent in _USERS_KEYS else name, wanted, live[name])


def _has_more(wanted: Json, live: Json) -> bool:
    """Whether a map, or one inside of it, has a key that is not wanted."""
    if not isinstance(wanted, Mapping) or not isinstance(live, Mapping):
        return False
    return any(name not in wanted or _has_more(wanted[name], value) for name, value in live.items())


def _same_list(name: str, wanted: list[Json], live: list[Json]) -> bool:
    keys = [_key(name, each) for each in wanted]
    if None in keys or not (name in KEYS or name == "ports"):
        return len(wanted) == len(live) and all(map(_same_entry, wanted, live))
    there = {_key(name, each): each for each in live}
    return all(key in there and _same_entry(each, there[key]) for key, each in zip(keys, wanted, strict=True))


def _same_entry(wanted: Json, live: Json) -> bool:
    return _same("", wanted, live)


def _key(name: str, entry: Json) -> tuple[Json, ...] | None:
    """What tells an entry apart in its list, None where only its place does."""
    if not isinstance(entry, Mapping):
        return None
    if name == "ports":
        number = next((entry[key] for key in _PORT_KEYS if key in entry), None)
        return None if number is None else (str(number), entry.get("protocol") or "TCP")
    keys = KEYS.get(name, ())
    return tuple(str(entry[key]) for key in keys) if keys and all(key in entry for key in keys) else None


def _value(written: Json) -> Json:
    """What an amount comes to. The server knows nothing finer than a billionth, and rounds up."""
    known = amount(written)
    return math.ceil(Fraction(known["amount"]) * 10**9) if "amount" in known else known
