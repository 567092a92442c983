"""Perturbed nodes: what is added to a pre-activation does what a weight before it would."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import MeasuresDense, NodeLayer, PerturbsNodes
from mgd_lab.conformance.comparison import compare
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_MOST_PARAMETERS = 256
# What is added comes in float32, once as it is and once times an input.
_ROUNDING = 1e-6


def check(session: Session) -> Verdict:
    """Each of many parameters moved by its amplitude, against its nodes moved by that times x."""
    chip, material, count = session.chip, session.material, session.description.parameters
    if not isinstance(chip, PerturbsNodes):
        return not_applicable("the chip lacks the capability PerturbsNodes")
    obstacle = session.obstacle("dense")
    if obstacle or not isinstance(chip, MeasuresDense):
        return not_applicable(f"there is nothing to compare with: {obstacle}")
    session.source("dense", 1)
    layers = chip.node_layers()
    owned = np.concatenate([_parameters(layer) for layer in layers])
    if sorted(owned.tolist()) != list(range(count)):
        return failed(f"the layers' weights and biases are not the {count} parameters, each once")
    most = min(_MOST_PARAMETERS, session.largest_block("dense"), count)
    chosen = np.unique(np.linspace(0, count - 1, most).astype(np.int64))
    samples = (chosen % len(material.inputs)).astype(np.uint32)
    nodes, width = sum(layer.nodes for layer in layers), sum(layer.width for layer in layers)
    still = np.zeros((len(chosen), nodes), np.float32)
    reads = np.ones(len(chosen), np.bool_)
    plain, entered = chip.measure_nodes(material.sent, samples, still, reads)
    if plain.shape != (len(chosen),) or entered.shape != (len(chosen), width):
        return failed(
            f"{len(chosen)} probes gave costs of shape {plain.shape} and layer inputs of shape "
            f"{entered.shape}, not ({len(chosen)},) and ({len(chosen)}, {width})"
        )
    moved = np.zeros((len(chosen), count), np.float32)
    moved[np.arange(len(chosen)), chosen] = material.amplitudes[chosen]
    added = np.array(
        [
            float(material.amplitudes[k]) * as_nodes(layers, int(k), inputs)
            for k, inputs in zip(chosen, entered, strict=True)
        ]
    ).astype(np.float32)
    expected = chip.measure_dense(material.sent, samples, moved)
    found, nothing = chip.measure_nodes(material.sent, samples, added, ~reads)
    if len(nothing):
        return failed(f"{len(nothing)} probes reported layer inputs that were not asked for")
    effect = float(np.abs(expected - plain).max())
    allowed = max(session.subject.tolerance, _ROUNDING * effect)
    comparison = compare(found, expected, session.noise("dense"), allowed)
    if not comparison.same:
        return failed(
            f"parameter {int(chosen[comparison.first])} moved, against its nodes: "
            f"{comparison.text(found, expected)}"
        )
    if effect <= comparison.allowed:
        return not_applicable("no parameter changes the cost by more than the noise")
    return passed(f"{len(chosen)} parameters agree with their nodes", largest_effect=effect)


def as_nodes(layers: Sequence[NodeLayer], parameter: int, inputs: Float64) -> Float64:
    """What moving a parameter by 1 adds to all pre-activations, (M,), for layer inputs (K,)."""
    added = np.zeros(sum(layer.nodes for layer in layers))
    node, entry = 0, 0
    for layer in layers:
        own = added[node : node + layer.nodes].reshape(layer.outputs, *layer.places)
        weight, bias = parameter - layer.weights, parameter - layer.biases
        if 0 <= weight < layer.outputs * layer.fan_in:
            own[weight // layer.fan_in] = _seen(
                layer, weight % layer.fan_in, inputs[entry : entry + layer.width]
            )
        elif 0 <= bias < layer.outputs:
            own[bias] = 1.0
        node, entry = node + layer.nodes, entry + layer.width
    return added


def _seen(layer: NodeLayer, place: int, entering: Float64) -> Float64:
    """What the weight at this place of a kernel is multiplied by, at each place of the output."""
    if layer.kernel is None:
        return entering[place].reshape(1, 1)
    channel, row, column = np.unravel_index(place, (layer.entering[0], *layer.kernel))
    rows, columns = layer.places
    plane = entering.reshape(layer.entering)[channel]
    return plane[row : row + rows, column : column + columns]


def _parameters(layer: NodeLayer) -> NDArray[np.int64]:
    weights = layer.weights + np.arange(layer.outputs * layer.fan_in)
    return np.concatenate([weights, layer.biases + np.arange(layer.outputs)])
