"""One request to a model, in the JSON of the KServe v2 protocol: from a file, from inputs, or from a smoke test."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tritium.api import names
from tritium.cli.complaints import Complaint
from tritium.cli.facts.model import ModelFacts

_NOT_IN_JSON: Final = frozenset({"FP16", "BF16"})


def service(facts: ModelFacts, *, preview: bool) -> str:
    """The Service that the request is sent to.

    Raises:
        Complaint: the model has no such address.
    """
    if preview and facts.status.preview_url is None:
        raise Complaint(
            f"{facts.name} has no preview: it has one with rollout.strategy: blueGreen, once that is observed"
        )
    if facts.status.url is None and not preview:
        raise Complaint(f"{facts.name} has no address yet: {facts.status.reason or 'nothing serves'}; see its status")
    return names.preview_service(facts.name) if preview else facts.name


def of_text(text: str, name: str) -> dict[str, Any]:
    """A whole request, as a file has it.

    Raises:
        Complaint: it is none.
    """
    try:
        body = json.loads(text)
    except ValueError as error:
        raise Complaint(f"{name} is not JSON: {error}") from error
    if not isinstance(body, dict) or not isinstance(body.get("inputs"), list):
        raise Complaint(f'{name} is no request: it must be an object with a list "inputs"')
    return body


def of_smoke_test(facts: ModelFacts) -> dict[str, Any]:
    """The inputs of the first smoke test.

    Raises:
        Complaint: there is none, or JSON cannot carry its inputs.
    """
    tests = facts.spec["model"].get("smokeTest") or ()
    if not tests:
        raise Complaint(
            f"{facts.name} has no model.smokeTest to take inputs from: give --input NAME=JSON or --data FILE"
        )
    inputs = tests[0]["inputs"]
    for each in inputs:
        if each["datatype"] in _NOT_IN_JSON:
            raise Complaint(f"input {each['name']} is {each['datatype']}, which JSON cannot carry: use tritonclient")
    return {"inputs": inputs}


def of_inputs(given: Sequence[str], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A request of inputs as they were typed, `NAME=JSON`; types and shapes are the model's.

    Args:
        given: flat or nested lists, or single elements. A text needs no quotes.
        metadata: of the model, as Triton answers `GET /v2/models/<model>`.

    Raises:
        Complaint: an input is not one of the model's, or does not fit its shape.

    >>> metadata = {"inputs": [{"name": "X", "datatype": "FP32", "shape": [-1, 2]}]}
    >>> of_inputs(["X=[1, 2, 3, 4]"], metadata)
    {'inputs': [{'name': 'X', 'datatype': 'FP32', 'shape': [2, 2], 'data': [1, 2, 3, 4]}]}
    """
    declared = {each["name"]: each for each in metadata.get("inputs") or ()}
    return {"inputs": [_input(each, declared) for each in given]}


def _input(given: str, declared: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    name, equals, text = given.partition("=")
    if not equals:
        raise Complaint(f"--input {given} has no value: write NAME=JSON, such as {given}=[1,2,3]")
    if name not in declared:
        raise Complaint(f"the model has no input {name}; its inputs are: {', '.join(declared) or 'none'}")
    datatype, wanted = declared[name]["datatype"], [int(each) for each in declared[name]["shape"]]
    if datatype in _NOT_IN_JSON:
        raise Complaint(f"input {name} is {datatype}, which JSON cannot carry: use tritonclient")
    value = _value(text, name, datatype)
    data = _flat(value)
    return {"name": name, "datatype": datatype, "shape": _shape(name, value, wanted, len(data)), "data": data}


def _value(text: str, name: str, datatype: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        if datatype == "BYTES":
            return text
        raise Complaint(f"--input {name}: {text} is not JSON: {error}") from error


def _shape(name: str, value: Any, wanted: list[int], count: int) -> list[int]:
    nested = _nested(value)
    if len(nested) == len(wanted) and math.prod(nested) == count:
        return nested
    known = math.prod(each for each in wanted if each >= 0)
    if len(nested) <= 1 and wanted.count(-1) == 1 and known and count % known == 0:
        return [count // known if each < 0 else each for each in wanted]
    if len(nested) <= 1 and -1 not in wanted and known == count:
        return wanted
    raise Complaint(f"--input {name}: {count} elements in shape {nested} do not fit the model's shape {wanted}")


def _nested(value: Any) -> list[int]:
    """The shape that lists within lists have, by the first of each."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _flat(value: Any) -> list[Any]:
    return [element for each in value for element in _flat(each)] if isinstance(value, list) else [value]
