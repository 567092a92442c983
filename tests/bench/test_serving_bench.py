"""Every simulated instrument of a bench on a port of its own."""

from __future__ import annotations

import socket

import numpy as np
import pytest
import serial

from drivers.instruments.keysight_34461a import Keysight34461A, Keysight34461ASettings
from mgd_lab.bench.serving import Places, served
from mgd_lab.errors import ConfigurationError

CHIP = """
driver: bench
visa_library: "@sim"
instruments:
  one: {driver: keysight_34461a, resource: "TCPIP0::one.lab::5025::SOCKET"}
  two: {driver: keysight_34461a, model: 34465A, resource: "TCPIP0::two.lab::5025::SOCKET"}
parameters:
  - {names: [w, b], instrument: one, channels: ["2", "3"], low: -1, high: 1}
inputs: [{instrument: one, channel: "4", low: 0, high: 1}]
outputs: [{instrument: two, channel: "1"}]
simulated: {network: {layers: [1, 1]}, engine: numpy, noise: 0}
"""


@pytest.fixture
def chip_file(tmp_path, monkeypatch):
    # The only instruments there are for certain have no source: sources are not looked for.
    import drivers.bench.settings as settings

    monkeypatch.setattr(settings, "check_channels", lambda *_, **__: None)
    path = tmp_path / "chip.yaml"
    path.write_text(CHIP)
    return path


def ask(resource, message):
    _, host, port, _ = resource.split("::")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(message)
        return connection.makefile("rb").readline()


def test_each_on_its_port(chip_file):
    with served(chip_file, Places(tcp=0)) as resources:
        assert len(set(resources)) == 2
        models = [ask(resource, b"*IDN?\n").split(b",")[1] for resource in resources]
        assert models == [b"34461A", b"34465A"]
        # A sigmoid of 0, where nothing is driven.
        assert ask(resources[1], b"MEAS:VOLT:DC? 10\n") == b"+5.00000000E-01\n"
        assert ask(resources[0], b"FOO;\n*IDN?\nSYST:ERR?\n").startswith(b"Keysight")


TSP_CHIP = """
driver: bench
visa_library: "@sim"
instruments:
  smu: {driver: keithley_2600, resource: "TCPIP0::smu.lab::5025::SOCKET",
        smua: {source_range: 6, compliance: 0.01}, smub: {source_range: 6, compliance: 0.01}}
  sim: {driver: sim900, resource: "TCPIP0::sim.lab::5025::SOCKET", slots: ["1"]}
  dmm: {driver: keysight_34461a, resource: "TCPIP0::dmm.lab::5025::SOCKET"}
parameters:
  - {names: [w, b], instrument: smu, channels: [smua, smub], low: -1, high: 1}
inputs: [{instrument: sim, channel: "1", low: 0, high: 1}]
outputs: [{instrument: dmm, channel: "1"}]
simulated: {network: {layers: [1, 1]}, engine: numpy, noise: 0}
"""


def test_those_that_speak_no_scpi(tmp_path):
    path = tmp_path / "chip.yaml"
    path.write_text(TSP_CHIP)
    with served(path, Places(tcp=0)) as (smu, sim, dmm):
        assert ask(smu, b"*IDN?\n").split(b",")[1] == b" Model 2602B"
        setting = b"smub.source.levelv = 0.5 smub.source.output = smub.OUTPUT_ON\n"
        assert ask(smu, setting + b"print(smub.source.compliance)\n") == b"false\n"
        # A sigmoid of 0.5: what stands at one is what the other reads.
        assert float(ask(dmm, b"MEAS:VOLT:DC? 10\n")) == pytest.approx(0.622459)
        assert ask(smu, b"no TSP\nprint(errorqueue.count)\n") == b"1.00000e+00\n"
        assert b"SIM900" in ask(sim, b"*IDN?\n")


def test_each_on_its_serial_line(chip_file, tmp_path):
    with served(chip_file, Places(serial=tmp_path / "line", baud_rate=115200)) as resources:
        assert resources == [str(tmp_path / f"line-{name}") for name in ("one", "two")]
        settings = Keysight34461ASettings(
            driver="keysight_34461a", model="34465A", resource=f"ASRL{resources[1]}::INSTR"
        )
        meter = Keysight34461A("two", settings, "@py")
        meter.connect()
        meter.configure()
        # Lines end at a line feed, blocks of readings where their length says.
        np.testing.assert_allclose(meter.measure(3), 0.5)
        meter.arm_buffer(4, "own")
        np.testing.assert_allclose(meter.fetch_buffer(4), 0.5)
        assert meter.take_errors() == []
        meter.close()


def test_sockets_and_serial_lines_lead_to_the_same(chip_file, tmp_path):
    with served(chip_file, Places(tcp=0, serial=tmp_path / "line")) as resources:
        assert len(resources) == 4
        with serial.Serial(resources[3], timeout=5) as line:
            line.write(b"SENS:VOLT:NPLC 10\n*OPC?\n")
            assert line.readline() == b"1\n"
        assert float(ask(resources[1], b"SENS:VOLT:NPLC?\n")) == 10.0


@pytest.mark.parametrize(
    ("places", "told"),
    [
        (Places(tcp=0, hislip=0), "sockets and serial lines only"),
        (Places(), "name at least one endpoint"),
    ],
)
def test_places_that_it_has_not(chip_file, places, told):
    with pytest.raises(ConfigurationError, match=told), served(chip_file, places):
        pass


def test_nothing_to_simulate(chip_file):
    chip_file.write_text(CHIP.replace('"@sim"', '"@py"').partition("simulated:")[0])
    with pytest.raises(ConfigurationError, match="needs the key"), served(chip_file, Places(tcp=0)):
        pass
