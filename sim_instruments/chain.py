"""Networks of convolutions, pooling and dense layers, spelled out layer by layer, in NumPy.

The reference of every engine, and what computes where nothing else is installed. As in
`sim_instruments.network`, what one presentation gives does not depend on its neighbours.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mgd_lab.chip import ParameterGroup
from mgd_lab.experiment.chain import LayerSettings, Shape, shapes
from sim_instruments.imperfections.neurons import NeuronVariation
from sim_instruments.network import ACTIVATIONS, MultilayerPerceptron

Float64 = NDArray[np.float64]


class Stage(NamedTuple):
    """A layer with the shapes of its inputs and outputs, its first weight, bias and neuron."""

    layer: LayerSettings
    before: Shape
    after: Shape
    weights: int
    biases: int
    neuron: int

    @property
    def neurons(self) -> int:
        """Places of the output where an activation is computed; softmax is no neuron."""
        is_one = self.layer.kind not in ("conv", "dense", "max_pool", "softmax")
        return math.prod(self.after) if is_one else 0


class Chain:
    """Layers one after another; inputs are flattened in the order channels, rows, columns.

    Order of the parameters: all weights layer by layer, each in row-major order (convolution:
    outputs × inputs × rows × columns of the kernel; dense: outputs × inputs), then all biases layer
    by layer.

    Args:
        shape: channels, rows, columns of one sample.
        layers: at least one has parameters; softmax stands last only.
        variation: of the neurons, where they are not all alike.
    """

    def __init__(
        self,
        shape: Shape,
        layers: tuple[LayerSettings, ...],
        variation: NeuronVariation | None = None,
    ) -> None:
        self.layers = layers
        self.variation = variation
        self.shapes = shapes(shape, layers)

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The layers in their places."""
        pairs = list(zip(self.layers, self.shapes[:-1], self.shapes[1:], strict=True))
        weight, bias = 0, sum(layer.weights_and_biases(before)[0] for layer, before, _ in pairs)
        neuron = 0
        stages: list[Stage] = []
        for layer, before, after in pairs:
            stages.append(Stage(layer, before, after, weight, bias, neuron))
            neuron += stages[-1].neurons
            weights, biases = layer.weights_and_biases(before)
            weight, bias = weight + weights, bias + biases
        return tuple(stages)

    @property
    def groups(self) -> tuple[ParameterGroup, ...]:
        """Groups `weights1`, …, `biases1`, …, numbered by the layers that have parameters."""
        counts = [stage.layer.weights_and_biases(stage.before) for stage in self.stages]
        counts = [pair for pair in counts if pair[0]]
        weights = [ParameterGroup(f"weights{k}", w) for k, (w, _) in enumerate(counts, 1)]
        biases = [ParameterGroup(f"biases{k}", b) for k, (_, b) in enumerate(counts, 1)]
        return (*weights, *biases)

    @property
    def parameters(self) -> int:
        """P."""
        return sum(group.count for group in self.groups)

    @property
    def inputs(self) -> int:
        """Width of a sample."""
        return int(np.prod(self.shapes[0]))

    @property
    def outputs(self) -> int:
        """Width of what comes out."""
        return int(np.prod(self.shapes[-1]))

    @property
    def neurons(self) -> int:
        """Places where an activation is computed: each of a layer `relu`, `tanh`, `linear`, …"""
        return sum(stage.neurons for stage in self.stages)

    @property
    def gives_probabilities(self) -> bool:
        """Whether outputs are non-negative and sum to 1."""
        return self.layers[-1].kind == "softmax"

    @property
    def title(self) -> str:
        """Shapes, for messages."""
        different = [stage.after for stage in self.stages if stage.after != stage.before]
        return "-".join("x".join(map(str, shape)) for shape in (self.shapes[0], *different))

    def forward(self, parameters: Float64, inputs: Float64) -> Float64:
        """parameters (n, P) or (1, P) for all, inputs (n, I) → outputs (n, O), all float64."""
        signal = inputs
        for stage in self.stages:
            signal = passed(stage, parameters, signal, self.variation)
        return signal if signal is not inputs else inputs.copy()


def as_chain(network: MultilayerPerceptron) -> Chain:
    """The same network, parameter for parameter."""
    layers: list[LayerSettings] = []
    for k, width in enumerate(network.layers[1:], 1):
        last = k == len(network.layers) - 1
        function = network.output_activation if last else network.activation
        layers.append(LayerSettings(kind="dense", outputs=width))
        layers.append(LayerSettings.model_validate({"kind": function}))
    return Chain((network.layers[0], 1, 1), tuple(layers), network.variation)


def passed(
    stage: Stage, parameters: Float64, signal: Float64, variation: NeuronVariation | None
) -> Float64:
    """signal (n, width before) → (n, width after), a new array."""
    kind = stage.layer.kind
    if kind == "max_pool":
        return _pooled(stage, signal)
    if kind not in ("conv", "dense"):
        if variation is None or not stage.neurons:
            return ACTIVATIONS[kind](signal.copy())
        return variation.activate(ACTIVATIONS[kind], signal.copy(), stage.neuron)
    outputs = stage.after[0]
    seen = _windows(stage, signal) if kind == "conv" else signal[:, None, :]
    weights = parameters[:, stage.weights : stage.weights + outputs * seen.shape[2]]
    biases = parameters[:, stage.biases : stage.biases + outputs]
    # Not matmul: what BLAS gives can depend on alignment, and so on the place in a block.
    sums = np.einsum("noi,npi->nop", weights.reshape(len(parameters), outputs, -1), seen)
    sums += biases[:, :, None]
    return sums.reshape(len(signal), -1)


def _windows(stage: Stage, signal: Float64) -> Float64:
    """What each place of the output sees: (n, places, channels × kernel)."""
    planes = signal.reshape(-1, *stage.before)
    windows = sliding_window_view(planes, stage.layer.kernel, axis=(2, 3))
    _, rows, columns = stage.after
    ordered = windows.transpose(0, 2, 3, 1, 4, 5)
    return np.ascontiguousarray(ordered).reshape(len(signal), rows * columns, -1)


def _pooled(stage: Stage, signal: Float64) -> Float64:
    channels, rows, columns = stage.after
    size = stage.layer.size
    planes = signal.reshape(-1, *stage.before)[:, :, : rows * size, : columns * size]
    tiles = planes.reshape(-1, channels, rows, size, columns, size)
    return tiles.max(axis=(3, 5)).reshape(len(signal), -1)
