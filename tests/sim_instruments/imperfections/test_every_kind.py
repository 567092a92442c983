"""Every imperfection alone and all together: against a reference, by blocks, by ways to ask."""

import importlib.util

import numpy as np
import pytest

ENGINES = ["numpy"] + (["compiled"] if importlib.util.find_spec("numba") else [])


KINDS = {
    "white": {"cost_noise": {"white": 0.01}},
    "pink": {"cost_noise": {"pink": 0.01, "pink_octaves": 6}},
    "read outputs": {"read_noise": {"outputs": 0.02}},
    "read parameters": {"read_noise": {"parameters": 0.02}},
    "update": {"update_noise": 0.05},
    "update increments": {"update_noise": 0.05, "writing": "increments"},
    "step": {"resolution": {"step": 0.25}},
    "bits": {"resolution": {"bits": 3, "low": -0.9, "high": 0.7}},
    "stochastic": {"resolution": {"step": 0.25, "rounding": "stochastic"}},
    "no float copy": {"resolution": {"step": 0.2}, "writing": "increments"},
    "perturbation": {"resolution": {"perturbation_step": 0.03}},
    "asymmetry": {"asymmetry": {"ratio": 1.5, "spread": 0.2}, "writing": "increments"},
    "saturation": {"saturation": {"low": -0.8, "high": 0.6}, "writing": "increments"},
    "saturation absolute": {"saturation": {"low": -0.8, "high": 0.6}, "update_noise": 0.3},
    "stuck": {"stuck": {"fraction": 0.3, "at": 0.4}},
    "stuck between": {"stuck": {"fraction": 0.3, "at": [-1.0, 1.0]}},
    "stuck among drifting": {
        "stuck": {"fraction": 0.3, "at": 0.4},
        "drift": {"exponent": 0.2, "reference_presentations": 10.0},
        "relaxation": {"fraction": 0.3, "time_constant_presentations": 40.0},
    },
    "endurance": {"endurance": {"writes": 2, "spread": 0.6}},
    "worn and drifting": {
        "endurance": {"writes": 2, "spread": 0.6},
        "drift": {"exponent": 0.2, "reference_presentations": 10.0},
    },
    "drift": {"drift": {"exponent": 0.2, "reference_presentations": 10.0}},
    "drift spread": {"drift": {"exponent": 0.1, "spread": 0.1}, "follow_presentations": 7},
    "relaxation": {"relaxation": {"fraction": 0.3, "time_constant_presentations": 40.0}},
    "relaxation followed": {
        "relaxation": {"fraction": 0.3, "time_constant_presentations": 40.0},
        "follow_presentations": 7,
    },
    "crosstalk": {"crosstalk": 0.07},
    "activation": {"activation_variation": 0.2},
    "input": {"input": {"low": 0.1, "high": 0.8, "bits": 3}},
    "output": {"output": {"low": 0.3, "high": 0.7, "bits": 4}},
    "settling": {"settling": {"time_constant_seconds": 2.0, "wait_seconds": 3.0}},
}
KINDS["all together"] = {
    "cost_noise": {"white": 0.01, "pink": 0.01, "pink_octaves": 6},
    "read_noise": {"outputs": 0.02, "parameters": 0.01},
    "writing": "increments",
    "update_noise": 0.05,
    "resolution": {"step": 0.05, "rounding": "stochastic", "perturbation_step": 0.01},
    "asymmetry": {"ratio": 0.8, "spread": 0.1},
    "saturation": {"low": -1.5, "high": 2.0},
    "stuck": {"fraction": 0.1, "at": [-1.0, 1.0]},
    "endurance": {"writes": 3, "spread": 0.5},
    "drift": {"exponent": 0.05, "spread": 0.02},
    "relaxation": {"fraction": 0.2, "time_constant_presentations": 50.0},
    "follow_presentations": 4,
    "crosstalk": 0.03,
    "activation_variation": 0.1,
    "input": {"low": 0.0, "high": 0.9, "bits": 6},
    "output": {"low": 0.0, "high": 1.0, "bits": 10},
    "settling": {"time_constant_seconds": 1.0, "wait_seconds": 1.5},
}


@pytest.fixture(params=KINDS)
def keys(request):
    return KINDS[request.param]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_costs_are_those_of_the_reference(case, keys, name, engine):
    one = case(keys, name, engine)
    np.testing.assert_allclose(one.costs(), one.reference(), rtol=1e-10, atol=1e-12)


def test_it_changes_costs(case, keys):
    assert not np.allclose(case(keys).costs(), case(None).costs(), rtol=1e-4)


def test_blocks_may_be_cut_anywhere_and_codes_come_in_any_way(case, keys):
    expected = case(keys).costs()
    for block in (1, 7):
        np.testing.assert_array_equal(case(keys).costs(block), expected)
    np.testing.assert_array_equal(case(keys).costs(dense=True), expected)
    np.testing.assert_array_equal(case(keys).costs(9, dense=True), expected)


def test_the_seed_decides(case, keys):
    drawn = {"crosstalk", "input", "output", "settling", "relaxation", "saturation"}
    is_drawn = (
        not set(keys) - {"writing", "follow_presentations"} <= drawn
        and keys.get("stuck", {}).get("at") != 0.4
    )
    is_drawn &= keys.get("resolution", {"rounding": "stochastic"}).get("rounding") == "stochastic"
    is_drawn &= keys.get("drift", {"spread": 1}).get("spread", 0) > 0
    if is_drawn:
        assert (case(keys, seed=1).costs() != case(keys, seed=2).costs()).any()


def test_outputs_and_costs_of_given_inputs_are_those_of_baselines(case, keys):
    """One register a parameter: what is written there is presented."""
    one, other, third = case(keys), case(keys), case(keys)
    nothing = np.zeros((len(one.samples), one.P), np.float32)
    for theta in one.thetas:
        inputs, targets = one.inputs[one.samples], one.targets[one.samples]
        expected = one.chip.measure_dense(theta, one.samples, nothing)
        wide = theta.astype(np.float64)
        np.testing.assert_allclose(
            other.chip.costs(wide, inputs, targets), expected, rtol=1e-12, atol=1e-14
        )
        outputs = third.chip.outputs(wide, inputs)
        if "cost_noise" not in keys:
            costs = ((outputs - targets) ** 2).mean(axis=1)
            np.testing.assert_allclose(costs, expected, rtol=1e-12, atol=1e-14)


def test_nodes_are_perturbed_on_the_same_chip(case, keys):
    """No perturbation of nodes: a baseline."""
    one, other = case(keys), case(keys)
    count, nodes = len(one.samples), sum(layer.nodes for layer in one.chip.node_layers())
    reads = np.zeros(count, np.bool_)
    for theta in one.thetas:
        moved = np.zeros((count, nodes), np.float32)
        found, _ = one.chip.measure_nodes(theta, one.samples, moved, reads)
        expected = other.chip.measure_dense(
            theta, one.samples, np.zeros((count, one.P), np.float32)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_a_perfect_chip_has_no_signal_path(case):
    assert case(None).chip._path is None
    assert case({}).chip._path is None
    np.testing.assert_array_equal(case({}).costs(), case(None).costs())
    # The network has it; what computes networks fast may go on.
    assert case({"activation_variation": 0.1}).chip._path is None
