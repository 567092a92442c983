"""A QDAC-II steps, a generator and a multimeter follow its markers: nothing is mixed up."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.instruments import keysight_33500b, keysight_34461a, qdac2
from mgd_lab.errors import LinkError
from mgd_lab.experiment.bench_terminals import Conversion
from sim_instruments.bench import keysight_33500b as simulated_33500b
from sim_instruments.bench import keysight_34461a as simulated_34461a
from sim_instruments.bench import qdac2 as simulated_qdac2
from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.wiring import Cable, Wire, Wiring
from sim_instruments.bench.world import World
from sim_instruments.visa_library import simulated_library

DRIVERS = {"dac": qdac2.DRIVER, "awg": keysight_33500b.DRIVER, "dmm": keysight_34461a.DRIVER}
SIMULATIONS = {
    "dac": simulated_qdac2.INSTRUMENT,
    "awg": simulated_33500b.INSTRUMENT,
    "dmm": simulated_34461a.INSTRUMENT,
}
KEYS = {
    "dac": {"driver": "qdac2", "channels": ("1", "2"), "range": "high"},
    "awg": {"driver": "keysight_33500b", "channels": ("1",), "low": 0, "high": 1},
    "dmm": {"driver": "keysight_34461a", "model": "34465A", "nplc": 0.02},
}


class Line:
    """y = w x + b."""

    def outputs(self, parameters, inputs):
        return parameters[0] * inputs.astype(np.float64) + parameters[1]


@pytest.fixture
def bench():
    wiring = Wiring(
        (
            Wire(("dac", "1"), "parameter", 0, Conversion()),
            Wire(("dac", "2"), "parameter", 1, Conversion()),
            Wire(("awg", "1"), "input", 0, Conversion()),
        ),
        (Wire(("dmm", "1"), "output", 0, Conversion()),),
        (Cable(("dac", ""), ("dmm", "")), Cable(("dac", ""), ("awg", ""))),
    )
    world = World(Line(), wiring, VirtualClock(), noise=0, time_constant_seconds=1e-5)
    settings = {
        name: DRIVERS[name].settings(resource=f"TCPIP0::{name}::5025::SOCKET", timeout_seconds=0.05,
                                     **keys)
        for name, keys in KEYS.items()
    }  # fmt: skip
    library = simulated_library(
        {
            settings[name].resource: each.build(name, settings[name], world.plug(name))
            for name, each in SIMULATIONS.items()
        }
    )
    boxes = {name: each.build(name, settings[name], library) for name, each in DRIVERS.items()}
    for box in boxes.values():
        box.connect()
        box.configure()
    boxes["awg"].switch_outputs(True)
    return world, boxes


def play(world, boxes, weights, biases, inputs):
    """Two steps a probe, the first for settling: readings of the second."""
    dac, awg, dmm = (boxes[name] for name in ("dac", "awg", "dmm"))
    count, dwell = 2 * len(weights), 1.05 * dmm.times.reading
    lists = {"1": np.repeat(weights, 2), "2": np.repeat(biases, 2)}
    dac.load_list(lists, "own", dwell)
    awg.load_list({"1": np.repeat(inputs, 2)}, "trigger", dwell)
    dmm.arm_buffer(count, "trigger")
    awg.arm_list()
    dac.arm_list()
    dac.start_list()
    world.clock.spend((count + 1) * dwell)
    readings = dmm.fetch_buffer(count)[1::2, 0]
    assert (dac.steps_played(), awg.steps_played()) == (count, count)
    assert all(box.take_errors() == [] for box in boxes.values())
    return readings


def test_every_reading_belongs_to_its_levels(bench):
    world, boxes = bench
    chance = np.random.default_rng(7)
    for _ in range(3):
        weights, biases = chance.uniform(-4, 4, (2, 50))
        inputs = chance.integers(0, 2, 50).astype(np.float64)
        readings = play(world, boxes, weights, biases, inputs)
        assert np.allclose(readings, weights * inputs + biases, atol=1e-6)
        # The same levels by commands give the same readings.
        boxes["dac"].set_levels({"1": weights[9], "2": biases[9]})
        boxes["awg"].set_levels({"1": inputs[9]})
        world.clock.spend(0.01)
        assert boxes["dmm"].measure(1)[0, 0] == readings[9]


def test_markers_that_are_not_cabled_are_noticed(bench):
    world, boxes = bench
    boxes["dac"]._lists._marker = 3
    with pytest.raises(LinkError, match="holds 0 readings of 8"):
        play(world, boxes, np.ones(4), np.ones(4), np.array([0.0, 1.0, 0.0, 1.0]))
