import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mgd_lab.experiment.bench_terminals import Conversion, ParameterMap

NUMBERS = st.floats(-1e6, 1e6)
GAINS = st.floats(1e-3, 1e3) | st.floats(-1e3, -1e-3)


@given(GAINS, NUMBERS, NUMBERS)
def test_a_value_comes_back_from_its_level(gain, offset, value):
    conversion = Conversion(gain, offset)
    there_and_back = conversion.value(conversion.level(value))
    assert math.isclose(there_and_back, value, rel_tol=1e-12, abs_tol=1e-12 * (1 + abs(offset)))


@given(GAINS, NUMBERS, NUMBERS, st.floats(0, 1e6), st.floats(0, 1))
def test_no_level_lies_beyond_those_of_the_limits(gain, offset, low, width, part):
    conversion, high = Conversion(gain, offset), low + width
    value = min(high, low + part * width)
    edges = sorted((conversion.level(low), conversion.level(high)))
    assert edges[0] <= conversion.level(value) <= edges[1]


@given(GAINS, NUMBERS, st.lists(NUMBERS, min_size=1, max_size=5))
def test_arrays_are_converted_as_numbers_are(gain, offset, values):
    conversion = Conversion(gain, offset)
    levels = conversion.level(np.array(values))
    assert levels.tolist() == [conversion.level(value) for value in values]


def run(**keys):
    shared = {"names": ["a", "b", "c"], "instrument": "dac", "channels": ["1", "2", "3"]}
    return ParameterMap.model_validate({**shared, "low": -1, "high": 1, **keys})


def test_the_polarity_turns_the_slope_only():
    conversion = run(gain=2.0, offset=0.5, polarity="inverted").conversion
    assert conversion.value(1.0) == -1.5
    assert conversion.level(-1.5) == 1.0


def test_fixed_and_masked_parameters_are_held():
    assert [knob.held for knob in run(masked=["b"], safe=0.25).knobs("parameters", 0)] == [
        None,
        0.25,
        None,
    ]
    fixed = run(fixed=0.5)
    assert fixed.trained == 0
    assert [knob.held for knob in fixed.knobs("parameters", 0)] == [0.5] * 3
