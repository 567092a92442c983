"""Levels on terminals become the outputs of one chip, in their time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mgd_lab.costs import CostFunction
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.bench_terminals import Conversion
from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.wiring import Cable, Wire, Wiring
from sim_instruments.bench.world import World


class Line:
    """y = w x + b, and a note of how often it was asked."""

    def __init__(self):
        self.asked = 0

    def outputs(self, parameters, inputs):
        self.asked += 1
        return parameters[0] * inputs.astype(np.float64) + parameters[1]


WIRES = Wiring(
    sources=(
        Wire(("dac", "1"), "parameter", 0, Conversion(2.0)),
        Wire(("dac", "2"), "parameter", 1, Conversion(-1.0, 0.5)),
        Wire(("awg", "1"), "input", 0, Conversion()),
        Wire(("awg", "2"), "target", 0, Conversion()),
    ),
    meters=(
        Wire(("dmm", "1"), "output", 0, Conversion(0.5, 1.0)),
        Wire(("dmm", "2"), "cost", 0, Conversion(10.0)),
    ),
    cables=(Cable(("dac", ""), ("dmm", "")), Cable(("dac", "b"), ("awg", "in"))),
)


def world(**keys):
    return World(Line(), WIRES, VirtualClock(), cost=CostFunction(), **keys)


def test_levels_pass_the_mappings_both_ways():
    bench = world()
    dac, awg, dmm = (bench.plug(name) for name in ("dac", "awg", "dmm"))
    dac.drive("1", 0.75)  # w = 1.5
    dac.drive("2", 0.25)  # b = 0.25
    awg.drive("1", 2.0)
    awg.drive("2", 4.0)
    assert dmm.sense("1") == (3.25 - 1.0) / 0.5
    assert dmm.sense("2") == pytest.approx((3.25 - 4.0) ** 2 / 10)
    assert dac.sense("1") == 0.75
    assert dac.sense("9") == 0.0


def test_off_is_high_impedance_pulled_to_zero():
    bench = world()
    dac, dmm = bench.plug("dac"), bench.plug("dmm")
    dac.drive("2", 1.0)
    assert (bench.level("dac", "1"), bench.level("dac", "2")) == (None, 1.0)
    dac.drive("2", None)
    assert set(bench.levels().values()) == {None}
    assert dmm.sense("1") == (0.5 - 1.0) / 0.5
    assert (bench.driven("dac", "2"), bench.driven("dac", "1")) == (2, 0)


def test_settling_is_exponential_and_ends():
    bench = world(time_constant_seconds=0.01)
    dac, dmm = bench.plug("dac"), bench.plug("dmm")
    dac.drive("2", -1.0)
    for seconds in (0.0, 0.005, 0.02):
        bench.clock.spend(seconds - bench.clock.now())
        assert dac.sense("2") == pytest.approx(-(1 - math.exp(-seconds / 0.01)))
    assert dmm.sense("1") == pytest.approx((0.5 - dac.sense("2") - 1.0) / 0.5)
    bench.clock.spend(0.2)
    assert dac.sense("2") == -1.0
    assert dmm.sense("1") == 1.0


def test_the_same_level_again_does_not_disturb():
    bench = world(time_constant_seconds=0.01)
    dac = bench.plug("dac")
    dac.drive("1", 1.0)
    bench.clock.spend(0.13)
    dac.drive("1", 1.0)
    bench.clock.spend(0.011)
    assert dac.sense("1") == 1.0


def test_a_settled_chip_is_computed_once():
    bench = world(time_constant_seconds=0.01)
    dac, dmm = bench.plug("dac"), bench.plug("dmm")
    dac.drive("1", 1.0)
    for _ in range(3):
        dmm.sense("1")
    assert bench._chip.asked == 3
    bench.clock.spend(1.0)
    for _ in range(3):
        dmm.sense("1")
    assert bench._chip.asked == 4
    dac.drive("2", 1.0)
    bench.clock.spend(1.0)
    assert dmm.sense("1") == -3.0


def test_a_chip_that_is_never_the_same_is_always_asked():
    bench = world(repeatable=False)
    dmm = bench.plug("dmm")
    dmm.sense("1")
    dmm.sense("1")
    assert bench._chip.asked == 2


def test_pulses_reach_those_that_are_cabled():
    bench, seen = world(), []
    dac, awg, dmm = (bench.plug(name) for name in ("dac", "awg", "dmm"))
    dmm.listen("ext", lambda: seen.append("dmm"))
    awg.listen("in", lambda: seen.append("awg"))
    awg.listen("other", lambda: seen.append("never"))
    dac.pulse("a")
    assert seen == ["dmm"]
    dac.pulse("b")
    assert seen == ["dmm", "dmm", "awg"]
    dmm.pulse("vm")
    assert len(seen) == 3


def test_loads():
    bench = world()
    dac = bench.plug("dac")
    assert dac.load_current("1", 2.0) == 2e-6
    bench.set_load("dac", "1", 10.0)
    assert dac.load_current("1", 2.0) == 0.2


def test_noise_is_each_instruments_own():
    first, again, silent = world(seed=3), world(seed=3), world(seed=3, noise=0)
    a, b = first.plug("a"), first.plug("b")
    numbers = [(a.noise(), b.noise()) for _ in range(1000)]
    b_then_a = again.plug("a"), again.plug("b")
    assert [b_then_a[1].noise() for _ in range(1000)] == [n for _, n in numbers]
    assert [b_then_a[0].noise() for _ in range(1000)] == [n for n, _ in numbers]
    assert abs(np.corrcoef(np.array(numbers).T)[0, 1]) < 0.1
    assert 0.9 < np.std([n for n, _ in numbers]) < 1.1
    assert silent.plug("a").noise() == 0


def test_a_cost_that_nobody_computes():
    bench = World(Line(), WIRES, VirtualClock())
    with pytest.raises(ConfigurationError, match="computes none"):
        bench.sense(("dmm", "2"))


def test_an_instrument_without_power_drives_and_triggers_nothing():
    bench = world()
    dac, dmm = bench.plug("dac"), bench.plug("dmm")
    pulses = []
    dmm.listen("ext", lambda: pulses.append(bench.clock.now()))
    dac.drive("2", 1.0)
    dac.later(0.1, lambda: (dac.drive("2", 0.5), dac.pulse("a")))
    dac.pulse("a")
    bench.release("dac")
    bench.clock.spend(1.0)
    assert bench.level("dac", "2") is None
    assert pulses == [0.0]
