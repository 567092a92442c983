"""Noise has the size that was asked for, and the spectrum."""

import numpy as np
import pytest

from mgd_lab.experiment.imperfections import CostNoise, Drift, Endurance, Imperfections
from sim_instruments.imperfections.cost_noise import NoisyCost
from sim_instruments.imperfections.fading import Fading
from sim_instruments.imperfections.memory import Memory
from sim_instruments.imperfections.neurons import drawn
from sim_instruments.imperfections.read_noise import OUTPUTS_WORD, PARAMETERS_WORD, ReadNoise
from sim_instruments.imperfections.wear import Wear

N = 2**15


def within(values, mean, deviation, sigmas=4.0):
    """Mean and standard deviation of independent normal numbers, to so many standard errors."""
    count = values.size
    assert abs(values.mean() - mean) < sigmas * deviation / np.sqrt(count)
    assert abs(values.std() / deviation - 1) < sigmas / np.sqrt(2 * count)


def test_white_noise():
    noise = NoisyCost(CostNoise(white=0.003), 5).of(0, N)
    within(noise, 0, 0.003)
    assert abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < 4 / np.sqrt(N)


def test_pink_noise_has_its_size_and_falls_by_3_db_an_octave():
    octaves, runs = 10, 24
    whole = NoisyCost(CostNoise(pink=0.5, pink_octaves=octaves), 6).of(0, runs * 4096)
    # The slowest source changes 96 times.
    assert whole.std() == pytest.approx(0.5, rel=0.1)
    spectra = np.abs(np.fft.rfft(whole.reshape(runs, 4096), axis=1)) ** 2
    power = spectra.mean(axis=0)
    # Octaves inside the band, away from its edges.
    bands = [power[2**k : 2 ** (k + 1)].mean() for k in range(4, 10)]
    slope = np.polyfit(np.log2(2.0 ** np.arange(4, 10)), np.log2(bands), 1)[0]
    assert slope == pytest.approx(-1.0, abs=0.12)


def test_white_and_pink_are_independent():
    white = NoisyCost(CostNoise(white=1), 7).of(0, N)
    pink = NoisyCost(CostNoise(pink=1, pink_octaves=4), 7).of(0, N)
    assert abs(np.corrcoef(white, pink)[0, 1]) < 0.03
    both = NoisyCost(CostNoise(white=1, pink=1, pink_octaves=4), 7).of(0, N)
    np.testing.assert_allclose(both, white + pink)


def test_read_noise():
    outputs = ReadNoise(0.2, 8, 10, OUTPUTS_WORD).of(3, N // 10)
    parameters = ReadNoise(0.2, 8, 10, PARAMETERS_WORD).of(3, N // 10)
    within(outputs, 0, 0.2)
    within(parameters, 0, 0.2)
    assert abs(np.corrcoef(outputs.ravel(), parameters.ravel())[0, 1]) < 4 / np.sqrt(N)


def after(settings, steps, devices, size=0.01):
    memory = Memory(settings, 9, np.zeros(devices))
    for k in range(1, steps + 1):
        memory.write(np.full(devices, size * k), k)
    return memory.values(steps)


def test_errors_of_updates_add_up_in_increments_and_are_forgotten_otherwise():
    devices, steps = 4000, 25
    within(after(Imperfections(update_noise=0.1), steps, devices), 0.25, 0.1)
    settings = Imperfections(update_noise=0.1, writing="increments")
    within(after(settings, steps, devices), 0.25, 0.1 * np.sqrt(steps))


@pytest.mark.parametrize("writing", ["absolute", "increments"])
def test_stochastic_rounding_is_right_on_average(writing):
    keys = {"resolution": {"step": 0.1, "rounding": "stochastic"}, "writing": writing}
    values = after(Imperfections.model_validate(keys), 30, 4000)
    assert values.mean() == pytest.approx(0.3, abs=0.1 * np.sqrt(30) / np.sqrt(4000))
    assert np.abs(values / 0.1 - np.rint(values / 0.1)).max() < 1e-9


def test_small_steps_are_lost_where_nobody_keeps_them():
    settings = Imperfections.model_validate({"resolution": {"step": 0.1}, "writing": "increments"})
    assert (after(settings, 30, 4) == 0).all()
    settings = Imperfections.model_validate({"resolution": {"step": 0.1}})
    np.testing.assert_allclose(after(settings, 30, 4), 0.3)


def test_ramps_do_not_change_where_uneven_steps_and_soft_bounds_lead():
    settings = Imperfections.model_validate(
        {
            "asymmetry": {"ratio": 2.0},
            "saturation": {"low": -1, "high": 1},
            "writing": "increments",
        }
    )
    np.testing.assert_allclose(after(settings, 100, 3), after(settings, 1, 3, size=1.0))
    np.testing.assert_allclose(after(settings, 1, 3, size=1.0), 1 - np.exp(-np.sqrt(2.0)))


def test_neurons_vary_as_the_paper_has_it():
    factors = drawn(0.2, 3, 8000).factors
    for row, mean in zip(factors, (1, 1, 0, 0), strict=True):
        within(row, mean, 0.2)
    assert np.abs(np.corrcoef(factors) - np.eye(4)).max() < 4 / np.sqrt(8000)


def test_devices_die_around_their_endurance():
    wear = Wear(None, Endurance(writes=100, spread=0.3), 4, 4000)
    lives = np.zeros(4000)
    for _ in range(400):
        lives += wear.free
        wear.add(wear.free.copy())
    assert not wear.free.any()
    assert np.median(lives) == pytest.approx(100, rel=0.03)
    assert np.log(lives).std() == pytest.approx(0.3, rel=0.05)


def test_the_power_law_of_drift():
    drift = Drift(exponent=0.1, reference_presentations=2)
    held = Fading(drift, None, 0, np.full(3, 0.8), np.zeros(3, np.bool_))
    held.write(np.full(3, 0.5), np.array([True, False, False]), 100)
    for t in (100, 103, 1000):
        np.testing.assert_allclose(
            held.values(t), [0.5 * (1 + (t - 100) / 2) ** -0.1, *[0.8 * (1 + t / 2) ** -0.1] * 2]
        )
