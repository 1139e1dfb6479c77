"""What a program is told by its environment: each field of its settings is the variable TRITIUM_<FIELD>."""

from collections.abc import Mapping
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

_PREFIX: Final = "TRITIUM_"

Told = TypeVar("Told", bound=BaseModel)


class SettingsInvalid(ValueError):
    """A variable is missing or has no meaning; the text names it."""


def read(settings: type[Told], environment: Mapping[str, str]) -> Told:
    """Read the settings; variables of other names are passed over.

    Raises:
        SettingsInvalid: with the variable's name.
    """
    variables = {name: _PREFIX + name.upper() for name in settings.model_fields}
    given = {name: environment[variable] for name, variable in variables.items() if variable in environment}
    try:
        return settings.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(f"{_PREFIX}{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors())
        raise SettingsInvalid(wrong) from error
