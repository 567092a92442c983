"""A multilayer perceptron, many presentations at once, each with parameters of its own.

What one presentation gives does not depend on how many are computed together: every layer is
one sum of products a neuron, always in the same order; everything else is elementwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ParameterGroup
from sim_instruments.imperfections.neurons import NeuronVariation

Float64 = NDArray[np.float64]
Activation = Callable[[Float64], Float64]


@dataclass(frozen=True)
class MultilayerPerceptron:
    """Neurons computing activation(W x + b).

    Order of the parameters: all weight matrices layer by layer, each (outputs × inputs) in
    row-major order, then all biases layer by layer.
    """

    layers: tuple[int, ...]
    activation: str = "sigmoid"
    output_activation: str = "sigmoid"
    variation: NeuronVariation | None = None

    @property
    def groups(self) -> tuple[ParameterGroup, ...]:
        """Groups `weights1`, `weights2`, …, `biases1`, `biases2`, …"""
        pairs = list(zip(self.layers[1:], self.layers[:-1], strict=True))
        weights = [ParameterGroup(f"weights{k}", o * i) for k, (o, i) in enumerate(pairs, 1)]
        biases = [ParameterGroup(f"biases{k}", o) for k, (o, _) in enumerate(pairs, 1)]
        return (*weights, *biases)

    @property
    def parameters(self) -> int:
        """P."""
        return sum(group.count for group in self.groups)

    @property
    def inputs(self) -> int:
        """Width of a sample."""
        return self.layers[0]

    @property
    def outputs(self) -> int:
        """Width of what comes out."""
        return self.layers[-1]

    @property
    def neurons(self) -> int:
        """Places where an activation is computed; softmax goes over all outputs, and is none."""
        return sum(self.layers[1:-1]) + (0 if self.gives_probabilities else self.layers[-1])

    @property
    def gives_probabilities(self) -> bool:
        """Whether outputs are non-negative and sum to 1."""
        return self.output_activation == "softmax"

    @property
    def title(self) -> str:
        """Widths, for messages."""
        return "-".join(str(width) for width in self.layers)

    @cached_property
    def _slices(self) -> tuple[tuple[int, int, int, int, Activation], ...]:
        """A layer's outputs, inputs, first weight, first bias and activation."""
        first_bias = sum(o * i for o, i in zip(self.layers[1:], self.layers[:-1], strict=True))
        first_weight = 0
        slices: list[tuple[int, int, int, int, Activation]] = []
        for k, (o, i) in enumerate(zip(self.layers[1:], self.layers[:-1], strict=True)):
            last = k == len(self.layers) - 2
            function = ACTIVATIONS[self.output_activation if last else self.activation]
            slices.append((o, i, first_weight, first_bias, function))
            first_weight += o * i
            first_bias += o
        return tuple(slices)

    def forward(self, parameters: Float64, inputs: Float64) -> Float64:
        """parameters (n, P) or (1, P) for all, inputs (n, I) → outputs (n, O), all float64."""
        signal = inputs
        rows, neuron = len(parameters), 0
        for outputs, width, weight, bias, function in self._slices:
            weights = parameters[:, weight : weight + outputs * width]
            # Not matmul: what BLAS gives can depend on alignment, and so on the place in a block.
            signal = np.einsum("noi,ni->no", weights.reshape(rows, outputs, width), signal)
            signal += parameters[:, bias : bias + outputs]
            if self.variation is None or function is _softmax:
                signal = function(signal)
            else:
                signal = self.variation.activate(function, signal, neuron)
            neuron += outputs
        return signal


def _sigmoid(a: Float64) -> Float64:
    np.negative(a, out=a)
    np.exp(a, out=a)
    a += 1.0
    return np.reciprocal(a, out=a)


def _tanh(a: Float64) -> Float64:
    return np.tanh(a, out=a)


def _relu(a: Float64) -> Float64:
    return np.maximum(a, 0.0, out=a)


def _linear(a: Float64) -> Float64:
    return a


def _softmax(a: Float64) -> Float64:
    # One column after another: a sum along rows would depend on the array's shape.
    largest = a[:, 0].copy()
    for column in range(1, a.shape[1]):
        np.maximum(largest, a[:, column], out=largest)
    a -= largest[:, None]
    np.exp(a, out=a)
    total = a[:, 0].copy()
    for column in range(1, a.shape[1]):
        total += a[:, column]
    a /= total[:, None]
    return a


ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "relu": _relu,
    "linear": _linear,
    "softmax": _softmax,
}
