"""The CRD as text: `tritium crd`, and the files that `make generate` writes."""

import json
from typing import Any, Final

import yaml

_LINE: Final = 5000
"""A mapping whose JSON is shorter than this stands on one line: a member of the API is then a line, and the file
stays within 60 KB, where one key a line would take half as much again for indentation alone."""


_NOT_PLAIN: Final = frozenset(",:[]{}")
"""What a text without quotes cannot have on such a line."""

_ESCAPED: Final = frozenset('"\\')
"""What would be written as two characters between double quotes."""


class _OneLine(dict[str, Any]):
    """A mapping that is written on one line."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the name of the overridden parameter
        return True


def _one_line(dumper: _Dumper, mapping: _OneLine) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", mapping.items(), flow_style=True)


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    """Rules are full of single quotes, which would each be written twice between single ones."""
    quoted = "'" in text and _NOT_PLAIN.intersection(text) and not _ESCAPED.intersection(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if quoted else None)


_Dumper.add_representer(_OneLine, _one_line)
_Dumper.add_representer(str, _text)


def crd_yaml(crd: dict[str, Any]) -> str:
    """The CRD as YAML, a member of the API a line where it fits."""
    return yaml.dump(_fold(crd), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100_000)


def _fold(value: Any) -> Any:
    if isinstance(value, dict):
        if len(json.dumps(value)) < _LINE:
            return _OneLine(value)
        return {name: _fold(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_fold(each) for each in value]
    return value
