"""A bench whose instruments are driven by PyMeasure and QCoDeS, against their simulations."""

from __future__ import annotations

import json

import numpy as np
import pytest

from drivers.bench.chip import DRIVER
from mgd_lab.errors import ChipError, ConfigurationError, LimitError
from mgd_lab.experiment.entry_points import EntryPoints
from sim_instruments.bench.bench import Bench
from sim_instruments.bench.plug import BenchInstrument

pytest.importorskip("pymeasure.instruments")
pytest.importorskip("qcodes.instrument")

SMU = {"source": "voltage", "source_range": 2.0, "compliance": 0.01}
FILE = {
    "driver": "bench",
    "name": "adapted bench",
    "visa_library": "@sim",
    "instruments": {
        "w": {
            "driver": "pymeasure",
            "class": "pymeasure.instruments.keithley.Keithley2400",
            "resource": "GPIB0::24::INSTR",
            "sources": {"1": {"attribute": "source_voltage", "unit": "V", "low": -2, "high": 2}},
            "meters": {"sense": {"attribute": "current", "unit": "A"}},
            "setup": {
                "compliance_current": 0.01,
                "source_mode": "voltage",
                "source_voltage_range": 2,
                "auto_output_off_enabled": False,
            },
            "outputs": {"on": "enable_source", "off": "disable_source", "state": "source_enabled"},
            "errors": "check_errors",
            "simulated": {"driver": "keithley_2400", **SMU},
        },
        "b": {
            "driver": "qcodes",
            "class": "qcodes.instrument_drivers.Keithley.Keithley2450",
            "resource": "TCPIP0::smu.lab::5025::SOCKET",
            "sources": {"1": {"parameter": "source.voltage", "unit": "V", "low": -2, "high": 2}},
            "setup": {"source_function": "voltage", "source.limit": 0.01, "source.range": 2},
            "outputs": {
                "on": {"output_enabled": True},
                "off": {"output_enabled": False},
                "state": "output_enabled",
            },
            "simulated": {"driver": "keithley_2450", **SMU},
        },
        "x": {"driver": "keithley_2400", "resource": "GPIB0::25::INSTR", **SMU},
        "dmm": {
            "driver": "qcodes",
            "class": "qcodes.instrument_drivers.Keysight.Keysight34461A",
            "resource": "TCPIP0::dmm.lab::5025::SOCKET",
            "meters": {"1": {"parameter": "volt", "unit": "V"}},
            "setup": {"range": 10, "NPLC": 0.02, "autozero": "OFF"},
            "errors": "error",
            "simulated": {"driver": "keysight_34461a"},
        },
    },
    "parameters": [
        {"names": ["w"], "group": "w", "instrument": "w", "channels": ["1"], "low": -2, "high": 2},
        {"names": ["b"], "group": "b", "instrument": "b", "channels": ["1"], "low": -2, "high": 2},
    ],
    "inputs": [{"instrument": "x", "channel": "1", "low": -1, "high": 1}],
    "outputs": [{"instrument": "dmm", "channel": "1"}],
    "telemetry": [{"name": "i_w", "instrument": "w", "channel": "sense", "unit": "A"}],
    "settle_seconds": 0.002,
    "retries": {"per_block": 1, "backoff_seconds": 0},
    "simulated": {
        "network": {"layers": [1, 1], "activation": "linear", "output_activation": "linear"},
        "engine": "numpy",
        "noise": 0,
        "seed": 1,
    },
}
THETA = np.array([1.5, 0.25])
INPUTS = np.array([[0.5], [-1.0], [1.0]], np.float32)


def bench_of(**instruments):
    """The chip, not open yet, and the bench behind it; instrument → keys that are changed."""
    given = json.loads(json.dumps(FILE))
    for name, keys in instruments.items():
        given["instruments"][name] |= keys
    settings = DRIVER.settings.model_validate_json(json.dumps(given))
    bench = Bench(settings, EntryPoints("mgd_lab.simulated_bench", BenchInstrument))
    return DRIVER.build(settings, bench.visa_library()), bench


def levels(bench):
    return {name: bench.world.level(name, "1") for name in ("w", "b", "x")}


def test_a_bench_measures_and_is_left_off():
    chip, bench = bench_of()
    with chip:
        chip.switch_outputs(True)
        chip.write_parameters(THETA)
        assert chip.read_parameters().tolist() == THETA.tolist()
        assert chip.outputs(THETA, INPUTS)[:, 0].tolist() == [1.0, -1.25, 1.75]
        assert levels(bench) == {"w": 1.5, "b": 0.25, "x": 1.0}
        w, b, current = chip.read_telemetry()
        assert (w, b) == (1.5, 0.25)
        assert current == pytest.approx(1.5e-6)
    assert levels(bench) == {"w": None, "b": None, "x": None}


def test_limits_of_the_mapping_come_before_the_adapter():
    chip, bench = bench_of()
    with chip:
        chip.switch_outputs(True)
        with pytest.raises(LimitError, match=r"was to be set to 2.5 V"):
            chip.write_parameters(np.array([2.5, 0.0]))
        assert levels(bench)["w"] == 0.0


@pytest.mark.parametrize("name", ["w", "b", "dmm"])
def test_an_instrument_that_falls_silent_ends_in_safety(name):
    chip, bench = bench_of(**{name: {"timeout_seconds": 0.05}})

    def run():
        with chip:
            chip.switch_outputs(True)
            chip.write_parameters(THETA)
            bench.cores[name].switch_off()
            chip.outputs(np.array([1.0, 0.5]), INPUTS)

    with pytest.raises(ChipError) as caught:
        run()
    assert name in str(caught.value)
    assert levels(bench) == {"w": None, "b": None, "x": None}


@pytest.mark.parametrize(
    ("simulated", "told"),
    [
        (None, "qcodes knows no simulation of .*Keysight34461A; give the driver"),
        (
            {"driver": "keysight"},
            r"simulated.driver: 'keysight' has no simulation; these have: kei",
        ),
        ({"driver": "pymeasure"}, r"simulated.driver: 'pymeasure' has no simulation"),
        ({"driver": "keysight_34461a", "nplc": 3}, r"instruments.dmm.simulated.nplc: .*no 3 PLC"),
    ],
)
def test_simulations_that_there_are_not(simulated, told):
    with pytest.raises(ConfigurationError, match=told):
        bench_of(dmm={"simulated": simulated})


def test_a_wrong_name_is_told_when_the_file_is_read():
    knob = {"attribute": "sorce_voltage", "unit": "V", "low": -2, "high": 2}
    with pytest.raises(ValueError, match=r"sources.1: Keithley2400 has no 'sorce_voltage'"):
        bench_of(w={"sources": {"1": knob}})
