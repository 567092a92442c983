"""Rungs: the ways to have a block of probes measured, from θ, x, y a probe to packed bits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import (
    Chip,
    GeneratesProbes,
    MeasuresCost,
    MeasuresDense,
    MeasuresOutputs,
    MeasuresSigns,
    Rung,
)
from mgd_lab.controller.chunks import Chunk
from mgd_lab.controller.guards import check_overflow
from mgd_lab.controller.returned import check_shape
from mgd_lab.costs import CostFunction
from mgd_lab.errors import CapabilityError, ConfigurationError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


class Prober(Protocol):
    """Measures neighbouring probes of a chunk at θ (float32, as sent)."""

    def measure(self, theta: Float32, chunk: Chunk, first: int, stop: int) -> Float64:
        """Costs of the probes `first` … `stop − 1`, float64."""
        ...


class SignsProber:
    """Rung `signs`: codes as bits."""

    def __init__(self, chip: MeasuresSigns) -> None:
        self._chip = chip

    def measure(self, theta: Float32, chunk: Chunk, first: int, stop: int) -> Float64:
        """Costs of the probes `first` … `stop − 1`, float64."""
        if chunk.packed is None:
            raise ConfigurationError("rung signs needs codes of ±1 (random or walsh)")
        return self._chip.measure_signs(
            theta,
            chunk.samples[first:stop],
            chunk.plan.signs[first:stop],
            chunk.packed[first:stop],
        )


class DenseProber:
    """Rung `dense`: each probe's perturbation in float32, its sign applied."""

    def __init__(self, chip: MeasuresDense) -> None:
        self._chip = chip

    def measure(self, theta: Float32, chunk: Chunk, first: int, stop: int) -> Float64:
        """Costs of the probes `first` … `stop − 1`, float64."""
        signs = chunk.plan.signs[first:stop, None]
        rows = chunk.rows[first:stop]
        neighbours = chunk.perturbations.rows(int(rows[0]), int(rows[-1]) + 1)
        perturbations = (neighbours[rows - rows[0]] * signs).astype(np.float32)
        return self._chip.measure_dense(theta, chunk.samples[first:stop], perturbations)


class GeneratedProber:
    """Rung `generated`: the chip makes the probes itself."""

    def __init__(self, chip: GeneratesProbes) -> None:
        self._chip = chip

    def measure(self, theta: Float32, chunk: Chunk, first: int, stop: int) -> Float64:
        """Costs of the probes `first` … `stop − 1`, float64."""
        step = int(chunk.plan.probe_steps[first])
        skip = first - chunk.starts[step]
        return self._chip.measure_generated(theta, chunk.plan.first_step + step, skip, stop - first)


class _OneRegister(ABC):
    """Rungs whose chip has one register a parameter: the float64 sum θ + θ̃ is sent.

    Neighbouring probes that share the perturbation are presented in one call.
    """

    def __init__(self, name: str, inputs: Float32, targets: Float32) -> None:
        self._name = name
        self._inputs = inputs
        self._targets = targets

    def measure(self, theta: Float32, chunk: Chunk, first: int, stop: int) -> Float64:
        """Costs of the probes `first` … `stop − 1`, float64."""
        costs = np.empty(stop - first)
        wide = theta.astype(np.float64)
        start = first
        while start < stop:
            row, sign = chunk.rows[start], chunk.plan.signs[start]
            end = start + 1
            while end < stop and chunk.rows[end] == row and chunk.plan.signs[end] == sign:
                end += 1
            page_first, _, page = chunk.perturbations.page(int(row))
            parameters = wide + sign * page[row - page_first]
            samples = chunk.samples[start:end]
            costs[start - first : end - first] = self._present(
                parameters, self._inputs[samples], self._targets[samples]
            )
            start = end
        return costs

    @abstractmethod
    def _present(self, parameters: Float64, inputs: Float32, targets: Float32) -> Float64: ...


class CostProber(_OneRegister):
    """Rung `cost`: the chip computes the cost."""

    def __init__(self, chip: MeasuresCost, name: str, inputs: Float32, targets: Float32) -> None:
        super().__init__(name, inputs, targets)
        self._chip = chip

    def _present(self, parameters: Float64, inputs: Float32, targets: Float32) -> Float64:
        costs = self._chip.costs(parameters, inputs, targets)
        check_shape(costs, (len(inputs),), "costs", self._name)
        return costs


class ForwardProber(_OneRegister):
    """Rung `forward`: the chip returns outputs and the host computes the cost."""

    def __init__(
        self,
        chip: MeasuresOutputs,
        name: str,
        cost: CostFunction,
        inputs: Float32,
        targets: Float32,
    ) -> None:
        super().__init__(name, inputs, targets)
        self._chip = chip
        self._cost = cost

    def _present(self, parameters: Float64, inputs: Float32, targets: Float32) -> Float64:
        outputs = self._chip.outputs(parameters, inputs)
        check_shape(outputs, targets.shape, "outputs", self._name)
        check_overflow(outputs, "outputs", self._name)
        return self._cost(outputs, targets)


def prober_for(
    rung: Rung, chip: Chip, cost: CostFunction, inputs: Float32, targets: Float32
) -> Prober:
    """The prober of a rung that the chip has (see `choose_rung`); inputs (N, I), targets (N, O)."""
    name = chip.description.name
    if rung == "generated" and isinstance(chip, GeneratesProbes):
        return GeneratedProber(chip)
    if rung == "signs" and isinstance(chip, MeasuresSigns):
        return SignsProber(chip)
    if rung == "dense" and isinstance(chip, MeasuresDense):
        return DenseProber(chip)
    if rung == "cost" and isinstance(chip, MeasuresCost):
        return CostProber(chip, name, inputs, targets)
    if rung == "forward" and isinstance(chip, MeasuresOutputs):
        return ForwardProber(chip, name, cost, inputs, targets)
    raise CapabilityError(f"chip {name!r} does not have the rung {rung}")
