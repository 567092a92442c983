"""Drivers written by others speak to the simulated source-measure units."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.keithley_2400 import Keithley2400
from sim_instruments.bench.keithley_2450 import Keithley2450
from sim_instruments.bench.keithley_2600 import Keithley2600
from sim_instruments.bench.wiring import Wiring
from sim_instruments.bench.world import World
from sim_instruments.occupancy import Occupancy
from sim_instruments.socket_server import SocketServer
from sim_instruments.visa_library import simulated_library

RESOURCE = "GPIB0::24::INSTR"


class Lab:
    """One instrument with 1 kΩ at its outputs."""

    def __init__(self, kind, *channels):
        self.world = World(None, Wiring((), ()), VirtualClock(), noise=0)
        self.core = kind(self.world.plug("smu"))
        for channel in channels:
            self.world.set_load("smu", channel, 1000.0)
        self.library = simulated_library({RESOURCE: self.core})

    def level(self, channel="1"):
        return self.world.level("smu", channel)


@pytest.fixture
def pymeasure_2400():
    keithley = pytest.importorskip("pymeasure.instruments.keithley")
    lab = Lab(Keithley2400, "1")
    smu = keithley.Keithley2400(
        RESOURCE, visa_library=lab.library, read_termination="\n", write_termination="\n"
    )
    yield lab, smu
    smu.adapter.close()


def test_pymeasure_2400_sources_and_measures(pymeasure_2400):
    lab, smu = pymeasure_2400
    smu.reset()
    smu.reset_data_format()
    smu.source_mode = "voltage"
    smu.source_voltage_range = 20
    smu.compliance_current = 0.01
    smu.source_voltage = 2.5
    assert (smu.source_mode, smu.source_voltage) == ("voltage", 2.5)
    assert (smu.compliance_current, smu.source_enabled) == (0.01, False)
    smu.source_enabled = True
    assert (lab.level(), smu.source_enabled) == (2.5, True)
    smu.current_nplc = 0.1
    smu.current_range = 0.01
    assert (smu.current_nplc, smu.current_range) == (0.1, 0.0105)
    assert smu.current == pytest.approx(2.5e-3)
    smu.ramp_to_voltage(1.0, steps=3, pause=0)
    assert lab.level() == 1.0
    assert smu.voltage == pytest.approx(1.0)
    smu.wires = 4
    assert (smu.wires, smu.source_enabled, lab.level()) == (4, False, None)
    smu.output_off_state = "HIMP"
    assert smu.output_off_state == "disconnected"
    smu.source_mode = "current"
    smu.compliance_voltage = 2.0
    smu.source_current = 1e-3
    smu.enable_source()
    assert smu.voltage == pytest.approx(1.0)
    assert smu.line_frequency == 50
    assert smu.check_errors() == []
    smu.shutdown()
    assert lab.level() is None


def test_pymeasure_2400_fills_its_buffer(pymeasure_2400):
    _, smu = pymeasure_2400
    smu.write(":FORM:ELEM CURR")
    smu.compliance_current = 0.01
    smu.source_voltage = 3.0
    smu.auto_zero_enabled = False
    smu.enable_source()
    smu.config_buffer(points=5, delay=0)
    assert (smu.buffer_points, smu.trigger_count) == (5, 5)
    smu.start_buffer()
    smu.wait_for_buffer(timeout=1, interval=0)
    assert smu.buffer_data == pytest.approx(np.full(5, 3e-3))
    smu.trigger_source = "trigger_link"
    smu.trigger_output_event = "source"
    smu.trigger_input_line, smu.trigger_output_line = 3, 4
    assert (smu.trigger_source, smu.trigger_output_event) == ("trigger_link", "source")
    assert (smu.trigger_input_line, smu.trigger_output_line) == (3, 4)
    smu.start_buffer()
    smu.reset_trigger()
    assert smu.check_errors() == []


def test_pymeasure_2400_reads_errors(pymeasure_2400):
    _, smu = pymeasure_2400
    smu.write("SOUR:VOLT 300")
    smu.write("CALC3:FORM MEAN")
    assert smu.next_error == [-222, '"Parameter data out of range"']
    assert smu.next_error == [-113, '"Undefined header"']
    assert smu.next_error == [0, '"No error"']


def test_pymeasure_2400_over_tcp():
    keithley = pytest.importorskip("pymeasure.instruments.keithley")
    server = SocketServer(Lab(Keithley2400, "1").core, "127.0.0.1", 0, Occupancy())
    server.start()
    smu = keithley.Keithley2400(
        server.resource, visa_library="@py", read_termination="\n", write_termination="\n"
    )
    try:
        smu.source_voltage = 0.05
        smu.enable_source()
        assert smu.current == pytest.approx(5e-5)
    finally:
        smu.adapter.close()
        server.close()


@pytest.fixture
def pymeasure_2450():
    keithley = pytest.importorskip("pymeasure.instruments.keithley")
    lab = Lab(Keithley2450, "1")
    smu = keithley.Keithley2450(
        RESOURCE, visa_library=lab.library, read_termination="\n", write_termination="\n"
    )
    yield lab, smu
    smu.adapter.close()


def test_pymeasure_2450(pymeasure_2450):
    lab, smu = pymeasure_2450
    smu.apply_voltage(voltage_range=20, compliance_current=0.01)
    smu.source_voltage = 2.5
    assert (smu.source_mode, smu.source_voltage) == ("voltage", 2.5)
    assert (smu.compliance_current, smu.source_enabled) == (0.01, False)
    smu.enable_source()
    assert (lab.level(), smu.source_enabled) == (2.5, True)
    smu.measure_current(nplc=0.1, current=0.01, auto_range=False)
    assert (smu.current_range, smu.current_nplc) == (0.01, 0.1)
    assert smu.current == pytest.approx(2.5e-3)
    smu.ramp_to_voltage(1.0, steps=3, pause=0)
    assert lab.level() == 1.0
    smu.source_voltage_delay = 0.1
    assert (smu.source_voltage_delay, smu.source_voltage_delay_auto) == (0.1, False)
    smu.voltage_output_off_state = "HIMP"
    smu.disable_source()
    smu.apply_current(current_range=1e-3, compliance_voltage=2)
    smu.source_current = 5e-4
    smu.measure_voltage(nplc=1, voltage=2, auto_range=False)
    smu.enable_source()
    assert (smu.compliance_voltage, smu.voltage) == (2.0, pytest.approx(0.5))
    assert smu.check_errors() == []
    smu.shutdown()
    assert lab.level() is None
    smu.write("SOUR:VOLT 300")
    code, text = smu.next_error
    assert (code, text.partition(";")[0]) == (-222, '"Parameter data out of range')


@pytest.fixture
def qcodes_keithley():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("qcodes.instrument_drivers.Keithley")


def test_qcodes_2450(qcodes_keithley):
    lab = Lab(Keithley2450, "1")
    smu = qcodes_keithley.Keithley2450("smu2450", RESOURCE, visalib=lab.library)
    try:
        use_qcodes_2450(lab, smu)
    finally:
        smu.close()


def use_qcodes_2450(lab, smu):
    assert smu.IDN()["model"] == "2450"
    smu.reset()
    smu.terminals("rear")
    smu.source_function("voltage")
    smu.source.range(20)
    smu.source.limit(0.01)
    assert (smu.source.range(), smu.source.limit()) == (20, 0.01)
    smu.source.voltage(2.0)
    smu.sense_function("current")
    smu.sense.four_wire_measurement(True)
    smu.sense.range(0.01)
    smu.sense.nplc(0.1)
    smu.sense.auto_zero_enabled(False)
    smu.sense.auto_zero_once()
    assert (smu.sense.four_wire_measurement(), smu.sense.range()) == (True, 0.01)
    smu.output_enabled(True)
    assert (lab.level(), smu.output_enabled()) == (2.0, True)
    assert smu.sense.current() == pytest.approx(2e-3)
    assert smu.source.limit_tripped() is False
    lab.world.set_load("smu", "1", 10.0)
    assert smu.source.limit_tripped() is True
    lab.world.set_load("smu", "1", 1000.0)
    smu.source.delay(0.01)
    smu.source.read_back_enabled(False)
    buffer = smu.buffer("defbuffer1")
    buffer.clear_buffer()
    smu.sense.count(3)
    buffer.trigger_start()
    assert buffer.number_of_readings() == 3
    assert buffer.get_data(1, 3) == pytest.approx([2e-3] * 3)
    buffer.elements(["measurement", "source_value"])
    assert [float(x) for x in buffer.get_data(1, 1)] == pytest.approx([2e-3, 2.0])
    assert [float(x) for x in buffer.get_last_reading().split(",")] == pytest.approx([2e-3, 2.0])
    assert smu.line_frequency() == "50"
    smu.abort()
    smu.clear_event_register()
    assert smu.ask("SYST:ERR?") == '0,"No error;0;0 0"'
    smu.output_enabled(False)
    assert lab.level() is None


@pytest.fixture
def qcodes_2602(qcodes_keithley):
    lab = Lab(Keithley2600, "smua", "smub")
    smu = qcodes_keithley.Keithley2602B("smu2602", RESOURCE, visalib=lab.library)
    yield lab, smu
    smu.close()


def test_qcodes_2602_sources_and_measures(qcodes_2602):
    lab, smu = qcodes_2602
    assert smu.IDN()["model"] == "2602B"
    smu.reset()
    smu.smua.mode("voltage")
    smu.smua.sourcerange_v(6)
    smu.smua.limiti(0.01)
    smu.smua.nplc(0.1)
    smu.smua.measurerange_i(0.01)
    smu.smua.four_wire_measurement(True)
    settings = (smu.smua.mode(), smu.smua.sourcerange_v(), smu.smua.limiti(), smu.smua.nplc())
    assert settings == ("voltage", 6, 0.01, 0.1)
    assert smu.smua.four_wire_measurement() is True
    assert smu.smua.source_autorange_v_enabled() is False
    smu.smua.volt(2.5)
    smu.smua.output(True)
    assert (lab.level("smua"), smu.smua.output()) == (2.5, True)
    assert smu.smua.curr() == pytest.approx(2.5e-3)
    assert smu.smua.curr.measurement_status == "No error occured."
    assert smu.smua.res() == pytest.approx(1000)
    lab.world.set_load("smu", "smua", 10.0)
    assert smu.smua.curr() == pytest.approx(0.01)
    assert smu.smua.curr.measurement_status == "Reached current compliance limit."
    smu.smub.mode("current")
    smu.smub.limitv(3)
    smu.smub.sourcerange_i(1e-3)
    smu.smub.curr(5e-4)
    smu.smub.output(True)
    assert smu.smub.volt() == pytest.approx(0.5)
    assert smu.smub.linefreq() == 50
    smu.display_settext("parity")
    smu.display_clear()
    smu.display_normal()
    smu.exit_key()
    assert smu.ask("errorqueue.count") == "0.00000e+00"
    smu.smua.output(False)
    assert (lab.level("smua"), lab.level("smub")) == (None, 5e-4)


def test_qcodes_2602_reads_binary_buffers(qcodes_2602):
    lab, smu = qcodes_2602
    smu.smua.nplc(0.1)
    smu.smua.volt(3.0)
    smu.smua.output(True)
    smu.smua.timetrace_npts(20)
    smu.smua.timetrace_dt(0.01)
    assert smu.smua.timetrace() == pytest.approx(np.full(20, 3e-3), rel=1e-6)
    sweep = pytest.importorskip("qcodes.dataset").LinSweep
    smu.smua.setup_fastsweep(sweep(smu.smua.volt, 0, 2, 5, delay=0.001))
    assert smu.smua.fastsweep() == pytest.approx(np.linspace(0, 2e-3, 5), rel=1e-6, abs=1e-12)
    assert smu.ask("errorqueue.count") == "0.00000e+00"
    assert lab.level("smua") == 2.0
