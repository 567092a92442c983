"""A network whose pre-activations can be perturbed, and which tells what enters its layers.

Computed by NumPy, whatever engine computes the other probes: exact in the same sense, and what one
presentation gives does not depend on its neighbours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import NodeLayer
from mgd_lab.errors import CapabilityError
from sim_instruments.chain import Chain, Stage, as_chain, passed
from sim_instruments.engines import Network
from sim_instruments.network import MultilayerPerceptron

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Numbers that a layer sees of presentations computed together, so that they fit into memory.
_NUMBERS_AT_ONCE = 2_000_000


class PerturbedNodes:
    """Presentations of one θ, each with its own perturbation of all nodes.

    Args:
        network: a `Chain` or a `MultilayerPerceptron`.

    Raises:
        CapabilityError: its layers are not known.
    """

    def __init__(self, network: Network) -> None:
        if isinstance(network, MultilayerPerceptron):
            network = as_chain(network)
        if not isinstance(network, Chain):
            raise CapabilityError(
                f"training.perturbation.target: nodes needs to know the layers, and those of "
                f"{network.title} are not: spell them out in network (kind: mlp or chain), or use "
                "target: parameters"
            )
        self._chain = network
        weighty = [stage for stage in network.stages if _has_nodes(stage)]
        self.layers = tuple(_layer(stage) for stage in weighty)
        self.nodes = sum(layer.nodes for layer in self.layers)
        self.width = sum(layer.width for layer in self.layers)
        largest = max(layer.fan_in * layer.nodes // layer.outputs for layer in self.layers)
        self._at_once = max(1, _NUMBERS_AT_ONCE // largest)

    def forward(
        self,
        theta: Float64,
        inputs: Float32,
        perturbations: Float32,
        reads: NDArray[np.bool_],
    ) -> tuple[Float64, Float64]:
        """theta (P,), inputs (n, I), perturbations (n, M), reads (n,) → outputs, layer inputs.

        Outputs (n, O); of the presentations in `reads`, what enters the layers, (r, K).
        """
        outputs = np.empty((len(inputs), self._chain.outputs))
        entered = np.empty((int(np.count_nonzero(reads)), self.width))
        read = 0
        for first in range(0, len(inputs), self._at_once):
            some = slice(first, first + self._at_once)
            stop = read + int(np.count_nonzero(reads[some]))
            outputs[some] = self._some(
                theta, inputs[some], perturbations[some], reads[some], entered[read:stop]
            )
            read = stop
        return outputs, entered

    def _some(
        self,
        theta: Float64,
        inputs: Float32,
        perturbations: Float32,
        reads: NDArray[np.bool_],
        entered: Float64,
    ) -> Float64:
        """Outputs (n, O) of presentations that fit into memory; fills `entered` (r, K)."""
        signal, node, entry = inputs.astype(np.float64), 0, 0
        # A diverging network overflows; what it then costs is the controller's to judge.
        with np.errstate(all="ignore"):
            for stage in self._chain.stages:
                width, has_nodes = signal.shape[1], _has_nodes(stage)
                if has_nodes:
                    entered[:, entry : entry + width] = signal[reads]
                    entry += width
                signal = passed(stage, theta[None], signal, self._chain.variation)
                if has_nodes:
                    signal += perturbations[:, node : node + signal.shape[1]]
                    node += signal.shape[1]
        return signal


def _has_nodes(stage: Stage) -> bool:
    return stage.layer.kind in ("conv", "dense")


def _layer(stage: Stage) -> NodeLayer:
    kernel = None
    if stage.layer.kind == "conv":
        high, wide = stage.layer.kernel
        kernel = high, wide
    return NodeLayer(stage.weights, stage.biases, stage.after[0], stage.before, kernel)
