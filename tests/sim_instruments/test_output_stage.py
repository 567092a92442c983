"""Limits, switch, telemetry and extremes of the emulated chip, on every way to present θ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.chip import ProbeProgram
from mgd_lab.codes import unpack_signs
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ChipError, LimitError
from sim_instruments.emulated import EmulatedChip
from sim_instruments.network import MultilayerPerceptron

P = 9
AMPLITUDES = np.linspace(0.01, 0.09, P).astype(np.float32)
INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
PROGRAM = ProbeProgram(
    kind="sinusoidal", seed=3, amplitudes=AMPLITUDES, tau_p=1, tau_x=1, tau_theta=1, batch=1,
    baseline="measured", baseline_refresh_steps=0, order="shuffled", samples=4,
)  # fmt: skip


def chip_of(**keys):
    chip = EmulatedChip(MultilayerPerceptron((2, 2, 1)), **keys)
    chip.set_cost(CostFunction())
    chip.load_samples(INPUTS, INPUTS[:, :1].copy())
    chip.set_amplitudes(AMPLITUDES)
    return chip


def codes(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 2)).astype(np.uint8)


def signs_of(n):
    return np.resize(np.array([1, 0, -1], np.int8), n)


def samples(n):
    return np.zeros(n, np.uint32)


def moves(n, seed=0):
    return (unpack_signs(codes(n, seed), P) * AMPLITUDES).astype(np.float32)


WAYS = {
    "write": lambda chip, theta: chip.write_parameters(theta.astype(np.float64)),
    "outputs": lambda chip, theta: chip.outputs(theta.astype(np.float64), INPUTS),
    "costs": lambda chip, theta: chip.costs(theta.astype(np.float64), INPUTS, INPUTS[:, :1]),
    "dense": lambda chip, theta: chip.measure_dense(theta, samples(3), moves(3)),
    "dense many": lambda chip, theta: chip.measure_dense(theta, samples(300), moves(300)),
    "signs": lambda chip, theta: chip.measure_signs(theta, samples(3), signs_of(3), codes(3)),
    "signs many": lambda chip, theta: chip.measure_signs(
        theta, samples(300), signs_of(300), codes(300)
    ),
    "generated": lambda chip, theta: (
        chip.configure_probes(PROGRAM),
        chip.measure_generated(theta, 0, 0, 40),
    ),
}
MEASURING = [way for way in WAYS if way != "write"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", [1.0, -1.0, np.nan, np.inf])
def test_nothing_beyond_the_limits_passes(way, value):
    chip = chip_of(record_extremes=True)
    chip.write_limits(np.full(P, -0.5), np.full(P, 0.5))
    before = chip.read_parameters()
    theta = np.full(P, 0.1, np.float32)
    WAYS[way](chip, theta)
    inside = chip.read_telemetry()
    theta[4] = value
    with pytest.raises(LimitError, match=r"emulated chip: \w+\[\d\] would become .*Nothing was"):
        WAYS[way](chip, theta)
    assert chip.read_telemetry().tolist() == inside.tolist()
    assert (np.array(chip.extremes()) <= 0.5).all()
    assert before.tolist() != chip.read_parameters().tolist()
    assert chip.read_parameters()[4] == np.float32(0.1)


@pytest.mark.parametrize("n", [3, 300])
def test_a_perturbation_counts(n):
    chip = chip_of()
    chip.write_limits(np.full(P, -0.5), np.full(P, 0.5))
    edge = np.nextafter(np.float32(0.5) - AMPLITUDES, np.float32(0))
    ones = np.full((n, 2), 255, np.uint8)
    for sign in (0, 1, -1):
        chip.measure_signs(edge, samples(n), np.full(n, sign, np.int8), ones)
    edge[2] = 0.5
    chip.measure_signs(edge, samples(n), np.full(n, -1, np.int8), ones)
    with pytest.raises(LimitError):
        chip.measure_signs(edge, samples(n), np.full(n, 1, np.int8), ones)
    moved = np.zeros((n, P), np.float32)
    chip.measure_dense(edge, samples(n), moved)
    moved[-1, 2] = 1e-7
    with pytest.raises(LimitError, match=r"0\.50000"):
        chip.measure_dense(edge, samples(n), moved)


def test_limits_are_kept_and_read_back():
    chip = chip_of()
    assert np.isinf(np.array(chip.read_limits())).all()
    low, high = -np.arange(1.0, P + 1), np.full(P, np.inf)
    chip.write_limits(low, high)
    assert chip.read_limits()[0].tolist() == low.tolist()
    assert chip.read_limits()[1].tolist() == high.tolist()
    low[:] = 0
    chip.read_limits()[0][:] = 0
    assert chip.read_limits()[0][8] == -9
    for wrong in (np.full(P, np.nan), np.full(P, 3.0)):
        with pytest.raises(LimitError, match="above the highest"):
            chip.write_limits(wrong, np.full(P, 2.0))
    with pytest.raises(ChipError, match="shape"):
        chip.write_limits(low[:3], high[:3])
    assert chip.read_limits()[0][8] == -9


def test_limits_do_not_stand_in_the_way_of_safety():
    chip = chip_of()
    with chip:
        chip.write_limits(np.full(P, 1.0), np.full(P, 2.0))
        chip.write_parameters(np.full(P, 1.5))
    assert not chip.read_parameters().any()


@pytest.mark.parametrize("way", MEASURING)
def test_a_switch_that_was_used_is_obeyed(way):
    chip, theta = chip_of(), np.full(P, 0.1, np.float32)
    assert chip.outputs_are_on()
    WAYS[way](chip, theta)
    chip.switch_outputs(on=False)
    assert not chip.outputs_are_on()
    before = chip.read_parameters()
    with pytest.raises(ChipError, match="outputs are off"):
        WAYS[way](chip, theta + 1)
    assert chip.read_parameters().tolist() == before.tolist()
    chip.write_parameters(np.ones(P))
    chip.switch_outputs(on=True)
    WAYS[way](chip, theta)


def test_leaving_and_restarting_switch_off_what_was_ever_switched():
    chip = chip_of()
    with chip:
        pass
    chip.power_on()
    assert chip.outputs_are_on()
    with chip:
        chip.switch_outputs(on=True)
    assert not chip.outputs_are_on()
    chip.switch_outputs(on=True)
    chip.write_parameters(np.ones(P))
    chip.write_limits(np.full(P, 0.5), np.full(P, 2.0))
    chip.measure_dense(np.ones(P, np.float32), samples(2), np.zeros((2, P), np.float32))
    assert chip.read_telemetry().tolist() == [2]
    chip.power_on()
    assert not chip.outputs_are_on()
    assert not chip.read_parameters().any()
    assert np.isinf(np.array(chip.read_limits())).all()
    assert chip.read_telemetry().tolist() == [0]


def test_telemetry_is_what_the_description_names():
    plain, recording = chip_of(), chip_of(record_extremes=True)
    assert [c.name for c in plain.description.telemetry] == ["presentations"]
    names = ["presentations", "parameter_lowest", "parameter_highest"]
    assert [c.name for c in recording.description.telemetry] == names
    for chip in (plain, recording):
        chip.outputs(np.full(P, 2.0), INPUTS)
        chip.measure_signs(np.zeros(P, np.float32), samples(70), signs_of(70), codes(70))
    assert plain.read_telemetry().tolist() == [74]
    assert recording.read_telemetry().tolist() == [74, -np.float64(AMPLITUDES[8]), 2.0]
    with pytest.raises(ChipError, match="record_extremes"):
        plain.extremes()


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.data())
def test_extremes_are_exact(data):
    """Against every value that was ever presented, kept one by one."""
    chip = chip_of(record_extremes=True)
    seen = [chip.description.safe[None]]
    for _ in range(data.draw(st.integers(1, 6))):
        seed, n = data.draw(st.integers(0, 99)), data.draw(st.sampled_from((1, 2, 63, 65, 700)))
        theta = np.random.default_rng(seed).normal(size=P).astype(np.float32)
        wide = theta.astype(np.float64)[None]
        seen.append(wide)
        match data.draw(st.sampled_from(("write", "dense", "signs"))):
            case "write":
                chip.write_parameters(wide[0])
            case "dense":
                moved = np.random.default_rng(seed).normal(size=(n, P)).astype(np.float32)
                chip.measure_dense(theta, samples(n), moved)
                seen.append(wide + moved)
            case _:
                # Few different codes, so that some parameters only ever move one way.
                packed = codes(2, seed).take(np.arange(n) % 2, axis=0)
                signs = np.full(n, data.draw(st.sampled_from((-1, 0, 1))), np.int8)
                signs[n // 2 :] = data.draw(st.sampled_from((-1, 0, 1)))
                chip.measure_signs(theta, samples(n), signs, packed)
                seen.append(wide + unpack_signs(packed, P) * (signs[:, None] * 1.0 * AMPLITUDES))
        if data.draw(st.booleans()):
            chip.read_telemetry()
    every = np.concatenate(seen)
    low, high = chip.extremes()
    assert low.tobytes() == every.min(axis=0).tobytes()
    assert high.tobytes() == every.max(axis=0).tobytes()
