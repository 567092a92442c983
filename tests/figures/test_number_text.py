from __future__ import annotations

import pytest

from mgd_lab.figures.number_text import decade_text, steps_text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (500, "500"), (20_000, "20k"), (1_500_000, "1.5M"), (2e9, "2G"), (2_500, "2.5k")],
)
def test_steps(value: float, text: str) -> None:
    assert steps_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01, "0.01"),
        (1.0, "1"),
        (100.0, "100"),
        (1e-3, "10⁻³"),
        (1e12, "10¹²"),
        (5e-4, "5·10⁻⁴"),
        (0.2, "0.2"),
    ],
)
def test_decades(value: float, text: str) -> None:
    assert decade_text(value) == text
