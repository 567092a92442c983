"""What a chip says of itself."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from mgd_lab.chip import ChipDescription, ParameterGroup
from mgd_lab.errors import ConfigurationError

HEATERS = ParameterGroup("heaters", 3, "V", low=0.0, high=4.5, safe=0.5, resolution=0.01)
BIASES = ParameterGroup("biases", 2, "mA", perturbation_resolution=0.002)
CHIP = ChipDescription(
    name="mesh", groups=(HEATERS, BIASES), inputs=4, outputs=2, input_low=-1.0, largest_block=64
)


def test_columns_follow_the_order_of_the_groups() -> None:
    assert CHIP.parameters == 5
    assert CHIP.parameter_names == (
        "heaters[0]",
        "heaters[1]",
        "heaters[2]",
        "biases[0]",
        "biases[1]",
    )
    np.testing.assert_array_equal(CHIP.low, [0, 0, 0, -math.inf, -math.inf])
    np.testing.assert_array_equal(CHIP.high, [4.5, 4.5, 4.5, math.inf, math.inf])
    np.testing.assert_array_equal(CHIP.safe, [0.5, 0.5, 0.5, 0, 0])
    np.testing.assert_array_equal(CHIP.resolution, [0.01, 0.01, 0.01, 0, 0])
    np.testing.assert_array_equal(CHIP.perturbation_resolution, [0, 0, 0, 0.002, 0.002])


@pytest.mark.parametrize("column", ["low", "high", "safe", "resolution", "perturbation_resolution"])
def test_columns_cannot_be_written(column: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        getattr(CHIP, column)[0] = 1.0


def test_description_survives_json() -> None:
    text = json.dumps(CHIP.as_mapping(), allow_nan=False)
    assert ChipDescription.from_mapping(json.loads(text)) == CHIP


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "'heaters' has count 0"),
        ({"low": 5.0}, "low 5.0 must be below high 4.5"),
        ({"low": math.nan}, "low nan must be below"),
        ({"safe": 9.0}, "the safe value 9.0 V lies outside"),
        ({"safe": math.nan}, "the safe value nan"),
        ({"resolution": -0.1}, "resolution is -0.1"),
        ({"perturbation_resolution": math.inf}, "perturbation_resolution is inf"),
    ],
)
def test_impossible_groups_are_refused(changes, message) -> None:
    with pytest.raises(ConfigurationError, match=message):
        dataclasses.replace(HEATERS, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": (HEATERS, HEATERS)}, "'mesh': two parameter groups share a name"),
        ({"groups": ()}, "'mesh' has no parameters"),
        ({"inputs": 0}, r"inputs \(0\)"),
        ({"outputs": 0}, r"outputs \(0\)"),
        ({"largest_block": 0}, r"largest_block \(0\)"),
    ],
)
def test_impossible_chips_are_refused(changes, message) -> None:
    with pytest.raises(ConfigurationError, match=message):
        dataclasses.replace(CHIP, **changes)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda mapping: mapping.pop("groups"),
        lambda mapping: mapping.pop("name"),
        lambda mapping: mapping.update(colour="red"),
        lambda mapping: mapping.update(groups=[{"name": "heaters"}]),
        lambda mapping: mapping.update(groups=3),
        lambda mapping: mapping.update(groups=["heaters"]),
        lambda mapping: mapping.update(inputs=0),
        lambda mapping: mapping.update(inputs="many"),
    ],
)
def test_a_mapping_that_is_no_description_is_refused(spoil) -> None:
    mapping = CHIP.as_mapping()
    spoil(mapping)
    with pytest.raises(ConfigurationError):
        ChipDescription.from_mapping(mapping)
