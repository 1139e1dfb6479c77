"""Which revision a spec is: what makes a new one, and what does not.

A revision is identified by what the user wrote under `spec.model` and `spec.server`, and by what the source held
when it was listed. It is a contract across releases: a key that changed with an upgrade would restart every model.
So nothing that Tritium adds (defaults, rendered pods) goes into it, and `tests/golden/revisions.json` holds values
that must never change.

What is left out, because it does not change what a pod runs: replicas, scaling, rollout, traffic, labels, and
inside the model `smokeTest` and `source.pollInterval`.

Writing out a default is a change: it pins today's value, where the absent field follows the release that makes the
next revision. Lists keep their order: `args` and `env` depend on it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction
from typing import Any, Final

Json = Any

_EMPTY: Final[tuple[Json, ...]] = (None, {}, [], "")

_FREE_FORM: Final = frozenset({"env", "tolerations", "affinity", "podTemplate"})
"""Members that Kubernetes defines. Emptiness can mean something there (an empty label selector selects all)."""

_AS_WRITTEN: Final = frozenset({"options", "parameters", "nodeSelector"})
"""Maps whose keys the user chooses: a key is not a member's name there, and an empty value is a value."""

_EMPTY_HAS_MEANING: Final = frozenset({"dynamicBatching"})
"""An empty object switches dynamic batching on."""

_AMOUNT_OF: Final = {"emptyDir": "sizeLimit", "resourceFieldRef": "divisor"}
"""In a pod: the objects that hold an amount, and the member that it is."""

_NUMBER: Final = r"[+]?(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_QUANTITY: Final = re.compile(_NUMBER + r"(?P<suffix>[KMGTPE]i|[numkMGTPE])?", re.ASCII)
_EXPONENT: Final = re.compile(_NUMBER + r"[eE](?P<exponent>[+-]?[0-9]+)", re.ASCII)
_DURATION: Final = re.compile(r"([0-9]+)(us|ms|s|m|h)", re.ASCII)
_MICROSECONDS: Final = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000}
_LONGEST: Final = 32
"""Characters of an amount that the API takes; what is longer is none."""
_FACTORS: Final[Mapping[str | None, Fraction]] = {
    None: Fraction(1),
    **{suffix: Fraction(1, 1000**power) for power, suffix in enumerate("mun", start=1)},
    **{suffix: Fraction(1000**power) for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Fraction(1024**power) for power, suffix in enumerate("KMGTPE", start=1)},
}


def written_hash(spec: Mapping[str, Json]) -> str:
    """The hash of what the user wrote that makes a revision, as `sha256:` and 64 hexadecimal digits.

    Two specs with the same hash are the same revision as long as it is kept: going back to it resolves nothing.

    Args:
        spec: `spec` of a ModelDeployment as the API server stores it.

    Raises:
        RecursionError: free-form parts are nested deeper than Python's own JSON reader goes (about 1,000 levels).

    >>> source = {"uri": "s3://models/fraud/7"}
    >>> one = written_hash({"model": {"source": source}, "server": {"resources": {"limits": {"cpu": 1}}}})
    >>> one == written_hash({"model": {"source": source}, "server": {"resources": {"limits": {"cpu": "1000m"}}}})
    True
    >>> bare = written_hash({"model": {"source": source}})
    >>> bare == written_hash({"replicas": 3, "server": {}, "model": {"source": source, "smokeTest": [{"inputs": []}]}})
    True
    >>> bare == written_hash({"model": {"source": {"uri": "s3://models/fraud/8"}}})
    False
    """
    canonical = json.dumps(written(spec), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(b"tritium/written/v1\n" + canonical.encode()).hexdigest()


def revision_hash(written: str, fingerprint: str) -> str:
    """The eight characters that name a revision: what was written, and what the source then held.

    Args:
        written: from `written_hash`.
        fingerprint: of the source's listing (path, size, version of each file).

    >>> revision_hash("sha256:aa", "sha256:01") == revision_hash("sha256:aa", "sha256:02")
    False
    >>> len(revision_hash("sha256:aa", "sha256:01"))
    8
    """
    return hashlib.sha256(f"tritium/revision/v1\n{written}\n{fingerprint}".encode()).hexdigest()[:8]


def revision_name(owner: str, revision: str) -> str:
    """The name of a revision's ControllerRevision and Deployment.

    >>> revision_name("fraud", "0a1b2c3d")
    'fraud-0a1b2c3d'
    """
    return f"{owner}-{revision}"


def revision_of(name: str) -> str:
    """The revision that an object of it is named after; labels can be edited, a name cannot.

    >>> revision_of("fraud-0a1b2c3d")
    '0a1b2c3d'
    """
    return name[-8:]


def written(spec: Mapping[str, Json]) -> Json:
    """What the user wrote that makes a revision, in one form for one meaning.

    >>> spec = {"model": {"source": {"uri": "s3://m/1", "pollInterval": "5m"}, "config": {"dynamicBatching": {}}},
    ...         "server": {"env": [], "args": None, "shmSize": "1Gi"}, "replicas": 2}
    >>> written(spec)["model"]
    {'source': {'uri': 's3://m/1'}, 'config': {'dynamicBatching': {}}}
    >>> written(spec)["server"]
    {'shmSize': {'amount': '1073741824'}}
    """
    model = {name: value for name, value in (spec.get("model") or {}).items() if name != "smokeTest"}
    if isinstance(model.get("source"), Mapping):
        model["source"] = {name: value for name, value in model["source"].items() if name != "pollInterval"}
    return _typed({"model": model, "server": spec.get("server")})


def _typed(value: Json) -> Json:
    """Members whose absence and emptiness mean the same are left out."""
    if isinstance(value, Mapping):
        members = {name: _member(name, each) for name, each in value.items()}
        return {name: each for name, each in members.items() if each not in _EMPTY or name in _EMPTY_HAS_MEANING}
    if isinstance(value, list):
        return [_typed(each) for each in value]
    return _scalar(value)


def _member(name: str, value: Json) -> Json:
    match name:
        case _ if value in _EMPTY or name in _AS_WRITTEN:
            return value
        case _ if name in _FREE_FORM:
            return _free_form(value)
        case "resources":
            return {each: _amounts(amounts) for each, amounts in value.items() if amounts}
        case "shmSize":
            return amount(value)
        case "maxQueueDelay":
            return duration(value)
        case _:
            return _typed(value)


def _free_form(value: Json, within: str = "") -> Json:
    """As written, but for the amounts that a pod has: of resources, of volumes, of fields in its environment."""
    if isinstance(value, Mapping):
        return {name: _pod_member(name, each, within) for name, each in value.items()}
    if isinstance(value, list):
        return [_free_form(each, within) for each in value]
    return _scalar(value)


def _pod_member(name: str, value: Json, within: str) -> Json:
    if _AMOUNT_OF.get(within) == name:
        return amount(value)
    if within == "spec" and name == "overhead" and isinstance(value, Mapping):
        return _amounts(value)
    if within == "resources" and name in {"requests", "limits"} and isinstance(value, Mapping):
        return _amounts(value)
    return _free_form(value, name)


def _amounts(amounts: Mapping[str, Json]) -> Json:
    return {resource: amount(value) for resource, value in amounts.items()}


def _scalar(value: Json) -> Json:
    """A number without a fraction is one number, however it was written: 1.0 and 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def amount(value: Json) -> Json:
    """An amount of a resource in one form for one value.

    The form is one that nobody writes, so that what is no amount (a mistake, which may be corrected later) is never
    taken for one.

    >>> [amount(each)["amount"] for each in (2, "2", "+2", "2000m", "2e0", "2e0000")]
    ['2', '2', '2', '2', '2', '2']
    >>> amount("1Ki"), amount("0.5") == amount("500m"), amount("1/2"), amount("1e99999")
    ({'amount': '1024'}, True, {'written': '1/2'}, {'written': '1e99999'})
    """
    text = str(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(text) > _LONGEST:
        return {"written": value}
    if match := _QUANTITY.fullmatch(text):
        return {"amount": str(Fraction(match["number"]) * _FACTORS[match["suffix"]])}
    if (match := _EXPONENT.fullmatch(text)) and abs(exponent := int(match["exponent"])) <= _LONGEST:
        return {"amount": str(Fraction(match["number"]) * Fraction(10) ** exponent)}
    return {"written": value}


def duration(value: Json) -> Json:
    """A duration in one form for one length.

    >>> duration("1000ms") == duration("1s"), duration("100us"), duration("soon")
    (True, {'microseconds': 100}, {'written': 'soon'})
    """
    parts = _DURATION.findall(value) if isinstance(value, str) and len(value) <= _LONGEST else []
    if not parts or "".join(number + unit for number, unit in parts) != value:
        return {"written": value}
    return {"microseconds": sum(int(number) * _MICROSECONDS[unit] for number, unit in parts)}


def length(text: str) -> timedelta:
    """A duration of the API, such as 1h30m.

    >>> length("1h30m")
    datetime.timedelta(seconds=5400)
    """
    return timedelta(microseconds=duration(text)["microseconds"])
