"""Every way to ask for a cost gives the same bits; wrong questions are refused."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.chip import (
    Chip,
    HoldsParameters,
    HoldsSamples,
    MeasuresCost,
    MeasuresDense,
    MeasuresOutputs,
    MeasuresSigns,
    ProbeProgram,
)
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ChipError, ConfigurationError
from sim_instruments.emulated import DRIVER, EmulatedChip, EmulatedSettings, emulated_chip
from sim_instruments.network import MultilayerPerceptron

SHAPES = {9: (2, 2, 1), 25: (4, 4, 1), 220: (49, 4, 4)}
SAMPLES = 11


def _chip(parameters: int, output: str = "sigmoid", cost: CostFunction | None = None):
    layers = SHAPES[parameters]
    chip = EmulatedChip(MultilayerPerceptron(layers, "sigmoid", output))
    random = np.random.default_rng(parameters)
    inputs = random.normal(size=(SAMPLES, layers[0])).astype(np.float32)
    targets = random.random((SAMPLES, layers[-1])).astype(np.float32)
    chip.set_cost(cost or CostFunction())
    chip.load_samples(inputs, targets)
    amplitudes = random.uniform(0.01, 0.1, parameters).astype(np.float32)
    chip.set_amplitudes(amplitudes)
    theta = random.normal(size=parameters).astype(np.float32)
    return chip, theta, amplitudes, inputs, targets


def _program(amplitudes, kind="random"):
    return ProbeProgram(
        kind=kind, seed=3, amplitudes=amplitudes, tau_p=1, tau_x=1, tau_theta=2, batch=1,
        baseline="measured", baseline_refresh_steps=0, order="shuffled", samples=SAMPLES,
    )  # fmt: skip


def _probes(parameters: int, count: int):
    random = np.random.default_rng(count)
    samples = random.integers(0, SAMPLES, count).astype(np.uint32)
    signs = random.integers(-1, 2, count).astype(np.int8)
    bits = random.integers(0, 2, (count, parameters)).astype(np.uint8)
    return samples, signs, np.packbits(bits, axis=1, bitorder="little"), 2.0 * bits - 1.0


@settings(derandomize=True, deadline=None, max_examples=80)
@given(
    st.sampled_from([9, 25, 220]),
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from(["sigmoid", "softmax", "linear"]),
)
def test_grouping_and_way_of_asking_change_no_bit(parameters, count, group, output):
    kind = "cross_entropy" if parameters == 220 and output == "softmax" else "mse"
    function = CostFunction(kind, probabilities=output == "softmax")
    chip, theta, amplitudes, inputs, targets = _chip(parameters, output, function)
    samples, signs, packed, codes = _probes(parameters, count)
    together = chip.measure_signs(theta, samples, signs, packed)
    perturbations = (codes * amplitudes * signs[:, None]).astype(np.float32)
    np.testing.assert_array_equal(together, chip.measure_dense(theta, samples, perturbations))
    for start in range(0, count, group):
        rows = slice(start, start + group)
        for part in (
            chip.measure_signs(theta, samples[rows], signs[rows], packed[rows]),
            chip.measure_dense(theta, samples[rows], perturbations[rows]),
        ):
            np.testing.assert_array_equal(together[rows], part)
    for k in (0, count // 2, count - 1):
        register = theta.astype(np.float64) + perturbations[k].astype(np.float64)
        x, t = inputs[samples[k], None], targets[samples[k], None]
        assert together[k] == chip.costs(register, x, t)[0]
        assert together[k] == function(chip.outputs(register, x), t)[0]


def test_against_the_definition():
    chip, theta, amplitudes, inputs, targets = _chip(9)
    samples, signs, packed, codes = _probes(9, 100)
    costs = chip.measure_signs(theta, samples, signs, packed)
    wide, steps = theta.astype(np.float64), amplitudes.astype(np.float64)
    for k in range(100):
        w = wide + signs[k] * codes[k] * steps
        x = inputs[samples[k]].astype(np.float64)
        hidden = 1 / (1 + np.exp(-(w[:4].reshape(2, 2) @ x + w[6:8])))
        output = 1 / (1 + np.exp(-(w[4:6] @ hidden + w[8])))
        assert costs[k] == pytest.approx((output - targets[samples[k], 0]) ** 2, rel=1e-12)


def test_bits_beyond_the_last_parameter_do_not_matter():
    chip, theta, *_ = _chip(9)
    for count in (3, 200):
        samples, signs, packed, _ = _probes(9, count)
        stray = packed.copy()
        stray[:, -1] |= 0b11111110
        np.testing.assert_array_equal(
            chip.measure_signs(theta, samples, signs, packed),
            chip.measure_signs(theta, samples, signs, stray),
        )


def test_what_it_was_given_is_left_as_it_was():
    chip, theta, *_ = _chip(25)
    samples, signs, packed, codes = _probes(25, 200)
    dense = codes.astype(np.float32)
    kept = [array.copy() for array in (theta, samples, signs, packed, dense)]
    chip.measure_signs(theta, samples, signs, packed)
    chip.measure_dense(theta, samples, dense)
    for before, after in zip(kept, (theta, samples, signs, packed, dense), strict=True):
        np.testing.assert_array_equal(before, after)


def test_later_changes_of_the_arrays_do_not_reach_the_chip():
    chip, theta, amplitudes, inputs, targets = _chip(9)
    samples, signs, packed, _ = _probes(9, 100)
    before = chip.measure_signs(theta, samples, signs, packed)
    for array in (amplitudes, inputs, targets):
        array += 1
    np.testing.assert_array_equal(before, chip.measure_signs(theta, samples, signs, packed))


@pytest.mark.parametrize("count", [1, 200])
@pytest.mark.parametrize(
    "sample",
    [
        SAMPLES,
        2**32 - 1,
        -1,
    ],
)
@pytest.mark.parametrize("way", ["signs", "dense"])
def test_a_sample_that_is_not_there(count, sample, way):
    chip, theta, *_ = _chip(9)
    samples, signs, packed, codes = _probes(9, count)
    samples = samples.astype(np.int64 if sample < 0 else np.uint32)
    samples[-1] = sample
    ask = {
        "signs": lambda: chip.measure_signs(theta, samples, signs, packed),
        "dense": lambda: chip.measure_dense(theta, samples, codes.astype(np.float32)),
    }[way]
    with pytest.raises(
        ChipError, match="not unsigned" if sample < 0 else f"sample .*{sample}.* holds 11"
    ):
        ask()


def test_questions_before_their_time():
    chip = EmulatedChip(MultilayerPerceptron((2, 2, 1)), name="early")
    theta, sample = np.zeros(9, np.float32), np.zeros(1, np.uint32)
    with pytest.raises(ChipError, match="early: codes came before their amplitudes"):
        chip.measure_signs(theta, sample, np.ones(1, np.int8), np.zeros((1, 2), np.uint8))
    chip.set_cost(CostFunction())
    with pytest.raises(ChipError, match=r"early: sample 0 .* holds 0"):
        chip.measure_dense(theta, sample, np.zeros((1, 9), np.float32))
    chip = EmulatedChip(MultilayerPerceptron((2, 2, 1)), name="early")
    chip.load_samples(np.zeros((1, 2), np.float32), np.zeros((1, 1), np.float32))
    with pytest.raises(ChipError, match="early: a cost was asked for before it was set"):
        chip.measure_dense(theta, sample, np.zeros((1, 9), np.float32))


def test_a_block_longer_than_the_largest_is_refused():
    chip, theta, amplitudes, inputs, targets = _chip(9)
    n = chip.description.largest_block + 1
    samples, signs, packed, codes = _probes(9, n)
    rows = np.resize(inputs, (n, 2)), np.resize(targets, (n, 1))
    chip.configure_probes(_program(amplitudes))
    for measure in (
        lambda k: chip.measure_dense(theta, samples[:k], codes[:k].astype(np.float32)),
        lambda k: chip.measure_signs(theta, samples[:k], signs[:k], packed[:k]),
        lambda k: chip.measure_generated(theta, 0, 0, k),
        lambda k: chip.costs(theta.astype(np.float64), rows[0][:k], rows[1][:k]),
        lambda k: chip.outputs(theta.astype(np.float64), rows[0][:k]),
    ):
        assert len(measure(n - 1)) == n - 1
        with pytest.raises(ConfigurationError, match=r"4097 probes.*1 to 4096"):
            measure(n)


@pytest.mark.parametrize("kind", ["random", "sinusoidal"])
def test_learning_presents_long_windows_in_blocks(kind):
    chip, theta, amplitudes, *_ = _chip(9)
    chip.configure_probes(_program(amplitudes, kind))
    n = 2 * chip.description.largest_block
    window = chip._measure_probes(theta, chip._generator.neighbouring(0, 0, n + 1))
    parts = [chip.measure_generated(theta, k // 2, 0, n // 4) for k in range(0, n, n // 4)]
    assert window[:n].tolist() == np.concatenate(parts).tolist()
    assert len(window) == n + 1


def test_wrong_shapes():
    chip, theta, *_ = _chip(9)
    one = np.zeros(1, np.uint32)
    x, t = np.zeros((1, 2), np.float32), np.zeros((1, 1), np.float32)
    wrong = [
        lambda: chip.write_parameters(np.zeros(8)),
        lambda: chip.outputs(np.zeros(9), np.zeros((1, 3), np.float32)),
        lambda: chip.costs(np.zeros(9), x, np.zeros((2, 1), np.float32)),
        lambda: chip.costs(np.zeros(10), x, t),
        lambda: chip.load_samples(np.zeros((4, 3), np.float32), np.zeros((4, 1), np.float32)),
        lambda: chip.load_samples(np.zeros((4, 2), np.float32), np.zeros((3, 1), np.float32)),
        lambda: chip.set_amplitudes(np.zeros(8, np.float32)),
        lambda: chip.measure_dense(theta[:8], one, np.zeros((1, 9), np.float32)),
        lambda: chip.measure_dense(theta, one, np.zeros((2, 9), np.float32)),
        lambda: chip.measure_signs(theta, one, np.ones(1, np.int8), np.zeros((1, 1), np.uint8)),
    ]
    for question in wrong:
        with pytest.raises(ChipError, match="expected"):
            question()


def test_signs_of_the_wrong_number():
    chip, theta, *_ = _chip(9)
    one = np.zeros(1, np.uint32)
    with pytest.raises(ChipError, match="signs"):
        chip.measure_signs(theta, one, np.ones(2, np.int8), np.zeros((1, 2), np.uint8))


def test_it_is_left_at_its_safe_values_on_errors_too():
    settings = EmulatedSettings.model_validate(
        {
            "driver": "emulated",
            "network": {"layers": (2, 2, 1)},
            "limits": {"parameters": {"safe": 0.25}, "groups": {"biases1": {"safe": -1.0}}},
        }
    )
    chip = DRIVER.build(settings, None)
    with chip:
        chip.write_parameters(np.ones(9))
    np.testing.assert_array_equal(chip.read_parameters(), [0.25] * 6 + [-1.0] * 2 + [0.25])
    chip.write_parameters(np.ones(9))
    chip.__exit__(RuntimeError, RuntimeError(), None)
    np.testing.assert_array_equal(chip.read_parameters(), [0.25] * 6 + [-1.0] * 2 + [0.25])


def test_what_is_read_back_is_a_copy():
    chip, *_ = _chip(9)
    values = np.arange(9.0)
    chip.write_parameters(values)
    values[:] = 0
    chip.read_parameters()[:] = 1
    np.testing.assert_array_equal(chip.read_parameters(), np.arange(9.0))


def test_a_diverging_network_costs_no_warning():
    chip, _, _, inputs, targets = _chip(220, "linear")
    huge = np.full(220, 1e300)
    assert not np.isfinite(chip.costs(huge, inputs, targets)).all()


def test_capabilities_and_description():
    settings = EmulatedSettings.model_validate(
        {"driver": "emulated", "network": {"layers": (4, 3), "output_activation": "softmax"}}
    )
    chip = DRIVER.build(settings, None)
    for capability in (
        Chip,
        HoldsParameters,
        HoldsSamples,
        MeasuresCost,
        MeasuresDense,
        MeasuresOutputs,
        MeasuresSigns,
    ):
        assert isinstance(chip, capability)
    assert chip.description.simulated
    assert chip.description.output_kind == "probabilities"
    assert (chip.description.inputs, chip.description.outputs) == (4, 3)
    assert "4-3" in chip.identity["model"]


def test_latency_is_added_to_every_exchange(monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    settings = EmulatedSettings.model_validate(
        {"driver": "emulated", "network": {"layers": (2, 1)}, "latency_seconds": 0.25}
    )
    chip = emulated_chip(settings)
    chip.set_cost(CostFunction())
    chip.load_samples(np.zeros((1, 2), np.float32), np.zeros((1, 1), np.float32))
    before = len(slept)
    block = np.zeros(100, np.uint32)
    chip.measure_dense(np.zeros(3, np.float32), block, np.zeros((100, 3), np.float32))
    assert slept[before:] == [0.25]
    chip.write_parameters(np.zeros(3))
    chip.read_parameters()
    assert slept[before:] == [0.25] * 3
    assert chip.description.exchange_seconds == 0.25
