"""From the costs of perturbed nodes to a gradient of θ, and to updates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import Schedule, add_in_order, convolution_gradient, dense_gradient
from mgd_lab.chip import NodeLayer
from mgd_lab.controller.chunks import Chunk
from mgd_lab.controller.estimates import Updater
from mgd_lab.controller.layer_inputs import LayerInputs
from mgd_lab.controller.state import TrainingState

Float64 = NDArray[np.float64]

# Gradients made together: they stay in the processor's cache.
_CACHED_NUMBERS = 32768


def weight_gradients(layers: Sequence[NodeLayer], signals: Float64, inputs: Float64) -> Float64:
    """∂C/∂a of all nodes (n, M) and what enters the layers (n, K) → ∂C/∂θ (n, P)."""
    count = len(signals)
    gradients = np.empty((count, sum(layer.outputs * (layer.fan_in + 1) for layer in layers)))
    node, entry = 0, 0
    for layer in layers:
        own = signals[:, node : node + layer.nodes]
        entering = inputs[:, entry : entry + layer.width]
        if layer.kernel is None:
            weights, biases = dense_gradient(own, entering), own
        else:
            planes = own.reshape(count, layer.outputs, *layer.places)
            entered = entering.reshape(count, *layer.entering)
            weights = convolution_gradient(planes, entered, layer.kernel)
            # One column after another: a sum along rows would depend on the array's shape.
            places = own.reshape(count, layer.outputs, -1).transpose(2, 0, 1)
            biases = np.add.accumulate(places, axis=0)[-1]
        stop = layer.weights + layer.outputs * layer.fan_in
        gradients[:, layer.weights : stop] = weights.reshape(count, -1)
        gradients[:, layer.biases : layer.biases + layer.outputs] = biases
        node, entry = node + layer.nodes, entry + layer.width
    return gradients


class NodeEstimate:
    """G = Σ (Σ C̃ ã / ⟨ã²⟩) ⊗ x of a window, and the update at its end.

    The inner sum runs over the steps of one sample at one θ, which begin with a probe without
    perturbation: that one reported x.

    Args:
        schedule: tells where samples begin and end.
        layers: of the chip.
        mean_square: ⟨ã²⟩ of each node, (M,).
        scale: of G, as of `DiscreteEstimate`.
        updater: what moves θ.
        inputs: what the prober read.
    """

    def __init__(
        self,
        schedule: Schedule,
        layers: Sequence[NodeLayer],
        mean_square: Float64,
        scale: Literal["integral", "mean"],
        updater: Updater,
        inputs: LayerInputs,
    ) -> None:
        self._layers = layers
        self._mean_square = mean_square
        self._schedule = schedule
        self._paired = schedule.baseline == "paired"
        self._divisor = schedule.tau_theta if scale == "mean" else 1
        self._updater = updater
        self._inputs = inputs
        widest = max(len(mean_square), sum(layer.outputs * (layer.fan_in + 1) for layer in layers))
        self._together = max(1, _CACHED_NUMBERS // widest)

    def begin(self) -> None:
        """Probes will be measured; what was read of others that came to nothing is forgotten."""
        self._inputs.forget()

    def hold_baseline(self) -> None:
        """What enters the layers was read anew, with the baseline."""
        self._inputs.take(1)

    def add(
        self, state: TrainingState, chunk: Chunk, first: int, plus: Float64, reference: Float64
    ) -> None:
        """C and C0 (or C₊ and C₋), (n,) each, of the steps from `first` on of the chunk."""
        modulations = plus - reference
        if self._paired:
            modulations *= 0.5
        for start in range(0, len(modulations), self._together):
            part = modulations[start : start + self._together]
            self._add(state, chunk, first + start, part)

    def close_window(self, state: TrainingState) -> None:
        """The update by all that was added since the last; every sample is done with by then."""
        self._updater.update(state, state.total / self._divisor)
        state.total = np.zeros_like(state.total)

    def _add(self, state: TrainingState, chunk: Chunk, first: int, modulations: Float64) -> None:
        stop, in_force = first + len(modulations), self._inputs.in_force
        begins = [first + int(n) for n in np.flatnonzero(chunk.plan.fresh[first:stop])]
        edges = begins if begins and begins[0] == first else [first, *begins]
        inputs = [in_force] * (len(edges) - len(begins)) + [*self._inputs.take(len(begins))]
        signals: list[Float64] = []
        for begin, end in zip(edges, [*edges[1:], stop], strict=True):
            part = modulations[begin - first : end - first]
            signals.append(self._signal(chunk, state.signal, part, begin))
            state.signal = None
        step = chunk.plan.first_step + stop
        if self._schedule.last_fresh(step) != step:
            # More steps of the last sample are to come.
            state.signal = signals.pop()
        if signals:
            self._collect(state, np.stack(signals), np.stack(inputs[: len(signals)]))

    def _signal(
        self, chunk: Chunk, carried: Float64 | None, modulations: Float64, first: int
    ) -> Float64:
        """Σ C̃ ã (M,) with the steps from `first` on."""
        total = np.zeros_like(self._mean_square) if carried is None else carried
        return chunk.correlate(total, modulations, first)

    def _collect(self, state: TrainingState, signals: Float64, inputs: Float64) -> None:
        """Samples that are done with: Σ C̃ ã (s, M), and what entered, (s, K)."""
        terms = weight_gradients(self._layers, signals / self._mean_square, inputs)
        state.total = add_in_order(state.total, terms)
