"""The network of an emulated chip as a differentiable function."""

from __future__ import annotations

from typing import Literal

from mgd_lab.reference.pytorch import Tensor, Torch
from sim_instruments.chain import Chain, as_chain
from sim_instruments.network import MultilayerPerceptron
from sim_instruments.torch_network import torch_forward


class DifferentiableNetwork:
    """Outputs in two halves, since a softmax and the logarithm after it are exact as one.

    Args:
        torch: the module.
        network: without imperfections.
        precision: of the parameters that it will be given.
        device: where they lie.
    """

    def __init__(
        self, torch: Torch, network: object, precision: Literal["float32", "float64"], device: str
    ) -> None:
        self._torch = torch
        self._probabilities = bool(getattr(network, "gives_probabilities", False))
        if isinstance(network, MultilayerPerceptron):
            network = as_chain(network)
        self._ends_in_logarithm = self._probabilities
        if self._probabilities and isinstance(network, Chain):
            network = Chain(network.shapes[0], network.layers[:-1])
            self._ends_in_logarithm = False
        self._forward = torch_forward(network, precision, device)

    def scores(self, theta: Tensor, inputs: Tensor) -> Tensor:
        """theta (P,), inputs (n, I) → (n, O), of which a chip of probabilities shows the softmax.

        The scores of a module that returns probabilities are their logarithms.
        """
        found = self._forward(theta, inputs)
        if not self._ends_in_logarithm:
            return found
        return found.clamp_min(self._torch.finfo(found.dtype).tiny).log()

    def outputs(self, scores: Tensor) -> Tensor:
        """Scores (n, O) → what the chip returns."""
        return scores.softmax(1) if self._probabilities else scores
