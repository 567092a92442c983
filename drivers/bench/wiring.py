"""The knobs of a chip as columns of levels, and how readings become outputs and costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ChipDescription
from mgd_lab.chip.instruments import Instrument
from mgd_lab.errors import LimitError
from mgd_lab.experiment.bench_mapping import BenchMapping
from mgd_lab.experiment.bench_terminals import Conversion, Knob, OutputMap

Float64 = NDArray[np.float64]
Columns = NDArray[np.intp]
Readings = Mapping[str, Float64]
"""Instrument → its readings (n, reads, channels) of n probes."""


class Sources:
    """K knobs in a row: all parameters, then inputs, then targets.

    Args:
        instruments: by name; they need not be connected.
        parameters, inputs, targets: what is mapped to them.
        settle_seconds: of knobs that say nothing of it.
        envelope: limits and safe values of the trained parameters; None where nothing is trained.

    Attributes:
        knobs: in the order of the columns.
        trained: columns of θ, (P,).
        inputs, targets: columns of a sample, (I,) and (O,) or none.
        columns: instrument → its columns.
        resting: value of each knob while outputs are on and nothing is presented, (K,).
        safe: value at which it is left, (K,).
        settle_seconds: wait after it changes, (K,).
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        parameters: Sequence[Knob],
        inputs: Sequence[Knob] = (),
        targets: Sequence[Knob] = (),
        *,
        settle_seconds: float,
        envelope: ChipDescription | None = None,
    ) -> None:
        self.knobs: Sequence[Knob] = (*parameters, *inputs, *targets)
        trained = [k for k, knob in enumerate(parameters) if knob.held is None]
        self.trained: Columns = np.array(trained, np.intp)
        first = len(parameters)
        self.inputs: Columns = np.arange(first, first + len(inputs))
        self.targets: Columns = np.arange(first + len(inputs), len(self.knobs))
        self.columns = _columns(self.knobs)
        self.safe = np.array([knob.safe for knob in self.knobs])
        self.resting = np.array(
            [knob.safe if knob.held is None else knob.held for knob in self.knobs]
        )
        self.settle_seconds = np.array(
            [_settling(settle_seconds, instruments, knob) for knob in self.knobs]
        )
        self._low = np.array([knob.low for knob in self.knobs])
        self._high = np.array([knob.high for knob in self.knobs])
        if envelope is not None:
            for values, narrowed in (
                (self.safe, envelope.safe),
                (self.resting, envelope.safe),
                (self._low, envelope.low),
                (self._high, envelope.high),
            ):
                values[self.trained] = narrowed
        self._conversion = (
            np.array([knob.conversion.slope for knob in self.knobs]),
            np.array([knob.conversion.offset for knob in self.knobs]),
        )

    def levels(self, values: Float64) -> Float64:
        """Values (…, K) → levels (…, K).

        Raises:
            LimitError: a value lies outside its range, or is no number.
        """
        wrong = ~((values >= self._low) & (values <= self._high))
        if wrong.any():
            place = tuple(int(axis[0]) for axis in np.nonzero(wrong))
            knob = self.knobs[place[-1]]
            raise LimitError(
                f"{knob.name} (channel {knob.channel!r} of {knob.instrument}) was to be set to "
                f"{values[place]:.9g} {knob.unit}; its limits are {self._low[place[-1]]:g} to "
                f"{self._high[place[-1]]:g} {knob.unit}. Nothing was sent"
            )
        slopes, offsets = self._conversion
        return (values - offsets) / slopes

    def values(self, levels: Float64) -> Float64:
        """Levels (…, K) → values (…, K)."""
        slopes, offsets = self._conversion
        return levels * slopes + offsets


@dataclass(frozen=True)
class _Place:
    """Where a quantity is read: a column of an instrument's readings, and what it becomes."""

    instrument: str
    column: int
    conversion: Conversion


class Meters:
    """What is read of a probe.

    Attributes:
        reads: readings of every meter a probe.
        names: instruments that are read at every probe.
    """

    def __init__(self, bench: BenchMapping, instruments: Mapping[str, Instrument]) -> None:
        self.reads = bench.reads_per_probe
        self._outputs = [
            (output, _place(instruments, output.instrument, output.channel, output.conversion))
            for output in bench.outputs
        ]
        self._seconds = {name: each.times.reading for name, each in instruments.items()}
        cost = bench.cost
        self._cost = (
            _place(instruments, cost.instrument, cost.channel, cost.conversion)
            if cost.instrument is not None and cost.channel is not None
            else None
        )
        places = [place for _, place in self._outputs]
        if self._cost is not None:
            places.append(self._cost)
        self.names = tuple(dict.fromkeys(place.instrument for place in places))

    def outputs(self, readings: Readings) -> Float64:
        """(n, O), in the outputs' unit."""
        columns = [self._taken(output, place, readings) for output, place in self._outputs]
        return np.stack(columns, axis=1)

    def costs(self, readings: Readings) -> Float64:
        """(n,), as the chip computed them."""
        if self._cost is None:
            raise LimitError("the bench reads no cost")
        place = self._cost
        return place.conversion.value(_mean(readings[place.instrument][:, :, place.column]))

    def _taken(self, output: OutputMap, place: _Place, readings: Readings) -> Float64:
        values = place.conversion.value(_mean(readings[place.instrument][:, :, place.column]))
        if output.take == "integral":
            return values * (self.reads * self._seconds[place.instrument])
        if output.threshold is not None:
            return (values > output.threshold).astype(np.float64)
        return values


def _mean(readings: Float64) -> Float64:
    """(n, reads) → (n,), added from left to right so that it does not depend on n."""
    if readings.shape[1] == 1:
        return readings[:, 0].copy()
    return np.add.accumulate(readings, axis=1)[:, -1] / readings.shape[1]


def meter_column(instrument: Instrument, channel: str) -> int:
    """Which column of its readings a channel is."""
    names = [each.name for each in instrument.channels if each.direction == "meter"]
    return names.index(channel)


def _place(
    instruments: Mapping[str, Instrument], name: str, channel: str, conversion: Conversion
) -> _Place:
    return _Place(name, meter_column(instruments[name], channel), conversion)


def _columns(knobs: Sequence[Knob]) -> dict[str, Columns]:
    found: dict[str, list[int]] = {}
    for k, knob in enumerate(knobs):
        found.setdefault(knob.instrument, []).append(k)
    return {name: np.array(columns, np.intp) for name, columns in found.items()}


def _settling(usual: float, instruments: Mapping[str, Instrument], knob: Knob) -> float:
    asked = usual if knob.settle_seconds is None else knob.settle_seconds
    return max(asked, instruments[knob.instrument].times.level)
