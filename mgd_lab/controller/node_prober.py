"""Node perturbation: blocks of probes whose pre-activations are perturbed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import PerturbsNodes
from mgd_lab.controller.chunks import Chunk
from mgd_lab.controller.layer_inputs import LayerInputs
from mgd_lab.controller.returned import check_shape

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


class NodeProber:
    """Each probe's perturbation of all nodes in float32; those without report layer inputs."""

    def __init__(self, chip: PerturbsNodes, name: str, inputs: LayerInputs) -> None:
        self._chip = chip
        self._name = name
        self._inputs = inputs

    def measure(self, theta: Float32, chunk: Chunk, first: int, stop: int) -> Float64:
        """Costs of the probes `first` … `stop − 1`, float64."""
        signs = chunk.plan.signs[first:stop]
        rows = chunk.rows[first:stop]
        neighbours = chunk.perturbations.rows(int(rows[0]), int(rows[-1]) + 1)
        perturbations = (neighbours[rows - rows[0]] * signs[:, None]).astype(np.float32)
        reads = signs == 0
        costs, inputs = self._chip.measure_nodes(
            theta, chunk.samples[first:stop], perturbations, reads
        )
        shape = (int(np.count_nonzero(reads)), self._inputs.width)
        check_shape(inputs, shape, "layer inputs", self._name)
        self._inputs.add(inputs)
        return costs
