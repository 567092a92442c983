"""Nothing that is admitted ever leaves the limits, with its perturbation, as the chip adds it."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mgd_lab.chip import ChipDescription, ParameterGroup
from mgd_lab.controller import Envelope, check_amplitudes
from mgd_lab.errors import ConfigurationError, LimitError

seeded = settings(derandomize=True, deadline=None)
edges = st.floats(-1e6, 1e6, allow_subnormal=False)
amplitudes = st.floats(2.0**-60, 10.0, width=32)
anything = st.floats(allow_nan=True, allow_infinity=True) | edges


def _chip(low: float, high: float, **more: float) -> ChipDescription:
    middle = min(max(0.0, low), high)
    groups = (
        ParameterGroup("free", 1),
        ParameterGroup("heaters", 2, unit="mA", low=low, high=high, **{"safe": middle, **more}),
    )
    return ChipDescription(name="bench chip", groups=groups, inputs=1, outputs=1)


def _envelope(chip: ChipDescription, amplitude: float, mode: str = "refuse") -> Envelope:
    return Envelope(chip, np.full(3, amplitude, np.float32), mode)


def _reach(sent: np.ndarray, amplitude: float) -> np.ndarray:
    """θ ± θ̃ as a chip adds them."""
    assert sent.dtype == np.float32
    wide = np.float64(np.float32(amplitude))
    return np.concatenate([sent.astype(np.float64) + wide, sent.astype(np.float64) - wide])


@seeded
@given(edges, st.floats(1e-3, 1e6), amplitudes, st.floats(-1.5, 1.5), st.booleans())
def test_the_admitted_stay_inside(low, width, amplitude, place, project):
    high = low + width
    chip = _chip(low, high)
    try:
        envelope = _envelope(chip, amplitude, "project" if project else "refuse")
    except LimitError:
        # Room for both signs, and for a float32 number between them.
        assert 2 * amplitude + 4 * np.spacing(np.float32(max(abs(low), abs(high)))) >= width
        return
    theta = np.array([0.0, low + width / 2, low + width * (0.5 + place / 2)])
    try:
        admitted = envelope.admit(theta)
    except LimitError:
        assert not project
        return
    reached = _reach(admitted.sent[1:], amplitude)
    assert (reached >= low).all()
    assert (reached <= high).all()


@seeded
@given(edges, st.floats(1e-3, 1e6), amplitudes)
def test_the_very_edge_is_admitted_and_the_next_number_is_not(low, width, amplitude):
    high = low + width
    chip = _chip(low, high)
    try:
        project = _envelope(chip, amplitude, "project")
    except LimitError:
        return
    for wanted, towards in ((low - width, -np.inf), (high + width, np.inf)):
        edge = project.admit(np.array([0.0, wanted, wanted])).sent[1]
        refuse = _envelope(chip, amplitude)
        assert refuse.admit(np.array([0.0, edge, edge])).sent[1] == edge
        beyond = np.float64(np.nextafter(edge, np.float32(towards)))
        with pytest.raises(LimitError):
            refuse.admit(np.array([0.0, beyond, beyond]))
        outer = beyond + math.copysign(np.float32(amplitude), towards)
        assert not low <= outer <= high


@seeded
@given(st.lists(anything, min_size=3, max_size=3), st.sampled_from(["refuse", "project"]))
def test_what_is_sent_is_a_number(values, mode):
    envelope = _envelope(_chip(-1.0, 2.0), 0.125, mode)
    theta = np.array(values)
    try:
        sent = envelope.admit(theta).sent
    except LimitError:
        inside = np.isfinite(theta).all() and (np.abs(theta) < 3e38).all()
        assert mode == "refuse" or not inside
        return
    assert np.isfinite(sent).all()
    assert np.isfinite(theta).all()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("mode", ["refuse", "project"])
@pytest.mark.parametrize("place", [0, 2])
@pytest.mark.parametrize("resolution", [0.0, 0.25])
def test_no_number_never_passes(bad, mode, place, resolution):
    theta = np.zeros(3)
    theta[place] = bad
    envelope = _envelope(_chip(-1.0, 2.0, resolution=resolution), 0.125, mode)
    with pytest.raises(LimitError, match="bench chip"):
        envelope.admit(theta)


grids = st.sampled_from([0.1, 0.25, 1 / 3, 1e-3, 0.7])


@seeded
@given(st.floats(-3, 3), st.floats(1.0, 5.0), grids, st.floats(0, 1), st.floats(-1, 2))
def test_the_nearest_value_of_the_grid_is_sent(low, width, step, amplitude_share, place):
    amplitude = max(1e-3, amplitude_share * width / 4)
    high = low + width
    wide = np.float64(np.float32(amplitude))
    grid = low + step * np.arange(int(width / step) + 2)
    grid = grid.astype(np.float32).astype(np.float64)
    admissible = grid[(grid - wide >= low) & (grid + wide <= high)]
    assume(len(admissible) > 0)
    envelope = _envelope(_chip(low, high, resolution=step), amplitude, "project")
    wanted = low + place * width
    admitted = envelope.admit(np.array([0.3, wanted, admissible[0]]))
    assert admitted.sent[0] == np.float32(0.3)
    assert admitted.sent[1] in admissible
    best = np.abs(admissible - wanted).min()
    assert abs(float(admitted.sent[1]) - wanted) <= best + 1e-6
    assert admitted.sent[2] == admissible[0]


def test_the_edge_lies_half_way_between_two_values_of_the_grid():
    envelope = _envelope(_chip(0.0, 1.0, resolution=0.1), 0.25, "project")
    admitted = envelope.admit(np.array([0.3, 1.0, 0.0]))
    np.testing.assert_array_equal(admitted.sent[1:], np.float32([0.7, 0.3]))
    assert admitted.projected == 2


def test_the_grid_of_an_open_range_starts_at_zero():
    group = ParameterGroup("free", 2, resolution=0.5)
    chip = ChipDescription(name="c", groups=(group,), inputs=1, outputs=1)
    admitted = Envelope(chip, np.full(2, 0.1, np.float32), "refuse").admit(np.array([0.74, -1.3]))
    np.testing.assert_array_equal(admitted.sent, [0.5, -1.5])
    # The host keeps what it had: small updates add up below the chip's resolution.
    np.testing.assert_array_equal(admitted.theta, [0.74, -1.3])


def test_projection_moves_the_hosts_copy_and_counts():
    envelope = _envelope(_chip(-1.0, 1.0), 0.25, "project")
    admitted = envelope.admit(np.array([50.0, -7.0, 0.8]))
    np.testing.assert_array_equal(admitted.sent, np.float32([50.0, -0.75, 0.75]))
    np.testing.assert_array_equal(admitted.theta, [50.0, -0.75, 0.75])
    assert admitted.projected == 2
    assert envelope.admit(np.array([0.0, -0.75, 0.75])).projected == 0


def test_a_refusal_names_all_that_one_needs():
    with pytest.raises(LimitError) as caught:
        _envelope(_chip(-1.0, 2.0), 0.25).admit(np.array([0.0, 1.875, -3.5]))
    message = str(caught.value)
    for part in ("'bench chip'", "heaters[0]", "1.875", "0.25", "[-1, 2] mA", "2 parameters"):
        assert part in message
    assert caught.value.exit_code == 4


def test_a_range_without_room_is_refused_at_once():
    with pytest.raises(
        LimitError, match=r"heaters\[0\]: the range \[-0.1, 0.1\] mA has no room.*0.2"
    ):
        _envelope(_chip(-0.1, 0.1), 0.2)


def test_a_range_that_the_perturbation_just_fills():
    admitted = _envelope(_chip(-0.25, 0.25), 0.25).admit(np.zeros(3))
    assert _reach(admitted.sent[1:], 0.25).tolist() == [0.25, 0.25, -0.25, -0.25]


@pytest.mark.parametrize(
    ("amplitude", "fits"),
    [(0.05, True), (0.01, True), (0.07, True), (0.005, False), (0.015, False), (0.0501, False)],
)
def test_amplitudes_are_multiples_of_the_chips_steps(amplitude, fits):
    chip = _chip(-1.0, 1.0, perturbation_resolution=0.01)
    values = np.full(3, amplitude, np.float32)
    if fits:
        check_amplitudes(chip, values, "random")
        return
    with pytest.raises(ConfigurationError) as caught:
        check_amplitudes(chip, values, "random")
    for part in ("training.perturbation.amplitude", "heaters[0]", "'bench chip'", "0.01"):
        assert part in str(caught.value)


def test_sinusoidal_codes_need_analog_perturbations():
    chip = _chip(-1.0, 1.0, perturbation_resolution=0.01)
    with pytest.raises(ConfigurationError, match=r"sinusoidal needs analog.*heaters\[0\]"):
        check_amplitudes(chip, np.full(3, 0.05, np.float32), "sinusoidal")
    check_amplitudes(_chip(-1.0, 1.0), np.full(3, 0.0501, np.float32), "sinusoidal")
