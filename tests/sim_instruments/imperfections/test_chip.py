"""What an imperfect chip tells of itself, and what a power cycle does to it."""

import numpy as np
import pytest

from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.chip_settings import Limits
from mgd_lab.experiment.emulation import EmulationSettings
from sim_instruments.emulated import emulated_chip


def made(keys, limits=None):
    settings = {"network": {"layers": [2, 2, 1]}, "imperfections": keys, "engine": "numpy"}
    limits = limits and Limits.model_validate({"parameters": limits})
    return emulated_chip(EmulationSettings.model_validate(settings), limits=limits)


X = np.array([[0.0, 1.0], [1.0, 0.5]], np.float32)


def test_registers_read_back_as_written():
    chip = made({"resolution": {"step": 0.5}, "stuck": {"fraction": 1.0}, "update_noise": 1.0})
    values = np.linspace(-1, 1, 9)
    chip.write_parameters(values)
    np.testing.assert_array_equal(chip.read_parameters(), values)


def test_stuck_parameters_answer_to_nothing():
    chip = made({"stuck": {"fraction": 1.0, "at": 0.3}})
    found = [chip.outputs(np.full(9, value), X) for value in (0.0, 1.0)]
    np.testing.assert_array_equal(*found)
    np.testing.assert_array_equal(found[0], made(None).outputs(np.full(9, 0.3), X))


def test_stuck_parameters_stay_where_they_are_while_others_fade():
    fading = {
        "drift": {"exponent": 0.5},
        "relaxation": {"fraction": 0.5, "time_constant_presentations": 3},
    }
    chip = made({"stuck": {"fraction": 1.0, "at": 0.3}, **fading})
    found = chip.outputs(np.zeros(9), np.repeat(X[:1], 20, axis=0))
    expected = made(None).outputs(np.full(9, 0.3), X[:1])
    np.testing.assert_array_equal(found, np.repeat(expected, 20, axis=0))


def test_worn_parameters_are_written_no_more_and_drift_on():
    wearing = {"endurance": {"writes": 1}}
    worn, drifting = made(wearing), made({**wearing, "drift": {"exponent": 0.5}})
    for chip in (worn, drifting):
        chip.write_parameters(np.full(9, 0.5))
    expected = [made(None).outputs(np.full(9, 0.5 * (1 + t) ** -0.5), X[:1]) for t in range(5)]
    found = [drifting.outputs(np.full(9, value), X[:1]) for value in range(5)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert (worn.outputs(np.full(9, 3.0), X[:1]) == expected[0]).all()


@pytest.mark.parametrize(
    "fading",
    [
        {"relaxation": {"fraction": 0.5, "time_constant_presentations": 10}},
        {"drift": {"exponent": 0.5}},
    ],
)
def test_parameters_that_are_not_written_are_followed_in_steps_of_presentations(fading):
    chip = made({**fading, "follow_presentations": 30})
    theta, moved = np.full(9, 0.5), np.full(9, 0.5)
    moved[0] = 0.25
    asked = [(theta, 0, 20), (moved, 20, 30), (theta, 30, 31)]
    found = [chip.outputs(values, np.repeat(X[:1], b - a, axis=0)) for values, a, b in asked]
    perfect = made(None)
    for costs, values in zip(found[:2], (theta, moved), strict=True):
        np.testing.assert_allclose(costs, np.repeat(perfect.outputs(values, X[:1]), len(costs), 0))
    faded = 0.25 + 0.25 * np.exp(-3) if "relaxation" in fading else 0.5 * 31**-0.5
    rest = np.full(9, faded)
    rest[0] = 0.5
    np.testing.assert_allclose(found[2], perfect.outputs(rest, X[:1]))


def test_clipped_numbers_are_told():
    chip = made({"input": {"low": 0.2, "high": 0.8}, "output": {"low": 0.9, "high": 1.0}})
    names = [channel.name for channel in chip.description.telemetry]
    assert names == ["presentations", "inputs_clipped", "outputs_clipped"]
    np.testing.assert_array_equal(chip.outputs(np.zeros(9), X), [[0.9], [0.9]])
    np.testing.assert_array_equal(chip.read_telemetry(), [2, 3, 2])
    assert len(made(None).read_telemetry()) == 1


def test_a_power_cycle_settles_outputs():
    settling = {"settling": {"time_constant_seconds": 1.0, "wait_seconds": 0.0}}
    chip = made(settling)
    theta = np.linspace(-1, 1, 9)
    first = chip.outputs(theta, X)
    # Nobody waits: what is read is what was there before.
    np.testing.assert_array_equal(first[0], first[1])
    chip.power_on()
    assert chip.outputs(theta, X[1:])[0] != first[0]
    np.testing.assert_array_equal(made(settling).outputs(theta, X[1:]), chip.outputs(theta, X[:1]))


def test_a_power_cycle_heals_no_device_and_repeats_no_noise():
    chip = made({"endurance": {"writes": 2}, "read_noise": {"outputs": 0.1}})
    one, other = np.full(9, 0.5), np.full(9, 0.7)
    chip.write_parameters(one)
    chip.write_parameters(other)
    first = chip.outputs(other, X)
    chip.power_on()
    second = chip.outputs(one, X)
    assert (first != second).all()
    # Worn at 0.7, wherever it is told to go; what differs is noise.
    again = made({"read_noise": {"outputs": 0.1}})
    np.testing.assert_array_equal(again.outputs(other, X), first)
    np.testing.assert_array_equal(again.outputs(other, X), second)


def test_values_that_the_chip_cannot_hold():
    saturation = {"saturation": {"low": 1.0, "high": 2.0}}
    with pytest.raises(
        ConfigurationError, match=r"^chip\.imperfections\.saturation: the safe value 0 of"
    ):
        made(saturation)
    assert made(saturation, {"safe": 1.5}).read_parameters().tolist() == [1.5] * 9


def test_neurons_that_are_not_known():
    from sim_instruments.emulated_network import varied

    class Other:
        title = "something else"

    with pytest.raises(
        ConfigurationError, match=r"^chip\.imperfections\.activation_variation: the neu"
    ):
        varied(Other(), 0.1, 0)
    assert varied(Other(), 0.0, 0).title == "something else"
