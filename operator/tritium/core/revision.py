"""Which revision a spec is: what makes a new one, and what does not.

A revision is identified by what the user wrote under `spec.model` and `spec.server`, and by what the source held
when it was listed. It is a contract across releases: a key that changed with an upgrade would restart every model.
So nothing that Tritium adds (defaults, rendered pods) goes into it, and `tests/golden/revisions.json` holds values
that must never change.

What is left out, because it does not change what a pod runs: replicas, scaling, rollout, traffic, labels, and
inside the model `smokeTest` and `source.pollInterval`.

Writing out a default is a change: it pins today's value, where the absent field follows the release that makes the
next revision.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

Json = Any

_FREE_FORM: Final = frozenset({"env", "tolerations", "affinity", "podTemplate"})
"""Members that Kubernetes defines. Emptiness can mean something there (an empty label selector selects all)."""

_EMPTY_HAS_MEANING: Final = frozenset({"dynamicBatching"})
"""An empty object switches dynamic batching on."""

_QUANTITY_MEMBERS: Final = frozenset({"shmSize", "sizeLimit", "divisor"})
_QUANTITY_MAPS: Final = frozenset({"requests", "limits"})

_QUANTITY: Final = re.compile(
    r"(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,3})?"
)
_FACTORS: Final[Mapping[str, Fraction]] = {
    "": Fraction(1),
    **{suffix: Fraction(1, 1000**power) for power, suffix in enumerate("mun", start=1)},
    **{suffix: Fraction(1000**power) for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Fraction(1024**power) for power, suffix in enumerate("KMGTPE", start=1)},
}


def written_hash(spec: Mapping[str, Json]) -> str:
    """The hash of what the user wrote that makes a revision, as `sha256:` and 64 hexadecimal digits.

    Two specs with the same hash are the same revision as long as it is kept: going back to it resolves nothing.

    Args:
        spec: `spec` of a ModelDeployment as the API server stores it.

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


def written(spec: Mapping[str, Json]) -> Json:
    """What the user wrote that makes a revision, in one form for one meaning.

    >>> written({"model": {"source": {"uri": "s3://m/1", "pollInterval": "5m"}, "config": {"dynamicBatching": {}}},
    ...          "server": {"env": [], "shmSize": "1Gi", "args": None}, "replicas": 2})
    {'model': {'source': {'uri': 's3://m/1'}, 'config': {'dynamicBatching': {}}}, 'server': {'shmSize': '1073741824'}}
    """
    model = {name: value for name, value in (spec.get("model") or {}).items() if name != "smokeTest"}
    if isinstance(model.get("source"), Mapping):
        model["source"] = {name: value for name, value in model["source"].items() if name != "pollInterval"}
    return _typed({"model": model, "server": spec.get("server")})


def _typed(value: Json) -> Json:
    """Members whose absence and emptiness mean the same are left out."""
    if isinstance(value, Mapping):
        members = {name: _member(name, each) for name, each in value.items()}
        return {
            name: each for name, each in members.items() if each not in (None, {}, []) or name in _EMPTY_HAS_MEANING
        }
    if isinstance(value, list):
        return [_typed(each) for each in value]
    return _scalar(value)


def _member(name: str, value: Json) -> Json:
    if name in _FREE_FORM:
        return _free_form(value)
    return _amounts(name, value, _typed)


def _free_form(value: Json) -> Json:
    """As written, but for amounts."""
    if isinstance(value, Mapping):
        return {name: _amounts(name, each, _free_form) for name, each in value.items()}
    if isinstance(value, list):
        return [_free_form(each) for each in value]
    return _scalar(value)


def _amounts(name: str, value: Json, otherwise: Any) -> Json:
    """Amounts in one form, wherever a pod has them; anything else by `otherwise`."""
    if name in _QUANTITY_MEMBERS:
        return quantity(value)
    if name in _QUANTITY_MAPS and isinstance(value, Mapping):
        return {resource: quantity(amount) for resource, amount in value.items()}
    return otherwise(value)


def _scalar(value: Json) -> Json:
    """A number without a fraction is one number, however it was written: 1.0 and 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def quantity(value: Json) -> Json:
    """An amount of a resource in one form for one value; what is no amount stays as it is.

    >>> [quantity(each) for each in (2, "2", "2000m", "2e0", "1Ki", "0.5", "500m", "half")]
    ['2', '2', '2', '2', '1024', '1/2', '1/2', 'half']
    """
    match = _QUANTITY.fullmatch(str(value)) if isinstance(value, int | float | str) else None
    if match is None or isinstance(value, bool):
        return value
    number, suffix = match["number"], match["suffix"] or ""
    if suffix in _FACTORS:
        return str(Fraction(number) * _FACTORS[suffix])
    return str(Fraction(number + suffix))  # an exponent, as in 2e3
