"""Networks spelled out, against their definition; and the paper's two."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mgd_lab.experiment.emulation import NetworkSettings
from sim_instruments.chain import Chain, as_chain
from sim_instruments.emulated import network_of
from sim_instruments.network import MultilayerPerceptron


def chain(shape, *layers):
    settings = {"kind": "chain", "input": shape, "layers": layers}
    return network_of(NetworkSettings.model_validate(settings))


def conv(channels, *kernel):
    keys = {"kernel": list(kernel)} if kernel else {}
    return {"kind": "conv", "out_channels": channels, **keys}


def dense(outputs):
    return {"kind": "dense", "outputs": outputs}


def paper(shape, *channels):
    """3 × 3 convolutions, each with ReLU and 2 × 2 max pooling; then ten dense outputs."""
    blocks = [(conv(c), {"kind": "relu"}, {"kind": "max_pool"}) for c in channels]
    return chain(shape, *itertools.chain.from_iterable(blocks), dense(10))


def naive(network, parameters, inputs):
    """Sample by sample, number by number."""
    signal = inputs.reshape(network.shapes[0])
    functions = {
        "relu": lambda a: max(a, 0.0),
        "tanh": math.tanh,
        "sigmoid": lambda a: 1 / (1 + math.exp(-a)),
        "linear": lambda a: a,
    }
    places = list(zip(network.layers, network.shapes[:-1], network.shapes[1:], strict=True))
    weight, bias = 0, sum(layer.weights_and_biases(before)[0] for layer, before, _ in places)
    for layer, _, shape in places:
        out = np.zeros(shape)
        if layer.kind in ("conv", "dense"):
            high, wide = layer.kernel if layer.kind == "conv" else signal.shape[1:]
            count = shape[0] * signal.shape[0] * high * wide
            w = parameters[weight : weight + count].reshape(shape[0], signal.shape[0], high, wide)
            for o, r, c in np.ndindex(shape):
                seen = signal[:, r : r + high, c : c + wide]
                out[o, r, c] = (w[o] * seen).sum() + parameters[bias + o]
            weight, bias = weight + count, bias + shape[0]
        elif layer.kind == "max_pool":
            n = layer.size
            for i, r, c in np.ndindex(shape):
                out[i, r, c] = signal[i, n * r : n * r + n, n * c : n * c + n].max()
        elif layer.kind == "softmax":
            out = np.exp(signal - signal.max())
            out /= out.sum()
        else:
            out = np.vectorize(functions[layer.kind])(signal)
        signal = out
    return signal.ravel()


NETWORKS = {
    "dense": chain((1, 1, 5), dense(3), {"kind": "tanh"}),
    "two convolutions": chain((2, 7, 9), conv(3), {"kind": "sigmoid"}, conv(2, 2, 4), dense(3)),
    "pooling of 3": chain((1, 11, 8), conv(5), {"kind": "max_pool", "size": 3}, dense(2)),
    "no dense layer": chain((3, 6, 6), conv(2, 5, 5), {"kind": "relu"}, {"kind": "softmax"}),
    "pooling first": chain((2, 9, 6), {"kind": "max_pool"}, conv(2, 1, 1), {"kind": "linear"}),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_against_the_definition(name):
    network, random = NETWORKS[name], np.random.default_rng(3)
    parameters = random.normal(size=(3, network.parameters))
    inputs = random.normal(size=(3, network.inputs))
    expected = [naive(network, p, x) for p, x in zip(parameters, inputs, strict=True)]
    found = network.forward(parameters, inputs)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_the_papers_networks_have_as_many_parameters_as_it_says():
    fashion, cifar = paper((1, 28, 28), 16, 32, 32), paper((3, 32, 32), 16, 32, 64)
    assert (fashion.inputs, fashion.parameters, fashion.outputs) == (784, 14_378, 10)
    assert (cifar.inputs, cifar.parameters, cifar.outputs) == (3072, 26_154, 10)
    assert fashion.shapes[-3:] == ((32, 3, 3), (32, 1, 1), (10, 1, 1))


def test_groups_are_named_by_layer():
    network = chain((1, 4, 4), conv(2), {"kind": "relu"}, dense(3))
    groups = [(group.name, group.count) for group in network.groups]
    assert groups == [("weights1", 18), ("weights2", 24), ("biases1", 2), ("biases2", 3)]


def test_a_perceptron_is_a_chain_of_the_same_parameters():
    network = MultilayerPerceptron((4, 3, 2), "tanh", "softmax")
    random = np.random.default_rng(0)
    parameters, inputs = random.normal(size=(5, network.parameters)), random.normal(size=(5, 4))
    found = as_chain(network).forward(parameters, inputs)
    np.testing.assert_allclose(found, network.forward(parameters, inputs), rtol=1e-13)
    assert as_chain(network).groups == network.groups


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.sampled_from(list(NETWORKS)), st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_grouping_changes_no_bit(name, count, group, shared):
    network, random = NETWORKS[name], np.random.default_rng(count)
    parameters = random.normal(size=(1 if shared else count, network.parameters))
    inputs = random.normal(size=(count, network.inputs))
    together = network.forward(parameters, inputs)
    for first in range(0, count, group):
        rows = slice(first, first + group)
        own = parameters if shared else parameters[rows].copy()
        np.testing.assert_array_equal(together[rows], network.forward(own, inputs[rows].copy()))


@pytest.mark.parametrize(
    ("shape", "layers", "words"),
    [
        ((1, 2, 9), [conv(1)], r"conv of kernel \[3, 3\] does not fit into 1 channels of 2 × 9"),
        ((1, 1, 9), [{"kind": "max_pool"}, dense(1)], "max_pool of size 2 does not fit"),
        ((1, 3, 3), [{"kind": "softmax"}, dense(1)], "softmax goes over all outputs"),
        ((1, 3, 3), [{"kind": "relu"}], "no layer has parameters"),
        ((1, 3), [dense(1)], r"\[channels, rows, columns\]"),
        (None, [dense(1)], r"\[channels, rows, columns\]"),
        ((1, 3, 3), [{"kind": "conv"}], "conv needs out_channels"),
        ((1, 3, 3), [{"kind": "dense"}], "dense needs outputs"),
        ((1, 3, 3), [conv(1, 3)], r"expected \[rows, columns\]"),
        ((1, 3, 3), [{**dense(1), "kernel": [1, 1]}], "kernel belongs to kind conv, not to dense"),
        ((1, 3, 3), [4, 2], "a network of kind chain has a layer"),
        ((1, 3, 3), [], "a length of at least 1"),
    ],
)
def test_what_is_refused(shape, layers, words):
    with pytest.raises(ValidationError, match=words):
        NetworkSettings.model_validate({"kind": "chain", "input": shape, "layers": layers})


def test_what_a_perceptron_does_not_take():
    for changes, words in (
        ({"layers": [2, dense(1)]}, "kind mlp has a width"),
        ({"input": (1, 1, 2)}, "input belongs to kind chain"),
        ({"layers": [2]}, "a length of at least 2"),
    ):
        with pytest.raises(ValidationError, match=words):
            NetworkSettings.model_validate({"layers": [2, 1], **changes})


def test_what_is_written_back_can_be_read_again():
    given_network = {"kind": "chain", "input": [1, 4, 4], "layers": [conv(2), dense(1)]}
    first = NetworkSettings.model_validate(given_network)
    again = NetworkSettings.model_validate_json(first.model_dump_json())
    assert again == first
    assert isinstance(network_of(again), Chain)
