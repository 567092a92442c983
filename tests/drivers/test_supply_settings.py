# ruff: noqa: E501 (messages stand as one line each, as they are shown)
"""What is wrong with supplies in a chip file is refused at its line, before anything is opened."""

from __future__ import annotations

import pytest

from mgd_lab.bench.registry import SettingsOfDrivers, chip_drivers
from mgd_lab.errors import ExperimentFileError
from mgd_lab.experiment import load_chip

CHIP = """\
driver: serial
name: fed chip
port: /dev/ttyACM0
visa_library: "@sim"
instruments:
  smu: {driver: keithley_2450, resource: "TCPIP0::s::5025::SOCKET", source_range: 2, compliance: 1e-3}
supplies:
  - {name: vdda, instrument: smu, channel: "1", low: 0, high: 1.3, value: 1.2}
telemetry:
  - {name: current, instrument: smu, channel: sense, unit: A}
simulated: {instrument: frames_chip, loads: {smu: {"1": 600}}}
network: {layers: [2, 2, 1]}
"""
SUPPLY = '  - {name: vdda, instrument: smu, channel: "1", low: 0, high: 1.3, value: 1.2}\n'


def loaded(folder, text):
    path = folder / "chip.yaml"
    path.write_text(text)
    return load_chip(path, drivers=SettingsOfDrivers(chip_drivers()))


def test_it_is_right(tmp_path):
    settings = loaded(tmp_path, CHIP)
    assert settings.supplies[0].value == 1.2
    assert settings.simulated.loads == {"smu": {"1": 600.0}}


@pytest.mark.parametrize(
    ("found", "instead", "message"),
    [
        ('instrument: smu, channel: "1"', 'instrument: sum, channel: "1"', "8: supplies.0.instrument: no instrument 'sum'; did you mean 'smu'? (instruments: smu)"),
        ('channel: "1", low', 'channel: "2", low', "8: supplies.0.channel: smu has no source channel '2' (its source channels: 1)"),
        ('channel: sense', 'channel: volts', "10: telemetry.0.channel: smu has no meter channel 'volts' (its meter channels: sense)"),
        ('name: current', 'name: vdda', "10: telemetry.0.name: the name 'vdda' is given twice: here and in supplies.0"),
        (SUPPLY, SUPPLY + SUPPLY.replace("vdda", "vddb"), "9: supplies.1.channel: channel '1' of smu is used twice: here and in supplies.0"),
        ('value: 1.2', 'value: 1.4', '8: supplies.0.value: the value 1.4 lies outside [0, 1.3]; give one within it'),
        ('high: 1.3', 'high: 13', "8: supplies.0.channel: vdda at 13 V is a level of 13 V; channel '1' of smu gives -2.1 to 2.1 V as it is configured"),
        ('value: 1.2', 'value: 1.2, slew_per_second: 0', '8: supplies.0.slew_per_second: expected a value above 0, got 0'),
        ('value: 1.2', 'value: 1.2, unit: A', "8: supplies.0.unit: mixed units: A here, and channel '1' of smu is in V; give the gain that converts"),
        ('unit: A', 'unit: mA', "10: telemetry.0.unit: mixed units: mA here, and channel 'sense' of smu is in A; give the gain that converts"),
        ('{smu: {"1": 600}}', '{smu: {"2": 600}}', "11: simulated.loads.smu.2: smu has no source channel '2' (its source channels: 1)"),
        ('{smu: {"1": 600}}', '{dmm: {"1": 600}}', "11: simulated.loads.dmm: no instrument 'dmm'"),
        ('{smu: {"1": 600}}', '{smu: {"1": 0}}', '11: simulated.loads.smu.1: expected a value above 0, got 0'),
        ('driver: keithley_2450', 'driver: keithley_2460', "6: instruments.smu.driver: no driver of an instrument 'keithley_2460' is installed; did you mean 'keithley_2600'? (installed: keithley_2400, keithley_2450, keithley_2600, keysight_33500b, keysight_34461a, nidaq, pymeasure, qcodes, qdac2, rigol_ds1000z, sim900)"),
        ('visa_library: "@sim"\n', '', '1: simulated goes with visa_library: "@sim"; found \'@py\''),
        ('simulated: {instrument: frames_chip, loads: {smu: {"1": 600}}}\n', '', '1: network say what is emulated and need simulated: {instrument: scpi_chip} (frames_chip behind a serial port); a real chip tells its own'),
        ('compliance: 1e-3}', 'compliance: 1e-3}\n  sms: {driver: keithley_2450, resource: "tcpip::S::5025::SOCKET", source_range: 2, compliance: 1e-3}', "7: instruments.sms.resource: tcpip::S::5025::SOCKET is the resource of smu too: two would drive the same box, each knowing nothing of the other; use one section for all of its channels, or correct the resource"),
        ('"TCPIP0::s::5025::SOCKET"', '"ASRL/dev/ttyACM0"', "6: instruments.smu.resource: ASRL/dev/ttyACM0 is the chip itself: two would drive the same box, each knowing nothing of the other; use one section for all of its channels, or correct the resource"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_line(tmp_path, found, instead, message):
    assert found in CHIP
    with pytest.raises(ExperimentFileError) as failure:
        loaded(tmp_path, CHIP.replace(found, instead, 1))
    assert str(failure.value).endswith(f"chip.yaml:{message}")


def test_an_instrument_that_nothing_is_mapped_to(tmp_path):
    spare = '  dmm: {driver: keysight_34461a, resource: "TCPIP0::d::5025::SOCKET"}\nsupplies:\n'
    with pytest.raises(ExperimentFileError, match="neither in supplies nor in telemetry"):
        loaded(tmp_path, CHIP.replace("supplies:\n", spare))


def test_an_instrument_at_the_resource_of_the_chip(tmp_path):
    text = CHIP.replace("driver: serial", "driver: scpi").replace("frames_chip", "scpi_chip")
    text = text.replace("port: /dev/ttyACM0", "resource: TCPIP::S::5025::SOCKET")
    with pytest.raises(ExperimentFileError, match=r"smu\.resource: .*SOCKET is the chip itself"):
        loaded(tmp_path, text)


QDAC = (
    "keithley_2450",
    "qdac2",
    ", source_range: 2, compliance: 1e-3",
    ', channels: ["1", "2"]',
)
SECOND = SUPPLY.replace("vdda", "vddb").replace('"1"', '"2"')


def on_a_qdac(supplies):
    text = CHIP.partition("telemetry:")[0].replace(SUPPLY, supplies)
    return text.replace(*QDAC[:2]).replace(*QDAC[2:]).replace('visa_library: "@sim"\n', "")


def test_a_channel_that_would_be_switched_unseen(tmp_path):
    assert len(loaded(tmp_path, on_a_qdac(SUPPLY + SECOND)).supplies) == 2
    with pytest.raises(ExperimentFileError) as failure:
        loaded(tmp_path, on_a_qdac(SUPPLY))
    assert str(failure.value).endswith(
        "chip.yaml:5: instruments.smu: nothing is mapped to channel 2, which would stay at whatever level was left there; map it (as a supply), or remove it from the section"
    )


def test_a_channel_of_the_other_letter_would_be_switched_on(tmp_path):
    section = "{source_range: 6, compliance: 1e-3}"
    text = CHIP.replace("keithley_2450", "keithley_2600").replace("sense", "smua.measure")
    text = text.replace("source_range: 2, compliance: 1e-3", f"smua: {section}")
    text = text.replace('"1"', '"smua"')
    loaded(tmp_path, text)
    with pytest.raises(ExperimentFileError, match="channel smub, which would be switched on with"):
        loaded(tmp_path, text.replace(f"smua: {section}", f"smua: {section}, smub: {section}"))


def test_a_supply_without_a_switch_is_left_at_level_0(tmp_path):
    offset = SECOND.replace("value: 1.2", "value: 1.2, offset: 0.25")
    with pytest.raises(ExperimentFileError) as failure:
        loaded(tmp_path, on_a_qdac(SUPPLY + offset))
    assert str(failure.value).endswith(
        "chip.yaml:8: supplies.1.safe: channel '2' of smu has no output switch: with outputs off it is at level 0, where vddb is 0.25 V and not the safe value 0 V; give safe: 0.25"
    )
    loaded(tmp_path, on_a_qdac(SUPPLY + offset.replace("0.25", "0.25, safe: 0.25")))
