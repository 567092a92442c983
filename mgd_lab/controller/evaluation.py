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
from mgd_lab.controller.returned import check_shape
from mgd_lab.costs import CostFunction
from mgd_lab.datasets import TargetKind, accuracy
from mgd_lab.errors import CapabilityError, MeasurementError

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
    """Presents every sample of the set once, in blocks up to the chip's largest."""

    def __init__(
        self, chip: Chip, cost: CostFunction, samples: EvaluationSet, largest_block: int
    ) -> None:
        self._chip = chip
        self._cost = cost
        self._largest = largest_block
        self.samples = samples

    def evaluate(
        self, sent: Float32, interrupted: Callable[[], bool]
    ) -> tuple[float, float | None] | None:
        """Mean cost and accuracy at θ (P,) as sent; accuracy is None where only costs come.

        None altogether where `interrupted` was true between two blocks.
        """
        chip, largest = self._chip, self._largest
        costs: list[Float64] = []
        outputs: list[Float64] = []
        for start in range(0, len(self.samples.inputs), largest):
            if start and interrupted():
                return None
            inputs = self.samples.inputs[start : start + largest]
            targets = self.samples.targets[start : start + largest]
            if isinstance(chip, MeasuresOutputs) and "forward" in chip.description.rungs:
                block = chip.outputs(sent.astype(np.float64), inputs)
                check_shape(block, targets.shape, "outputs", chip.description.name)
                outputs.append(block)
                costs.append(self._cost(block, targets))
                continue
            if isinstance(chip, MeasuresCost) and "cost" in chip.description.rungs:
                block = chip.costs(sent.astype(np.float64), inputs, targets)
            else:
                block = self._from_memory(sent, start, len(inputs))
            check_shape(block, (len(inputs),), "costs", chip.description.name)
            costs.append(block)
        all_costs = np.concatenate(costs)
        if not np.isfinite(all_costs).all():
            k = int(np.argmin(np.isfinite(all_costs)))
            raise MeasurementError(
                f"chip {chip.description.name!r} returned a cost of {all_costs[k]} for sample {k} "
                f"of the {self.samples.split} split while it was evaluated"
            )
        # Left to right, as everywhere.
        cost = float(np.add.accumulate(all_costs)[-1]) / len(all_costs)
        if not outputs:
            return cost, None
        return cost, accuracy(
            np.concatenate(outputs), self.samples.targets, self.samples.target_kind
        )

    def _from_memory(self, sent: Float32, start: int, count: int) -> Float64:
        """Chips that only take blocks hold the evaluated samples from place 0 (see `fits`)."""
        chip = self._chip
        samples = np.arange(start, start + count, dtype=np.uint32)
        if isinstance(chip, MeasuresDense) and "dense" in chip.description.rungs:
            return chip.measure_dense(sent, samples, np.zeros((count, len(sent)), np.float32))
        if isinstance(chip, MeasuresSigns):
            no_bits = np.zeros((count, -(-len(sent) // 8)), np.uint8)
            return chip.measure_signs(sent, samples, np.zeros(count, np.int8), no_bits)
        raise CapabilityError(
            f"chip {chip.description.name!r} can neither return outputs, nor costs of given "
            "inputs, nor measure blocks of probes: it cannot be evaluated"
        )


def needs_memory(chip: Chip) -> bool:
    """True where a chip can be evaluated only on the samples that it holds."""
    rungs = chip.description.rungs
    direct = (isinstance(chip, MeasuresOutputs) and "forward" in rungs) or (
        isinstance(chip, MeasuresCost) and "cost" in rungs
    )
    return isinstance(chip, HoldsSamples) and not direct
