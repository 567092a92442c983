"""θ on a coarse grid: nearest or stochastic, with or without a copy on the host."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mgd_lab.chip import ChipDescription, ParameterGroup
from mgd_lab.controller import Envelope, Rounding
from mgd_lab.errors import LimitError

seeded = settings(derandomize=True, deadline=None)
P = 64


def _envelope(rounding: Rounding, *, mode: str = "refuse", **group: float) -> Envelope:
    groups = (ParameterGroup("weights", P, **{"resolution": 0.25, **group}),)
    chip = ChipDescription(name="coarse", groups=groups, inputs=1, outputs=1)
    return Envelope(chip, np.full(P, 0.125, np.float32), mode, rounding)


def test_without_a_copy_the_host_keeps_what_was_sent():
    theta = np.linspace(-1.0, 1.0, P)
    for rounding in (Rounding(float_copy=False), Rounding(float_copy=False, seed=3)):
        admitted = _envelope(rounding).admit(theta, 1)
        np.testing.assert_array_equal(admitted.theta, admitted.sent)
    np.testing.assert_array_equal(_envelope(Rounding()).admit(theta, 1).theta, theta)
    analog = _envelope(Rounding(float_copy=False), resolution=0.0).admit(theta, 1)
    np.testing.assert_array_equal(analog.theta, theta.astype(np.float32))


def test_stochastic_rounding_is_right_on_average():
    theta = np.linspace(0.0, 0.25, P)
    envelope = _envelope(Rounding(seed=1))
    sent = np.array([envelope.admit(theta, update).sent for update in range(2000)])
    assert set(np.unique(sent)) == {0.0, 0.25}
    np.testing.assert_allclose(sent.mean(axis=0), theta, atol=0.02)
    # Each parameter and each update draws for itself.
    assert np.corrcoef(sent[:, 20], sent[:, 21])[0, 1] < 0.1
    assert np.corrcoef(sent[1:, 31], sent[:-1, 31])[0, 1] < 0.1


def test_the_draw_is_a_function_of_seed_and_update():
    theta = np.full(P, 0.1)
    sent = _envelope(Rounding(seed=1)).admit(theta, 7).sent
    other = _envelope(Rounding(seed=1))
    for update in (3, 9, 7):
        again = other.admit(theta, update).sent
    np.testing.assert_array_equal(again, sent)
    assert (_envelope(Rounding(seed=2)).admit(theta, 7).sent != sent).any()
    assert (_envelope(Rounding(seed=1)).admit(theta, 8).sent != sent).any()


@seeded
@given(
    st.floats(-3, 0),
    st.floats(1.0, 4.0),
    st.sampled_from([0.1, 0.25, 1 / 3, 0.01]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 1000),
)
def test_limits_hold_and_admitting_again_changes_nothing(
    low, width, step, copied, stochastic, update
):
    high = low + width
    rounding = Rounding(float_copy=copied, seed=5 if stochastic else None)
    try:
        envelope = _envelope(
            rounding, mode="project", low=low, high=high, safe=low, resolution=step
        )
        theta = low + width * np.linspace(-0.5, 1.5, P)
        admitted = envelope.admit(theta, update)
    except LimitError:
        # No value of the grid has room for the amplitude.
        assume(width - 0.25 < 2 * step)
        return
    wide = admitted.sent.astype(np.float64)
    assert (wide - 0.125 >= low).all()
    assert (wide + 0.125 <= high).all()
    places = (wide - low) / step
    np.testing.assert_allclose(places, np.round(places), atol=1e-4)
    # What a resumed run does with the θ of its checkpoint.
    again = envelope.admit(admitted.theta, update)
    np.testing.assert_array_equal(again.sent, admitted.sent)
    np.testing.assert_array_equal(again.theta, admitted.theta)
    assert again.projected == 0


def test_what_would_be_rounded_over_the_edge_is_refused():
    envelope = _envelope(Rounding(seed=1), low=-1.0, high=1.0)
    # The edge, 0.875, lies between two values of the grid.
    with pytest.raises(LimitError, match=r"would become 1\b.*must stay within \[-1, 1\]"):
        envelope.admit(np.full(P, 0.87), 1)


def test_limits_stay_when_the_rounding_is_another():
    envelope = _envelope(Rounding(), mode="project", low=-1.0, high=1.0)
    other = envelope.with_rounding(Rounding(float_copy=False))
    admitted = other.admit(np.full(P, 7.0), 1)
    np.testing.assert_array_equal(admitted.sent, np.float32(0.75))
    np.testing.assert_array_equal(admitted.theta, 0.75)
