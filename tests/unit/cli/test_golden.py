"""The screens are those of the golden files; `golden.py` says how to rewrite them."""

from __future__ import annotations

import pytest

from tests.unit.cli.golden import GOLDEN, SCREENS, WHOLE, rendered


@pytest.mark.parametrize("name", SCREENS)
def test_the_screen_is_that_of_the_golden_file(name: str) -> None:
    assert rendered(name) == (GOLDEN / f"{name}.txt").read_text()


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(SCREENS)


@pytest.mark.parametrize("name", sorted(SCREENS.keys() - WHOLE))
def test_a_screen_fits_eighty_columns(name: str) -> None:
    assert max(len(line) for line in rendered(name).splitlines()) <= 80
