"""Envoy's resources are those of the golden files; `golden.py` says how to rewrite them."""

import pytest

from tests.unit.gateway.golden import FILES, GOLDEN, rendered


@pytest.mark.parametrize("name", [*FILES, "bootstrap"])
def test_it_is_that_of_the_golden_file(name: str) -> None:
    assert rendered(name) == (GOLDEN / f"{name}.yaml").read_text()


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {*FILES, "bootstrap"}
