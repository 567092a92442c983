"""Drivers written by others speak to the simulated multimeter."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from sim_instruments.occupancy import Occupancy
from sim_instruments.socket_server import SocketServer


def powered(lab, volts):
    """A bench whose multimeter has so many volts at its terminals."""
    bench = lab.bench()
    bench.world.drive(("source", "2"), -(1.0 + 0.5 * volts))
    return bench


def pymeasure_meter(resource, library):
    agilent = pytest.importorskip("pymeasure.instruments.agilent")
    with warnings.catch_warnings():
        # PyMeasure asks its users whether the 34410A speaks SCPI.
        warnings.simplefilter("ignore", FutureWarning)
        return agilent.Agilent34410A(
            resource, visa_library=library, read_termination="\n", write_termination="\n"
        )


def test_pymeasure_34410a(lab):
    meter = pymeasure_meter(lab.DMM, powered(lab, 1.25).library())
    assert meter.voltage_dc == 1.25
    assert meter.id.startswith("Keysight Technologies,34461A,")
    assert meter.check_errors() == []
    meter.write("MEAS:RES? DEF,DEF")
    assert meter.check_errors() == [[-113, '"Undefined header"']]
    meter.adapter.close()


@pytest.fixture
def qcodes_meter(lab):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drivers = pytest.importorskip("qcodes.instrument_drivers.Keysight")
    bench = powered(lab, -0.75)
    meter = drivers.Keysight34461A("dmm", lab.DMM, silent=True, visalib=bench.library())
    yield meter
    meter.close()


def test_qcodes_34461a(qcodes_meter):
    meter = qcodes_meter
    assert meter.IDN()["model"] == "34461A"
    meter.range(10)
    meter.NPLC(0.02)
    assert (meter.range(), meter.NPLC()) == (10.0, 0.02)
    meter.autorange("OFF")
    meter.autozero("OFF")
    assert meter.volt() == -0.75
    meter.sample.count(5)
    meter.trigger.source("BUS")
    meter.trigger.count(2)
    meter.trigger.delay(0.0)
    meter.trigger.slope("POS")
    meter.init_measurement()
    meter.trigger.force()
    meter.trigger.force()
    assert np.array_equal(meter.fetch(), np.full(10, -0.75))
    meter.abort_measurement()
    # It clears the display when it connects, and there is none.
    assert meter.error() == (-113, "Undefined header")
    assert meter.error() == (0, "No error")
    meter.reset()
    assert meter.line_frequency() == 50


def test_over_tcp(lab):
    server = SocketServer(powered(lab, 2.0).cores["dmm"], "127.0.0.1", 0, Occupancy())
    server.start()
    meter = pymeasure_meter(server.resource, "@py")
    try:
        assert meter.voltage_dc == 2.0
    finally:
        meter.adapter.close()
        server.close()
