"""The driver `bench`: a chip made of instruments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.bench.open_bench import OpenBench
from drivers.bench.settings import BenchSettings
from drivers.bench.wiring import Readings
from mgd_lab.costs import CostFunction
from mgd_lab.errors import (
    CapabilityError,
    ChipError,
    ConfigurationError,
    MeasurementError,
    MgdLabError,
)
from mgd_lab.experiment import ChipDriver

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


class BenchChip(OpenBench):
    """Presents probes and reads them, in whichever timing the bench has."""

    def __init__(self, settings: BenchSettings, library: Any = None) -> None:
        super().__init__(settings, library)
        self._cost: CostFunction | None = None
        self._inputs: Float32 = np.empty((0, self._description.inputs), np.float32)
        self._targets: Float32 = np.empty((0, self._description.outputs), np.float32)
        self._blocks = 0

    def outputs(self, parameters: Float64, inputs: Float32) -> Float64:
        """For parameters (P,), inputs (n, I) → outputs (n, O)."""
        if not self._settings.outputs:
            raise CapabilityError(f"{self._name}: only its cost is read; it has no outputs")
        values = self._presented(parameters, inputs, None)
        return self._parts.meters.outputs(self._measured(values))

    def takes_any_cost(self) -> bool:
        """Where the host computes the cost, it may be a function of the user's own."""
        return self._settings.cost.source == "host"

    def set_cost(self, cost: CostFunction) -> None:
        """The cost function from now on; CapabilityError where the chip computes another."""
        mapped = self._settings.cost
        if mapped.source == "instrument" and (cost.kind != mapped.computes or cost.label_smoothing):
            raise CapabilityError(
                f"{self._name}: the chip computes {mapped.computes} by itself (cost.computes); the "
                f"experiment asks for {cost.kind}"
                + (
                    f" with label_smoothing {cost.label_smoothing:g}"
                    if cost.label_smoothing
                    else ""
                )
            )
        self._cost = cost

    def costs(self, parameters: Float64, inputs: Float32, targets: Float32) -> Float64:
        """For parameters (P,), inputs (n, I), targets (n, O) → costs (n,)."""
        self._check_shape(targets, (len(inputs), self._description.outputs), "targets")
        values = self._presented(parameters, inputs, targets)
        return self._costs(self._measured(values), targets)

    def load_samples(self, inputs: Float32, targets: Float32) -> None:
        """Keeps inputs (N, I), targets (N, O) for blocks of probes."""
        total, memory = len(inputs), self._description.sample_memory
        if not 0 < total <= memory:
            raise CapabilityError(
                f"{self._name}: {total} samples are to be loaded; 1 to {memory} are kept "
                "(sample_memory)"
            )
        self._check_shape(inputs, (total, self._description.inputs), "inputs")
        self._check_shape(targets, (total, self._description.outputs), "targets")
        self._inputs, self._targets = inputs.copy(), targets.copy()

    def measure_dense(
        self, theta: Float32, samples: NDArray[np.uint32], perturbations: Float32
    ) -> Float64:
        """For theta (P,), samples (n,), perturbations (n, P) → costs (n,)."""
        self._check_shape(theta, (self._description.parameters,), "theta")
        shape = (len(samples), self._description.parameters)
        self._check_shape(perturbations, shape, "perturbations")
        if len(samples) and int(samples.max()) >= len(self._inputs):
            raise ChipError(
                f"{self._name}: sample {int(samples.max())} is asked for; {len(self._inputs)} are "
                "loaded"
            )
        parameters = theta.astype(np.float64) + perturbations.astype(np.float64)
        targets = self._targets[samples]
        values = self._presented(parameters, self._inputs[samples], targets)
        return self._costs(self._measured(values), targets)

    def read_telemetry(self) -> Float64:
        """Each parameter as read back, then each watched channel, (T,); NaN for no reading."""
        parts, settings = self._parts, self._settings
        found: list[float] = []
        if settings.readback:
            read = self._read_back("reading the sources back")
            found += read[: len(settings.parameter_knobs)].tolist()
        if settings.telemetry:
            found += self._exchanges.perform(parts.watched.read, "reading telemetry")
        if not found:
            raise CapabilityError(f"{self._name}: the chip file names no telemetry")
        return np.array(found)

    def _presented(self, parameters: Float64, inputs: Float32, targets: Float32 | None) -> Float64:
        """Values (n, K): parameters (P,) or (n, P), inputs (n, I), targets (n, O)."""
        n, sources = len(inputs), self._parts.sources
        if not 0 < n <= self._description.largest_block:
            raise ConfigurationError(
                f"{self._name}: a block of {n} probes; it takes 1 to "
                f"{self._description.largest_block}"
            )
        if parameters.ndim == 1:
            self._check_shape(parameters, (self._description.parameters,), "parameters")
        self._check_shape(inputs, (n, self._description.inputs), "inputs")
        values = np.tile(sources.resting, (n, 1))
        values[:, sources.trained] = parameters
        values[:, sources.inputs] = inputs
        if targets is not None and len(sources.targets):
            values[:, sources.targets] = targets
        return values

    def _measured(self, values: Float64) -> Readings:
        levels = self._parts.sources.levels(values)
        return self._exchanges.perform(
            lambda: self._block(values, levels), f"a block of {len(values)} probes", len(values)
        )

    def _block(self, values: Float64, levels: Float64) -> Readings:
        if not self._outputs.were_switched_on:
            raise ChipError(f"{self._name}: its outputs are off, so that nothing can be measured")
        self._values[:] = values[-1]
        try:
            readings = self._parts.timing.measure(levels)
        except MeasurementError as error:
            self._add_cause(error)
            raise
        self._blocks += 1
        self._outputs.look_after_block(self._settings.trips_every_blocks)
        if self._blocks % self._settings.errors_every_blocks == 0:
            self._parts.opening.drain_errors(list(self._parts.boxes.all))
            if not self._outputs.all_on():
                raise ChipError(f"{self._name}: an instrument has switched its outputs off")
        return readings

    def _add_cause(self, error: MeasurementError) -> None:
        """What a source says of itself may be why a meter overflowed."""
        try:
            self._outputs.look_for_trips()
        except MgdLabError as cause:
            error.add_note(str(cause))

    def _costs(self, readings: Readings, targets: Float32) -> Float64:
        if self._settings.cost.source == "instrument":
            return self._parts.meters.costs(readings)
        if self._cost is None:
            raise ChipError(f"{self._name}: it was asked for costs before set_cost")
        return self._cost(self._parts.meters.outputs(readings), targets)


DRIVER = ChipDriver(settings=BenchSettings, build=BenchChip)
