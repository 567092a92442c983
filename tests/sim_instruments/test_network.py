"""The network against its definition, and its independence of how presentations are grouped."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_instruments.network import ACTIVATIONS, MultilayerPerceptron

SHAPES = [(2, 2, 1), (4, 4, 1), (49, 4, 4), (1, 1), (3, 1, 5, 2), (1, 7, 1), (64, 33, 10)]
HIDDEN = ["sigmoid", "tanh", "relu", "linear"]


def naive(layers, hidden, output, parameters, inputs):
    """activation(W x + b), neuron by neuron; weights first, then biases."""
    functions = {
        "sigmoid": lambda a: 1 / (1 + math.exp(-a)),
        "tanh": math.tanh,
        "relu": lambda a: max(a, 0.0),
        "linear": lambda a: a,
    }
    pairs = list(zip(layers[1:], layers[:-1], strict=True))
    bias_at = sum(o * i for o, i in pairs)
    weight_at, signal = 0, list(inputs)
    for k, (o, i) in enumerate(pairs):
        sums = [
            sum(parameters[weight_at + j * i + m] * signal[m] for m in range(i))
            + parameters[bias_at + j]
            for j in range(o)
        ]
        weight_at, bias_at = weight_at + o * i, bias_at + o
        name = output if k == len(pairs) - 1 else hidden
        if name == "softmax":
            powers = [math.exp(a - max(sums)) for a in sums]
            signal = [power / sum(powers) for power in powers]
        else:
            signal = [functions[name](a) for a in sums]
    return signal


@pytest.mark.parametrize("layers", SHAPES)
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("output", [*HIDDEN, "softmax"])
def test_against_the_definition(layers, hidden, output):
    random = np.random.default_rng(7)
    network = MultilayerPerceptron(layers, hidden, output)
    parameters = random.normal(size=(3, network.parameters))
    inputs = random.normal(size=(3, layers[0]))
    given_back = network.forward(parameters, inputs.copy())
    expected = [
        naive(layers, hidden, output, p, x) for p, x in zip(parameters, inputs, strict=True)
    ]
    np.testing.assert_allclose(given_back, expected, rtol=1e-12, atol=1e-12)


def test_parameters_stand_in_the_order_of_the_contract():
    network = MultilayerPerceptron((2, 3, 2), "linear", "linear")
    names = [(group.name, group.count) for group in network.groups]
    assert names == [("weights1", 6), ("weights2", 6), ("biases1", 3), ("biases2", 2)]
    assert network.parameters == 17
    parameters = np.zeros((1, 17))
    parameters[0, 2 * 2 + 1] = 5.0  # first layer: neuron 2, input 1
    parameters[0, 6 + 1 * 3 + 2] = 7.0  # second layer: neuron 1, input 2
    parameters[0, 12 + 2] = 11.0  # bias of neuron 2, first layer
    parameters[0, 15 + 1] = 13.0  # bias of neuron 1, second layer
    outputs = network.forward(parameters, np.array([[100.0, 3.0]]))
    np.testing.assert_array_equal(outputs, [[0.0, 7.0 * (5.0 * 3.0 + 11.0) + 13.0]])


def test_softmax_of_large_numbers():
    network = MultilayerPerceptron((1, 3), "linear", "softmax")
    parameters = np.array([[1e308, -1e308, 1e308, 0.0, 0.0, 0.0]])
    with np.errstate(over="ignore"):
        outputs = network.forward(parameters, np.ones((1, 1)))
    np.testing.assert_array_equal(outputs, [[0.5, 0.0, 0.5]])


def test_sigmoid_of_large_numbers():
    with np.errstate(over="ignore"):
        values = ACTIVATIONS["sigmoid"](np.array([[-1e4, -800.0, 0.0, 800.0, 1e4]]))
    np.testing.assert_array_equal(values, [[0.0, 0.0, 0.5, 1.0, 1.0]])


def test_inputs_and_parameters_are_left_as_they_are():
    for output in ACTIVATIONS:
        network = MultilayerPerceptron((3, 4, 2), "tanh", output)
        parameters, inputs = np.full((2, network.parameters), 0.3), np.full((2, 3), 0.7)
        network.forward(parameters, inputs)
        assert (parameters == 0.3).all()
        assert (inputs == 0.7).all()


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.sampled_from(SHAPES),
    st.sampled_from(["sigmoid", "tanh", "softmax"]),
    st.integers(1, 300),
    st.integers(1, 300),
    st.integers(0, 3),
)
def test_grouping_changes_no_bit(layers, output, count, group, offset):
    random = np.random.default_rng(count)
    network = MultilayerPerceptron(layers, "tanh", output)
    # A view whose rows are longer than P and begin anywhere, as blocks may.
    wide = random.normal(size=(count, network.parameters + 8))
    parameters = wide[:, offset : offset + network.parameters]
    inputs = random.normal(size=(count, layers[0]))
    together = network.forward(parameters, inputs)
    for start in range(0, count, group):
        rows = slice(start, start + group)
        part = network.forward(np.ascontiguousarray(parameters[rows]), inputs[rows].copy())
        np.testing.assert_array_equal(together[rows], part)
    alone = network.forward(parameters[-1:].copy(), inputs[-1:].copy())
    np.testing.assert_array_equal(together[-1:], alone)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.sampled_from(SHAPES), st.integers(1, 300))
def test_one_set_of_parameters_for_all_changes_no_bit(layers, count):
    random = np.random.default_rng(count)
    network = MultilayerPerceptron(layers, "sigmoid", "sigmoid")
    parameters = random.normal(size=(1, network.parameters))
    inputs = random.normal(size=(count, layers[0]))
    shared = network.forward(parameters, inputs)
    own = network.forward(np.repeat(parameters, count, axis=0), inputs)
    single = [network.forward(parameters, inputs[k : k + 1])[0] for k in range(count)]
    np.testing.assert_array_equal(shared, own)
    np.testing.assert_array_equal(shared, single)
