"""Which of the two ways a source's files are laid out: by what MLflow wrote beside them, or by their names alone."""

from collections.abc import Sequence

from tritium.api.fetch import FetchRequest
from tritium.sync import layout
from tritium.sync.mlflow import flavours
from tritium.sync.places import Plan


def needs_description(request: FetchRequest, paths: Sequence[str]) -> bool:
    """Whether the text of the MLmodel among the files has to be read before they can be laid out."""
    return request.source.mlflow is not None and flavours.decides(paths, request.layout)


def plan(request: FetchRequest, paths: Sequence[str], description: str | None = None) -> Plan:
    """Where everything goes.

    Args:
        request: what is asked for.
        paths: of the source's files.
        description: text of the MLmodel, where it is needed.

    Raises:
        NotAModel: why the files are none.
    """
    if description is None:
        return layout.plan(paths, request.model, request.layout)
    return flavours.plan(description, paths, request.model, request.layout)
