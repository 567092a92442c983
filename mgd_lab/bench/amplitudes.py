"""Amplitudes of the perturbation, one for each parameter, from the ways to write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mgd_lab.bench.by_group import by_group
from mgd_lab.chip import ChipDescription
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment import ChipSettings
from mgd_lab.experiment.emulation import SMALLEST_FLOAT32_AMPLITUDE

_KEY = "training.perturbation.amplitude"


def amplitudes_of(
    amplitude: float | Sequence[float] | Mapping[str, float], description: ChipDescription
) -> NDArray[np.float32]:
    """A number, a list of P numbers, or {group: number} → float32, shape (P,)."""
    if isinstance(amplitude, Mapping):
        values = by_group(amplitude, description, _KEY)
    elif isinstance(amplitude, Sequence):
        if len(amplitude) != description.parameters:
            raise ConfigurationError(
                f"{_KEY} lists {len(amplitude)} numbers; chip {description.name!r} has "
                f"{description.parameters} parameters"
            )
        values = np.array(amplitude)
    else:
        values = np.full(description.parameters, amplitude)
    with np.errstate(over="ignore", under="ignore"):
        rounded = values.astype(np.float32)
    wrong = np.flatnonzero(~(np.isfinite(rounded) & (rounded >= np.finfo(np.float32).tiny)))
    if len(wrong):
        raise ConfigurationError(
            f"{_KEY} is {values[wrong[0]]:g} for {description.parameter_names[int(wrong[0])]}; it "
            "must be a normal float32 number above 0"
        )
    return rounded


def check_precision(chip: ChipSettings, amplitudes: NDArray[np.float32]) -> None:
    """ConfigurationError where an emulated chip's float32 would drown the perturbation."""
    smallest = float(amplitudes.min())
    is_coarse = getattr(chip, "precision", None) == "float32"
    if is_coarse and smallest < SMALLEST_FLOAT32_AMPLITUDE:
        raise ConfigurationError(
            f"{_KEY} is {smallest:g}, and chip.precision float32: differences of costs would be "
            f"rounding for the most part; use at least {SMALLEST_FLOAT32_AMPLITUDE:g}, or "
            "precision: float64"
        )
