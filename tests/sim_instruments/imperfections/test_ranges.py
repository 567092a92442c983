"""Grids, soft bounds and converters, for any values."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some

from mgd_lab.experiment.imperfections import Imperfections, Range, Resolution, Saturation
from sim_instruments.imperfections.converter import Converter
from sim_instruments.imperfections.grid import Grid
from sim_instruments.imperfections.memory import Memory
from sim_instruments.imperfections.steps import SoftBounds

numbers = some.floats(-100, 100)
edges = some.tuples(some.floats(-10, 10), some.floats(0.01, 10)).map(lambda p: (p[0], p[0] + p[1]))


@settings(max_examples=40)
@given(edges, some.integers(1, 12), some.lists(numbers, min_size=1, max_size=20), some.data())
def test_a_range_of_bits_has_so_many_values_and_its_edges_among_them(ends, bits, values, data):
    low, high = ends
    grid = Grid.of(Range(low=low, high=high, bits=bits))
    values = np.array(values)
    uniforms = np.array([data.draw(some.floats(0, 1, exclude_max=True)) for _ in values])
    step = (high - low) / (2**bits - 1)
    inside = np.clip(values, low, high)
    for found, most in ((grid.nearest(values), 0.5), (grid.stochastic(values, uniforms), 1)):
        assert (found >= low).all()
        assert (found <= high).all()
        places = (found - low) / step
        np.testing.assert_allclose(places, np.rint(places), atol=1e-6)
        assert (np.abs(found - inside) <= (most + 1e-9) * step + 1e-12).all()
    np.testing.assert_array_equal(grid.nearest(np.array([low - 1, high + 1])), [low, high])
    # What is on the grid stays there.
    np.testing.assert_allclose(grid.nearest(grid.nearest(values)), grid.nearest(values))


@given(some.floats(0.001, 10), numbers)
def test_a_step_rounds_to_multiples(step, value):
    found = Grid.of(Resolution(step=step), step).nearest(np.array([value]))[0]
    assert abs(found - value) <= step * (0.5 + 1e-9)
    assert math.isclose(found / step, round(found / step), abs_tol=1e-6)


@settings(max_examples=40)
@given(edges, some.floats(0, 1), some.lists(some.floats(-30, 30), min_size=1, max_size=10))
def test_soft_bounds_hold_whatever_is_asked_and_steps_add_up(ends, place, steps):
    low, high = ends
    bounds = SoftBounds(Saturation(low=low, high=high))
    value = np.array([low + place * (high - low)])
    for step in steps:
        moved = bounds.moved(value, np.array([step]))
        assert low <= moved[0] <= high
        assert (moved[0] - value[0]) * np.sign(step) >= -1e-12
        assert abs(moved[0] - value[0]) <= 2 * abs(step) + 1e-9
        halves = bounds.moved(bounds.moved(value, np.array([step / 2])), np.array([step / 2]))
        np.testing.assert_allclose(moved, halves, atol=1e-9)
        value = moved


@settings(max_examples=40)
@given(edges, some.lists(numbers, min_size=3, max_size=3), some.integers(0, 10))
def test_nothing_held_leaves_the_bounds(ends, asked, seed):
    low, high = ends
    keys = {"saturation": {"low": low, "high": high}, "update_noise": 3.0, "writing": "increments"}
    middle = np.full(3, (low + high) / 2)
    memory = Memory(Imperfections.model_validate(keys), seed, middle)
    for k in range(4):
        memory.write(np.array(asked) * k, k)
        assert (memory.values(k) >= low).all()
        assert (memory.values(k) <= high).all()


def test_not_a_number_stays_none_and_what_is_clipped_is_counted():
    converter = Converter(Range(low=0.0, high=1.0, bits=1))
    found = converter.converted(np.array([[np.nan, -3.0], [0.4, 0.6]]))
    np.testing.assert_array_equal(found, [[np.nan, 0.0], [0.0, 1.0]])
    assert converter.clipped == 1
    assert Converter(Range()).converted(np.array([1e300]))[0] == 1e300
