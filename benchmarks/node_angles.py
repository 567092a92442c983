"""Angles between estimates and the true gradient, on noise-free emulated chips."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import NodeLayer
from mgd_lab.codes import packed_codes, unpack_signs
from mgd_lab.controller import weight_gradients
from mgd_lab.costs import CostFunction
from mgd_lab.experiment.emulation import EmulationSettings
from sim_instruments.emulated import EmulatedChip, emulated_chip

Float64 = NDArray[np.float64]
Data = tuple[NDArray[np.float32], NDArray[np.float32]]

AMPLITUDE = np.float32(1e-3)
_STEP = 1e-5
_BLOCK = 1024


class Block(NamedTuple):
    """Estimates of neighbouring steps: factors (n, 1) times rows (n, P)."""

    first: int
    factors: Float64
    rows: Float64

    def sum(self, start: int, stop: int) -> Float64:
        """Of the steps start … stop − 1 of the block, (P,)."""
        return self.factors[start:stop, 0] @ self.rows[start:stop]


class Trial:
    """One θ and one choice of samples on a chip."""

    def __init__(self, chip: EmulatedChip, data: Data, seed: int, samples: int) -> None:
        self.chip, self.seed = chip, seed
        random = np.random.default_rng(seed)
        chosen = random.choice(len(data[0]), samples, replace=False)
        chip.set_cost(CostFunction("cross_entropy"))
        inputs, targets = (np.ascontiguousarray(each[chosen]) for each in data)
        chip.load_samples(inputs, targets)
        fan_in = np.concatenate([_fan_in(layer) for layer in _by_place(chip.node_layers())])
        self.theta = (random.uniform(-1, 1, len(fan_in)) / np.sqrt(fan_in)).astype(np.float32)
        self.samples = samples
        self._order = random
        self.gradient = self._true_gradient(inputs, targets)

    def _true_gradient(self, inputs: Any, targets: Any) -> Float64:
        """∇C of the mean, by central differences in float64, which the chip's registers hold."""
        wide, differences = self.theta.astype(np.float64), np.empty(len(self.theta))
        for place in range(len(wide)):
            moved = wide.copy()
            moved[place] += _STEP
            above = self.chip.costs(moved, inputs, targets)
            moved[place] -= 2 * _STEP
            differences[place] = np.mean(above - self.chip.costs(moved, inputs, targets))
        return differences / (2 * _STEP)

    def shown(self, steps: int) -> NDArray[np.uint32]:
        """A sample for each step, in shuffled epochs."""
        epochs = [self._order.permutation(self.samples) for _ in range(-(-steps // self.samples))]
        return np.concatenate(epochs)[:steps].astype(np.uint32)

    def weights(self, shown: NDArray[np.uint32]) -> Iterator[Block]:
        """Σ C̃ θ̃ / Δθ² of any steps of a block."""
        chip, count = self.chip, len(self.theta)
        chip.set_amplitudes(np.full(count, AMPLITUDE))
        signs = np.ones(_BLOCK, np.int8)
        everything = np.arange(self.samples, dtype=np.uint32)
        still = np.zeros((self.samples, count), np.float32)
        baselines = chip.measure_dense(self.theta, everything, still)
        for first in range(0, len(shown), _BLOCK):
            held = shown[first : first + _BLOCK]
            packed = packed_codes("random", self.seed, first, len(held), count)
            costs = chip.measure_signs(self.theta, held, signs[: len(held)], packed)
            codes, modulations = unpack_signs(packed, count), costs - baselines[held]
            yield Block(first, modulations[:, None] / AMPLITUDE, codes)

    def of_layers(self) -> tuple[Float64, Float64]:
        """N and G of each layer, means over the samples, (layers,) each."""
        layers = self.chip.node_layers()
        count = sum(layer.nodes for layer in layers)
        moves = np.vstack([np.zeros(count), np.eye(count), -np.eye(count)]).astype(np.float32)
        first = np.cumsum([0, *(layer.nodes for layer in layers)])
        noise, squares = np.zeros(len(layers)), np.zeros(len(layers))
        for sample in range(self.samples):
            held = np.full(len(moves), sample, np.uint32)
            reads = np.arange(len(moves)) == 0
            costs, entered = self.chip.measure_nodes(self.theta, held, moves * AMPLITUDE, reads)
            slopes = (costs[1 : count + 1] - costs[count + 1 :]) / (2 * AMPLITUDE)
            for k in range(len(layers)):
                own = np.zeros((1, count))
                own[:, first[k] : first[k + 1]] = 1.0
                noise[k] += weight_gradients(layers, own, entered**2).sum()
                squares[k] += np.sum(slopes[first[k] : first[k + 1]] ** 2)
        return noise / self.samples, squares / self.samples

    def nodes(self, shown: NDArray[np.uint32], relative: Float64) -> Iterator[Block]:
        """The same of C̃ ã / ⟨ã²⟩ ⊗ x; relative amplitudes (layers,)."""
        chip, layers = self.chip, self.chip.node_layers()
        amplitudes = AMPLITUDE * np.repeat(relative, [layer.nodes for layer in layers])
        count = len(amplitudes)
        everything = np.arange(self.samples, dtype=np.uint32)
        still = np.zeros((self.samples, count), np.float32)
        reads = np.ones(self.samples, np.bool_)
        baselines, entered = chip.measure_nodes(self.theta, everything, still, reads)
        for first in range(0, len(shown), _BLOCK):
            held = shown[first : first + _BLOCK]
            packed = packed_codes("random", self.seed, first, len(held), count)
            codes = unpack_signs(packed, count)
            moves = (codes * amplitudes).astype(np.float32)
            costs, _ = chip.measure_nodes(self.theta, held, moves, np.zeros(len(held), np.bool_))
            signals = codes * (costs - baselines[held])[:, None] / amplitudes
            yield Block(
                first, np.ones((len(held), 1)), weight_gradients(layers, signals, entered[held])
            )


def angles(blocks: Iterator[Block], gradient: Float64, grid: NDArray[np.int64]) -> Float64:
    """Degrees between the gradient and the sum of the first so many steps."""
    total, found = np.zeros(len(gradient)), np.empty(len(grid))
    place = 0
    for block in blocks:
        start = 0
        while place < len(grid) and grid[place] <= block.first + len(block.rows):
            stop = int(grid[place]) - block.first
            total += block.sum(start, stop)
            cosine = total @ gradient / np.linalg.norm(total) / np.linalg.norm(gradient)
            found[place] = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
            start, place = stop, place + 1
        total += block.sum(start, len(block.rows))
    return found


def balanced(chip: EmulatedChip, data: Data) -> Float64:
    """Relative amplitudes (layers,) that make the noise least, from starts of their own."""
    found = [Trial(chip, data, 1000 + k, 1).of_layers() for k in range(8)]
    noise, squares = np.mean(found, axis=0)
    relative: Float64 = (noise / squares) ** 0.25
    return relative / math.exp(math.fsum(np.log(relative).tolist()) / len(relative))


def chip_of(network: dict[str, Any]) -> EmulatedChip:
    """The chip that a chip file's key `network` describes."""
    keys = json.dumps({"network": network})
    return emulated_chip(EmulationSettings.model_validate_json(keys))


def node_count(chip: EmulatedChip) -> int:
    """M."""
    return sum(layer.nodes for layer in chip.node_layers())


def _by_place(layers: tuple[NodeLayer, ...]) -> list[tuple[int, int]]:
    """Count and fan-in of each group of parameters, in the order of θ."""
    weights = [(layer.outputs * layer.fan_in, layer.fan_in) for layer in layers]
    return weights + [(layer.outputs, layer.fan_in) for layer in layers]


def _fan_in(group: tuple[int, int]) -> Float64:
    return np.full(group[0], float(group[1]))
