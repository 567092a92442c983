"""Levels, counts and samples of an NI device against what its settings allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from drivers.instruments.nidaq_settings import AnalogInput, AnalogOutput
from mgd_lab.errors import ConfigurationError, LimitError, LinkError, MeasurementError

Float64 = NDArray[np.float64]

# A clocked task of DAQmx has two samples at least.
_FEWEST_SAMPLES = 2


def check_levels(
    place: str, outputs: Sequence[AnalogOutput], levels: Mapping[str, Float64]
) -> None:
    """LimitError where a level lies beyond its output's limits, or is no number."""
    for own in outputs:
        values = levels.get(own.channel)
        if values is None:
            continue
        wrong = np.flatnonzero(~((values >= own.low) & (values <= own.high)))
        if len(wrong):
            raise LimitError(
                f"{place}: {own.channel} was to be set to {values[wrong[0]]:.9g} V; its limits are "
                f"{own.low:g} to {own.high:g} V. Nothing was sent"
            )


def check_count(place: str, count: int, most: int, what: str) -> None:
    """ConfigurationError where a clock cannot pace so many."""
    if not _FEWEST_SAMPLES <= count <= most:
        raise ConfigurationError(
            f"{place}: {count} {what}; it takes {_FEWEST_SAMPLES} to {most} by a clock"
        )


def check_samples(place: str, inputs: Sequence[AnalogInput], samples: Float64, count: int) -> None:
    """Samples (inputs, n): LinkError where n is another than `count`.

    MeasurementError where one lies beyond its range, in which it would not be what is there.
    """
    if samples.shape[1] != count:
        raise LinkError(f"{place}: {samples.shape[1]} samples came, {count} were expected")
    for own, values in zip(inputs, samples, strict=True):
        wrong = np.flatnonzero(~((values >= own.low) & (values <= own.high)))
        if len(wrong):
            raise MeasurementError(
                f"{place}: sample {wrong[0]} of {own.channel} is {values[wrong[0]]:g} V, beyond "
                f"{own.low:g} to {own.high:g} V. Choose a larger range, or check the wiring"
            )
