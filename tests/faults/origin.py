"""A plugin of pytest for trials: the program under test must be the one beside the tests.

The environment has this project installed from its folder, and a test of that would notice no bug in a copy.
"""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    """When all modules of tests have been imported, and before any runs."""
    import tritium  # noqa: PLC0415 - any earlier pytest has not set the path

    here = session.config.rootpath / "operator"
    if not Path(tritium.__file__).is_relative_to(here):
        raise pytest.UsageError(f"tritium is imported from {tritium.__file__}, and not from {here}")
