"""Initial values of whole groups."""

from __future__ import annotations

import numpy as np
import pytest

from mgd_lab.bench.initial import drawn_parameters
from mgd_lab.chip import ChipDescription, ParameterGroup
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment import Initial

CHIP = ChipDescription(
    name="two groups",
    groups=(ParameterGroup("weights", 2000), ParameterGroup("biases", 1000)),
    inputs=1,
    outputs=1,
)


def test_each_group_has_its_own_spread() -> None:
    spreads = {"weights": 0.25, "biases": 0.0}
    initial = Initial(distribution="normal", mean=1.0, standard_deviation=spreads)
    theta = drawn_parameters(initial, 4, CHIP)
    alone = drawn_parameters(Initial(distribution="normal", standard_deviation=0.25), 4, CHIP)

    np.testing.assert_array_equal(theta[:2000], 1.0 + alone[:2000])
    np.testing.assert_array_equal(theta[2000:], 1.0)


def test_one_number_may_stand_beside_groups() -> None:
    theta = drawn_parameters(Initial(low=-1.0, high={"weights": 3.0, "biases": -0.5}), 4, CHIP)

    assert theta.min() >= -1
    assert 2.9 < theta[:2000].max() <= 3
    assert theta[2000:].max() <= -0.5


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"low": {"weights": 0.0}}, "training.initial.low lacks biases"),
        (
            {"high": {"weights": 1.0, "biases": 1.0, "gains": 1.0}},
            "training.initial.high names gains",
        ),
        ({"high": {"weights": 1.0, "biases": -2.0}}, r"low is above training.initial.high for bia"),
    ],
)
def test_groups_that_do_not_fit_are_named(keys: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        drawn_parameters(Initial.model_validate(keys), 4, CHIP)


def test_a_spread_is_not_negative() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        Initial.model_validate(
            {"distribution": "normal", "standard_deviation": {"weights": -1.0, "biases": 1.0}}
        )
