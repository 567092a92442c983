"""Cost and accuracy with unperturbed parameters; it disturbs neither codes, nor order, nor θ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import (
    Chip,
    HoldsSamples,
    MeasuresCost,
    MeasuresDense,
    MeasuresOutputs,
    MeasuresSigns,
)
from mgd_lab.controller.guards import CostGuard, check_overflow
from mgd_lab.controller.pausing import Cause, PauseControl
from mgd_lab.controller.returned import check_shape
from mgd_lab.costs import CostFunction
from mgd_lab.datasets import TargetKind, accuracy
from mgd_lab.errors import CapabilityError, GuardError, MeasurementError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class EvaluationSet:
    """The samples that are looked at: name of the split, inputs (n, I), targets (n, O)."""

    split: str
    inputs: Float32
    targets: Float32
    target_kind: TargetKind


class Evaluator:
    """Presents every sample of the set once, in blocks up to the chip's largest.

    `left_off` is how many probes the last evaluation had measured when it was left off.
    """

    def __init__(
        self,
        chip: Chip,
        cost: CostFunction,
        samples: EvaluationSet,
        largest_block: int,
        guard: CostGuard,
        pause: PauseControl,
    ) -> None:
        self._chip = chip
        self._cost = cost
        self._largest = largest_block
        self._name = chip.description.name
        self._count = len(samples.inputs)
        self._guard = guard
        self._pause = pause
        self.samples = samples
        self.left_off = 0

    def evaluate(
        self, sent: Float32, interrupted: Callable[[], bool]
    ) -> tuple[float, float | None] | None:
        """Mean cost and accuracy at θ (P,) as sent; accuracy is None where only costs come.

        None altogether where `interrupted` was true between two blocks, or a guard refused a cost
        and asked for a pause.
        """
        costs: list[Float64] = []
        outputs: list[Float64] = []
        for start in range(0, len(self.samples.inputs), self._largest):
            self.left_off = start
            if start and interrupted():
                return None
            block, returned = self._block(sent, start, min(start + self._largest, self._count))
            if not self._passes(block, start):
                self.left_off = start + len(block)
                return None
            costs.append(block)
            if returned is not None:
                outputs.append(returned)
        self.left_off = 0
        all_costs = np.concatenate(costs)
        # Left to right, as everywhere.
        cost = float(np.add.accumulate(all_costs)[-1]) / len(all_costs)
        if not outputs:
            return cost, None
        return cost, accuracy(
            np.concatenate(outputs), self.samples.targets, self.samples.target_kind
        )

    def _passes(self, costs: Float64, start: int) -> bool:
        """Whether costs (n,) of the samples from `start` are good; False asks for a pause."""
        trip = self._guard.judge(costs)
        if trip is None:
            return True
        message = (
            f"chip {self._name!r} returned a cost of {costs[trip.place]} for sample "
            f"{start + trip.place} of the {self.samples.split} split while it was evaluated, "
            f"{trip.why}"
        )
        if self._guard.pauses:
            self._pause.ask(Cause(message, "cost"))
            return False
        raise MeasurementError(message) if trip.kind == "number" else GuardError(message)

    def _block(self, sent: Float32, start: int, stop: int) -> tuple[Float64, Float64 | None]:
        """Costs, and outputs where the chip returns them, of neighbouring samples."""
        chip, rungs = self._chip, self._chip.description.rungs
        inputs, targets = self.samples.inputs[start:stop], self.samples.targets[start:stop]
        if "forward" in rungs and isinstance(chip, MeasuresOutputs):
            outputs = chip.outputs(sent.astype(np.float64), inputs)
            check_shape(outputs, targets.shape, "outputs", self._name)
            check_overflow(outputs, "outputs", self._name)
            return self._cost(outputs, targets), outputs
        if "cost" in rungs and isinstance(chip, MeasuresCost):
            costs = chip.costs(sent.astype(np.float64), inputs, targets)
        else:
            costs = self._from_memory(sent, start, len(inputs))
        check_shape(costs, (len(inputs),), "costs", self._name)
        return costs, None

    def _from_memory(self, sent: Float32, start: int, count: int) -> Float64:
        """Chips that only take blocks hold the evaluated samples from place 0 (see `fits`)."""
        chip, rungs = self._chip, self._chip.description.rungs
        samples = np.arange(start, start + count, dtype=np.uint32)
        if "dense" in rungs and isinstance(chip, MeasuresDense):
            return chip.measure_dense(sent, samples, np.zeros((count, len(sent)), np.float32))
        if "signs" in rungs and isinstance(chip, MeasuresSigns):
            no_bits = np.zeros((count, -(-len(sent) // 8)), np.uint8)
            return chip.measure_signs(sent, samples, np.zeros(count, np.int8), no_bits)
        raise CapabilityError(
            f"chip {self._name!r} can neither return outputs, nor costs of given "
            "inputs, nor measure blocks of probes: it cannot be evaluated"
        )


def needs_memory(chip: Chip) -> bool:
    """True where a chip can be evaluated only on the samples that it holds."""
    rungs = chip.description.rungs
    returns_outputs = "forward" in rungs and isinstance(chip, MeasuresOutputs)
    returns_costs = "cost" in rungs and isinstance(chip, MeasuresCost)
    return isinstance(chip, HoldsSamples) and not (returns_outputs or returns_costs)
