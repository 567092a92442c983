"""A user's own cost function is called with copies of nothing and changes nothing."""

import numpy as np
import pytest

from mgd_lab.costs import CostFunction
from mgd_lab.errors import CapabilityError, ConfigurationError
from mgd_lab.wire import SetCost

OUTPUTS = np.arange(6.0).reshape(3, 2)
TARGETS = np.ones((3, 2), np.float32)


def leave(outputs, targets):
    raise SystemExit(7)


def squares(outputs, targets):
    return ((outputs - targets) ** 2).sum(axis=1)


def test_costs_are_what_the_function_gives():
    cost = CostFunction("user", function=squares)
    np.testing.assert_array_equal(cost(OUTPUTS, TARGETS), [1.0, 5.0, 25.0])


def test_arrays_come_in_one_layout_and_cannot_be_written_to():
    seen = []

    def look(outputs, targets):
        seen.extend([outputs, targets])
        return squares(outputs, targets)

    outputs, targets = np.asfortranarray(OUTPUTS), np.asfortranarray(TARGETS)
    CostFunction("user", function=look)(outputs, targets)
    for array in seen:
        assert array.flags.c_contiguous
        assert not array.flags.writeable
    assert outputs.flags.writeable


def test_what_is_kept_and_given_again_does_no_harm():
    kept = np.zeros(3)

    def same_array(outputs, targets):
        kept[:] = squares(outputs, targets)
        return kept

    cost = CostFunction("user", function=same_array)
    first = cost(OUTPUTS, TARGETS)
    cost(OUTPUTS * 0.0, TARGETS)
    np.testing.assert_array_equal(first, [1.0, 5.0, 25.0])


def test_overflow_is_the_controllers_to_judge():
    cost = CostFunction("user", function=lambda y, _: np.exp(1e4 * y[:, 0]))
    assert np.isinf(cost(OUTPUTS, TARGETS)[2])


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda y, t: squares(y, t).astype(np.float32), r"gives float32 \(3,\) for 3 rows"),
        (lambda y, t: squares(y, t)[:, None], r"gives float64 \(3, 1\) for 3 rows"),
        (lambda y, t: float(squares(y, t).sum()), r"gives float for 3 rows"),
        (lambda y, t: y @ t, r"fails on outputs \(3, 2\) and targets \(3, 2\): ValueError"),
        (lambda y, t: np.subtract(y, t, out=y), "fails on .*read-only"),
        (leave, "fails on .*SystemExit: 7"),
    ],
)
def test_what_is_no_cost_is_refused(function, message):
    with pytest.raises(ConfigurationError, match=rf"^task\.cost: the function {message}"):
        CostFunction("user", function=function)(OUTPUTS, TARGETS)


@pytest.mark.parametrize("keys", [{"kind": "user"}, {"kind": "mse", "function": squares}])
def test_kind_and_function_go_together(keys):
    with pytest.raises(ConfigurationError, match="needs its function"):
        CostFunction(**keys)


def test_it_does_not_go_over_a_wire():
    with pytest.raises(CapabilityError, match="cannot be sent to a chip; use rung: forward"):
        SetCost(CostFunction("user", function=squares)).encode(1)
