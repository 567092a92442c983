"""Chips that do as they must, and chips that go wrong in one way each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mgd_lab.experiment.chip_settings import Limits
from sim_instruments.emulated import EmulatedChip
from sim_instruments.network import MultilayerPerceptron

NETWORK = MultilayerPerceptron((2, 2, 1))


class Altered(EmulatedChip):
    """`alter` sees the method's name and what it returns, and says what is returned instead."""

    def __init__(self, alter: Callable[[str, Any], Any], **keys: Any) -> None:
        super().__init__(NETWORK, name="altered", **keys)
        self._alter = alter

    def outputs(self, parameters, inputs):
        return self._alter("outputs", super().outputs(parameters, inputs))

    def costs(self, parameters, inputs, targets):
        outputs = EmulatedChip.outputs(self, parameters, inputs)
        return self._alter("costs", self._cost_of(outputs, targets))

    def measure_dense(self, theta, samples, perturbations):
        costs = super().measure_dense(theta, samples, perturbations)
        return self._alter("measure_dense", costs)

    def measure_signs(self, theta, samples, signs, packed_codes):
        costs = super().measure_signs(theta, samples, signs, packed_codes)
        return self._alter("measure_signs", costs)


class Faithful(EmulatedChip):
    """For subclasses that get one method wrong."""

    def __init__(self, **keys: Any) -> None:
        super().__init__(NETWORK, name="wrong", **keys)


class Guarded(EmulatedChip):
    """Keeps the extremes of θ + θ̃ that it was ever sent."""

    def __init__(self, low: float, high: float) -> None:
        limits = Limits.model_validate({"parameters": {"low": low, "high": high}})
        super().__init__(NETWORK, name="guarded", limits=limits, record_extremes=True)

    @property
    def lowest(self):
        return float(self.extremes()[0].min())

    @property
    def highest(self):
        return float(self.extremes()[1].max())


@pytest.fixture
def altered():
    return Altered


@pytest.fixture
def faithful():
    return Faithful


@pytest.fixture
def guarded():
    return Guarded
