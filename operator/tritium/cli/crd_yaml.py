"""The CRD as text: `tritium crd`, and the files that `make generate` writes."""

import json
from typing import Any, Final

import yaml

_LINE: Final = 3000
"""A mapping whose JSON is shorter than this stands on one line: a member of the API is then a line, and the file
stays within 60 KB, where one key a line would take half as much again for indentation alone."""


class _OneLine(dict[str, Any]):
    """A mapping that is written on one line."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the name of the overridden parameter
        return True


def _one_line(dumper: _Dumper, mapping: _OneLine) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", mapping.items(), flow_style=True)


_Dumper.add_representer(_OneLine, _one_line)


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
