"""Limits of a chip file narrow what the chip declares, and never widen it."""

from __future__ import annotations

import pytest

from mgd_lab.chip import ChipDescription, ParameterGroup
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.chip_settings import Limits
from mgd_lab.experiment.limits import narrowed


def chip(**keys):
    groups = (ParameterGroup("w", 2, **keys), ParameterGroup("b", 1, **keys))
    return ChipDescription("c", groups, inputs=1, outputs=1)


@pytest.mark.parametrize(
    ("quantity", "declared", "narrower", "wider"),
    [
        ("low", -2.0, -1.0, -3.0),
        ("high", 2.0, 1.0, 3.0),
        ("resolution", 0.1, 0.2, 0.05),
        ("perturbation_resolution", 0.1, 0.2, 0.05),
        ("slew_per_second", 2.0, 1.0, 3.0),
        ("writes_budget", 1000, 10, 1001),
    ],
)
def test_each_quantity_can_only_be_narrowed(quantity, declared, narrower, wider):
    own = chip(**{quantity: declared})
    found = narrowed(own, Limits.model_validate({"parameters": {quantity: narrower}}))
    assert getattr(found, quantity).tolist() == [narrower] * 3
    assert narrowed(own, Limits()) == own
    for where in ("parameters", "w"):
        limits = {"parameters": {quantity: wider}}
        if where == "w":
            limits = {"groups": {"w": {quantity: wider}}}
        with pytest.raises(ConfigurationError, match=rf"{where}.{quantity} is .*only be narrowed"):
            narrowed(own, Limits.model_validate(limits))


@pytest.mark.parametrize("quantity", ["slew_per_second", "writes_budget"])
def test_what_the_chip_leaves_open_may_be_anything(quantity):
    limits = {"parameters": {quantity: 7}, "groups": {"b": {quantity: 9}}}
    found = narrowed(chip(), Limits.model_validate(limits))
    assert getattr(found, quantity).tolist() == [7.0, 7.0, 9.0]
