"""Capabilities are recognised by their methods."""

from __future__ import annotations

import pytest

from mgd_lab.chip import (
    Chip,
    HoldsParameters,
    HoldsSamples,
    MeasuresCost,
    MeasuresDense,
    MeasuresOutputs,
    MeasuresSigns,
    PerturbsNodes,
)
from sim_instruments.emulated import EmulatedChip
from sim_instruments.network import MultilayerPerceptron

CAPABILITIES = [
    HoldsParameters,
    HoldsSamples,
    MeasuresCost,
    MeasuresDense,
    MeasuresOutputs,
    MeasuresSigns,
    PerturbsNodes,
]


class _OutputsOnly:
    """A chip that has one capability."""

    description = None
    identity = None

    def __enter__(self): ...

    def __exit__(self, kind, error, trace): ...

    def outputs(self, parameters, inputs): ...


@pytest.mark.parametrize("capability", [Chip, *CAPABILITIES])
def test_the_emulated_chip_has_every_capability(capability) -> None:
    assert isinstance(EmulatedChip(MultilayerPerceptron((2, 2, 1))), capability)


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_a_chip_has_only_what_it_implements(capability) -> None:
    chip = _OutputsOnly()
    assert isinstance(chip, Chip)
    assert isinstance(chip, capability) == (capability is MeasuresOutputs)
