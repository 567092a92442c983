"""Source-measure units on a simulated bench: as sources, conductors and meters, in both timings."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.bench.chip import BenchChip
from mgd_lab.bench import SettingsOfDrivers, chip_drivers
from mgd_lab.bench.simulated_bench import SIMULATED_BENCH
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ChipError
from mgd_lab.experiment import load_chip
from mgd_lab.experiment.entry_points import EntryPoints
from sim_instruments.bench.bench import Bench
from sim_instruments.bench.plug import BenchInstrument

# θ = (w, b), x, y: a 1-1 network whose output is a voltage at a DMM, or a current into an SMU.
CHIP = """\
driver: bench
name: Keithleys
visa_library: "@sim"
retries: {{per_block: 0, backoff_seconds: 0}}
instruments:
  a: {{driver: keithley_2600, resource: "TCPIP0::a.lab::5025::SOCKET",
      {channels}}}
  b: {{driver: keithley_2450, resource: "TCPIP0::b.lab::5025::SOCKET",
      source_range: 2, compliance: 0.01, nplc: 0.01, source_delay_seconds: {delay}}}
  c: {{driver: keithley_2400, resource: "GPIB0::24::INSTR", source_range: 2, compliance: 0.01,
      nplc: 0.01, source_delay_seconds: {delay}}}
  dmm: {{driver: keysight_34461a, resource: "TCPIP0::dmm.lab::5025::SOCKET", nplc: 0.02}}
parameters:
  - {{names: [w], instrument: {w}, channels: ["{wc}"], low: -2, high: 2}}
  - {{names: [b], instrument: {b}, channels: ["{bc}"], group: biases, low: -2, high: 2}}
inputs:
  - {{instrument: {x}, channel: "{xc}", low: 0, high: 1}}
outputs:
  - {{instrument: {y}, channel: "{yc}", gain: {gain}}}
settle_seconds: 0.001
conductor: {w}
timing: {timing}
triggers: [{triggers}]
simulated:
  network: {{layers: [1, 1], activation: linear, output_activation: sigmoid}}
  noise: 0
  time_constant_seconds: 0.00005
"""

AT_DMM = {"y": "dmm", "yc": "1", "gain": 1.0}
PLACES = {
    "2600 conducts": {"w": "a", "wc": "smua", "b": "a", "bc": "smub", "x": "b", "xc": "1"} | AT_DMM,
    "2450 conducts": {"w": "b", "wc": "1", "b": "c", "bc": "1", "x": "a", "xc": "smua"} | AT_DMM,
    "2400 conducts": {"w": "c", "wc": "1", "b": "a", "bc": "smub", "x": "b", "xc": "1"} | AT_DMM,
    "2400 measures": {
        "w": "c", "wc": "1", "b": "a", "bc": "smub", "x": "b", "xc": "1",
        "y": "c", "yc": "sense", "gain": 1000.0,
    },
    "2450 measures": {
        "w": "b", "wc": "1", "b": "c", "bc": "1", "x": "a", "xc": "smua",
        "y": "b", "yc": "sense", "gain": 1000.0,
    },
    "2600 measures": {
        "w": "a", "wc": "smua", "b": "c", "bc": "1", "x": "b", "xc": "1",
        "y": "a", "yc": "smua.measure", "gain": 1000.0,
    },
}  # fmt: skip


@pytest.fixture
def built(tmp_path):
    def build(places, timing, delay=0.0):
        """The chip, and the world that it is plugged into."""
        # Cables lead to the inputs by name: an output line is no input.
        inputs = {"a": "digio_1", "b": "digio_1", "c": "trigger_link_1", "dmm": "ext_trig"}
        used = dict.fromkeys([places["b"], places["x"], places["y"]])
        cables = ", ".join(
            f"{{from: {places['w']}, to: {name}, input: {inputs[name]}}}"
            for name in used
            if name != places["w"]
        )
        function = (
            f"{{source_range: 6, compliance: 0.01, nplc: 0.01, source_delay_seconds: {delay}}}"
        )
        channels = ",\n      ".join(
            f"{name}: {function}" for name in ("smua", "smub") if name in places.values()
        )
        path = tmp_path / f"{timing}.yaml"
        path.write_text(
            CHIP.format(timing=timing, triggers=cables, delay=delay, channels=channels, **places)
        )
        settings = load_chip(path, drivers=SettingsOfDrivers(chip_drivers()))
        bench = Bench(settings, EntryPoints(SIMULATED_BENCH, BenchInstrument))
        return BenchChip(settings, bench.visa_library()), bench.world

    return build


def costs(chip):
    rng = np.random.default_rng(1)
    perturbations = (0.1 * rng.choice([-1, 1], (20, 2))).astype(np.float32)
    samples = rng.integers(0, 2, 20).astype(np.uint32)
    chip.set_cost(CostFunction("mse"))
    chip.load_samples(np.array([[0], [1]], np.float32), np.array([[0], [1]], np.float32))
    theta = np.array([0.5, -0.25], np.float32)
    inputs = samples[:, None].astype(np.float64)
    values = theta.astype(np.float64) + perturbations
    outputs = 1 / (1 + np.exp(-(values[:, :1] * inputs + values[:, 1:])))
    return chip.measure_dense(theta, samples, perturbations), ((outputs - inputs) ** 2)[:, 0]


@pytest.mark.parametrize("delay", [0.0, 0.001])
@pytest.mark.parametrize("name", PLACES)
def test_both_timings_give_the_same(built, name, delay):
    found = []
    for timing in ("software", "hardware"):
        chip, _ = built(PLACES[name], timing, delay)
        with chip:
            chip.write_parameters(np.array([0.5, -0.25]))
            chip.switch_outputs(True)
            measured, expected = costs(chip)
            again, _ = costs(chip)
            chip.switch_outputs(False)
        assert measured.tolist() == again.tolist()
        # A load of 1 MΩ draws a thousandth of what the chip gives, where an SMU measures that.
        assert measured == pytest.approx(expected, abs=5e-3 if "measures" in name else 1e-5)
        found.append(measured)
    assert found[0] == pytest.approx(found[1], abs=1e-6)


@pytest.mark.parametrize("timing", ["software", "hardware"])
@pytest.mark.parametrize("name", ["2600 conducts", "2450 conducts", "2400 conducts"])
def test_a_short_ends_a_run_with_outputs_off(built, name, timing):
    chip, world = built(PLACES[name], timing)
    with chip:
        chip.write_parameters(np.array([0.5, -0.25]))
        chip.switch_outputs(True)
        costs(chip)
        place = PLACES[name]["w"], PLACES[name]["wc"]
        world.set_load(*place, 1.0)
        with pytest.raises(ChipError, match="compliance"):
            costs(chip)
    assert set(world.levels().values()) == {None}


@pytest.mark.parametrize("levels", [(1.8, 0.5), (0.5, 1.8)])
@pytest.mark.parametrize("timing", ["software", "hardware"])
@pytest.mark.parametrize("name", ["2600 conducts", "2450 conducts", "2400 conducts"])
def test_a_probe_that_is_clipped_is_not_used(built, name, timing, levels):
    """At 100 Ω the limit of 10 mA is met at 1 V, by one of two probes."""
    chip, world = built(PLACES[name], timing)
    perturbations = np.array([[level, 0.0] for level in levels], np.float32)
    with chip:
        chip.set_cost(CostFunction("mse"))
        chip.load_samples(np.ones((1, 1), np.float32), np.ones((1, 1), np.float32))
        chip.write_parameters(np.zeros(2))
        chip.switch_outputs(True)
        world.set_load(PLACES[name]["w"], PLACES[name]["wc"], 100.0)
        probes = np.zeros(2, np.float32), np.zeros(2, np.uint32)
        chip.measure_dense(*probes, perturbations / 2)
        with pytest.raises(ChipError, match=r"in compliance at 0\.01 A"):
            chip.measure_dense(*probes, perturbations)
