"""A chip behind a link, fed by an instrument beside it: switched, watched, made safe."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

import mgd_lab.bench.simulated_link as composition
from mgd_lab.bench.chips import build_chip
from mgd_lab.bench.registry import SettingsOfDrivers, chip_drivers
from mgd_lab.costs import CostFunction
from mgd_lab.errors import (
    ChipError,
    ConfigurationError,
    IdentityError,
    LimitError,
    LinkError,
    UnverifiedError,
)
from mgd_lab.experiment import load_chip
from sim_instruments.bench.beside import Beside

LINKS = {
    "serial": "driver: serial\nport: /dev/ttyACM0\nbaud_rate: 10000000\n"
    "simulated: {instrument: frames_chip, noise: 0, loads: {smu: {'1': 600.0}}}\n",
    "scpi": "driver: scpi\nresource: TCPIP0::chip.lab::5025::SOCKET\n"
    "simulated: {instrument: scpi_chip, noise: 0, loads: {smu: {'1': 600.0}}}\n",
}
REST = """\
name: fed chip
visa_library: "@sim"
retries: {backoff_seconds: 0}
network: {layers: [2, 2, 1]}
instruments:
  smu:
    driver: keithley_2450
    resource: "TCPIP0::supply.lab::5025::SOCKET"
    source_range: 2.0
    compliance: 0.004
    nplc: 0.1
supplies:
  - {name: vdda, instrument: smu, channel: "1", low: 0.0, high: 1.3, value: 1.2}
telemetry:
  - {name: vdda_current, instrument: smu, channel: sense, unit: A}
"""
VDDA = ("smu", "1")


class Desk:
    """Chips from chip files, and the instruments that were simulated beside the last of them."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.beside: Beside
        desk = self

        class Kept(Beside):
            def __init__(self, *arguments, **keys):
                super().__init__(*arguments, **keys)
                desk.beside = self

        monkeypatch.setattr(composition, "Beside", Kept)

    def settings(self, link="serial", *changes):
        text = LINKS[link] + REST
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = self.folder / "chip.yaml"
        path.write_text(text)
        return load_chip(path, drivers=SettingsOfDrivers(chip_drivers()))

    def chip(self, link="serial", *changes):
        return build_chip(self.settings(link, *changes))

    @property
    def world(self):
        return self.beside.world

    def driven(self, monkeypatch):
        """(time, level) of all that the supply is driven at from now on."""
        found, drive = [], self.world.drive

        def noted(place, level):
            found.append((self.world.clock.now(), level))
            drive(place, level)

        monkeypatch.setattr(self.world, "drive", noted)
        return found


@pytest.fixture
def desk(tmp_path, monkeypatch):
    return Desk(tmp_path, monkeypatch)


def measured(chip):
    chip.set_cost(CostFunction())
    chip.load_samples(np.eye(2, dtype=np.float32), np.ones((2, 1), np.float32))
    theta, moves = np.ones(9, np.float32), np.full((2, 9), 0.01, np.float32)
    return chip.measure_dense(theta, np.arange(2, dtype=np.uint32), moves).tolist()


@pytest.mark.parametrize("link", LINKS)
def test_it_is_fed_while_outputs_are_on(desk, link):
    with desk.chip(link) as chip:
        assert "output_switch" in chip.description.features
        assert chip.description.simulated
        assert [each.unit for each in chip.description.telemetry][-1] == "A"
        assert chip.identity["smu"].startswith("KEITHLEY INSTRUMENTS MODEL 2450")
        assert chip.identity["manufacturer"] == "MGD Lab"
        chip.switch_outputs(False)
        assert desk.world.level(*VDDA) is None
        assert not chip.outputs_are_on()
        assert math.isnan(chip.read_telemetry()[-1])
        chip.switch_outputs(True)
        assert desk.world.level(*VDDA) == 1.2
        assert chip.outputs_are_on()
        assert chip.read_telemetry()[-1] == pytest.approx(0.002, rel=1e-6)
        assert len(measured(chip)) == 2
        chip.switch_outputs(False)
        assert desk.world.level(*VDDA) is None
        chip.switch_outputs(True)
    assert desk.world.level(*VDDA) is None


def test_costs_are_those_of_a_chip_without_supplies(desk):
    with desk.chip() as chip:
        chip.switch_outputs(True)
        fed = measured(chip)
    plain = REST[: REST.index("instruments:")]
    (desk.folder / "plain.yaml").write_text(
        LINKS["serial"].replace(", loads: {smu: {'1': 600.0}}", "") + plain
    )
    settings = load_chip(desk.folder / "plain.yaml", drivers=SettingsOfDrivers(chip_drivers()))
    with build_chip(settings) as chip:
        assert measured(chip) == fed


def test_no_supply_moves_faster_than_it_may(desk, monkeypatch):
    with desk.chip("serial", ("value: 1.2", "value: 1.2, slew_per_second: 6.0")) as chip:
        driven = desk.driven(monkeypatch)
        chip.switch_outputs(True)
        up = [level for _, level in driven if level is not None]
        assert up[0] == 0.0
        assert up[-1] == 1.2
        assert all(0 <= b - a <= 6.0 * 0.02 * 1.001 for a, b in pairwise(up))
        assert driven[-1][0] - driven[0][0] >= (1.2 - 0.12) / 6.0
        driven.clear()
        chip.switch_outputs(False)
        down = [level for _, level in driven if level is not None]
        assert all(0 <= a - b <= 6.0 * 0.02 * 1.001 for a, b in pairwise(down))
        assert driven[-1][1] is None


def fed(chip, act):
    """One session, in which something happens while the chip is fed."""
    with chip:
        chip.switch_outputs(True)
        act(chip)


@pytest.mark.parametrize("link", LINKS)
def test_a_supply_that_trips_ends_the_block(desk, link):
    def short(chip):
        measured(chip)
        desk.world.set_load(*VDDA, 10.0)
        measured(chip)

    chip = desk.chip(link)
    with pytest.raises(ChipError, match=r"smu: its output is in compliance at 0\.004 A"):
        fed(chip, short)
    assert desk.world.level(*VDDA) is None


def test_trips_are_looked_for_as_often_as_is_asked(desk):
    with desk.chip("serial", ("retries:", "trips_every_blocks: 3\nretries:")) as chip:
        chip.switch_outputs(True)
        desk.world.set_load(*VDDA, 10.0)
        measured(chip)
        measured(chip)
        with pytest.raises(ChipError, match="in compliance"):
            measured(chip)
        desk.world.set_load(*VDDA, 600.0)


def test_an_output_that_goes_off_by_itself(desk):
    def go_off(chip):
        desk.beside.cores["smu"].core.respond(b"OUTP OFF\n")
        measured(chip)

    chip = desk.chip()
    with pytest.raises(ChipError, match="its output went off by itself"):
        fed(chip, go_off)


def test_an_error_that_the_instrument_keeps_is_told_at_the_end(desk):
    chip = desk.chip()
    with pytest.raises(ChipError, match=r"fed chip: smu .*Undefined header.*as read back"):
        fed(chip, lambda _: desk.beside.cores["smu"].core.respond(b"NONSENSE 1\n"))
    assert desk.world.level(*VDDA) is None


def not_verified(error):
    (note,) = [each for each in error.__notes__ if "could not be verified" in each]
    return note


def test_a_supply_that_is_dead_is_named_and_the_board_is_safe(desk):
    def die(chip):
        chip.write_parameters(np.full(9, 0.5))
        desk.beside.cores["smu"].switch_off()
        measured(chip)

    chip = desk.chip()
    with pytest.raises(LinkError) as failure:
        fed(chip, die)
    assert "smu" in not_verified(failure.value)


def test_a_dead_supply_at_an_orderly_end(desk):
    chip = desk.chip()
    with pytest.raises(UnverifiedError, match=r"fed chip could not be verified .* smu"):
        fed(chip, lambda _: desk.beside.cores["smu"].switch_off())


def test_a_board_that_is_dead_has_no_supply_any_more(desk):
    def unplug(chip):
        chip._link._port._library.port.close()
        measured(chip)

    chip = desk.chip("serial", ("baud_rate:", "timeout_seconds: 0.2\nbaud_rate:"))
    with pytest.raises(LinkError) as failure:
        fed(chip, unplug)
    assert desk.world.level(*VDDA) is None
    assert "smu" not in not_verified(failure.value)


def test_a_second_interrupt_leaves_no_chip_under_power(desk, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    chip = desk.chip()
    with pytest.raises(KeyboardInterrupt):
        fed(chip, lambda chip: monkeypatch.setattr(chip, "write_parameters", interrupted))
    assert desk.world.level(*VDDA) is None


def test_outputs_of_the_board_that_fail_do_not_keep_the_supply_on(desk, monkeypatch):
    def refuse(request, count):
        raise ChipError("stuck")

    with desk.chip() as chip:
        chip.switch_outputs(True)
        with monkeypatch.context() as patch:
            patch.setattr(chip._link, "exchange", refuse)
            with pytest.raises(ChipError, match="stuck"):
                chip.switch_outputs(False)
        assert desk.world.level(*VDDA) is None


def test_a_supply_that_is_found_on_goes_on_from_there(desk, monkeypatch):
    changes = [("value: 1.2", "value: 1.2, slew_per_second: 6.0")]
    settings = desk.settings("serial", *changes)
    library = composition.simulated_link(settings)
    before = chip_drivers()["serial"].build(settings, library)
    before.__enter__()
    before.switch_outputs(True)
    # As if the process had been killed.
    before._link.close()
    driven = desk.driven(monkeypatch)
    with chip_drivers()["serial"].build(settings, library) as chip:
        assert chip.outputs_are_on()
        chip.switch_outputs(True)
        assert {level for _, level in driven} == {1.2}
    assert desk.world.level(*VDDA) is None


def test_a_supply_that_was_turned_up_by_hand_is_refused(desk):
    settings = desk.settings()
    library = composition.simulated_link(settings)
    core = desk.beside.cores["smu"].core
    core.respond(b"SOUR:VOLT 1.9;:OUTP ON\n")
    chip = chip_drivers()["serial"].build(settings, library)
    with pytest.raises(LimitError, match=r"vdda .* set to 1\.9"):
        fed(chip, measured)
    assert desk.world.level(*VDDA) is None


def test_one_that_was_turned_up_is_switched_off_although_it_may_not_jump(desk):
    settings = desk.settings("serial", ("value: 1.2", "value: 1.2, slew_per_second: 6.0"))
    library = composition.simulated_link(settings)
    desk.beside.cores["smu"].core.respond(b"SOUR:VOLT 1.9;:OUTP ON\n")
    chip = chip_drivers()["serial"].build(settings, library)
    with pytest.raises(LimitError, match=r"vdda .* set to 1\.9"):
        fed(chip, measured)
    assert desk.world.level(*VDDA) is None


def test_an_interrupt_on_the_slow_way_down_leaves_nothing_on(desk, monkeypatch):
    chip = desk.chip("serial", ("value: 1.2", "value: 1.2, slew_per_second: 6.0"))

    def interrupt_the_ramp(chip):
        def wait(seconds):
            raise KeyboardInterrupt

        monkeypatch.setattr(chip._supplies, "_wait", wait)

    with pytest.raises(KeyboardInterrupt):
        fed(chip, interrupt_the_ramp)
    assert desk.world.level(*VDDA) is None


def test_a_fault_of_its_link_is_repaired_and_told(desk, monkeypatch):
    with desk.chip() as chip:
        chip.switch_outputs(True)
        expected = measured(chip)
        core = desk.beside.cores["smu"]
        respond, lost = core.respond, []

        def lossy(message):
            answer = respond(message)
            if answer and not lost:
                lost.append(answer)
                return b""
            return answer

        monkeypatch.setattr(core, "respond", lossy)
        assert measured(chip) == expected
        recoveries = chip.take_recoveries()
    assert lost
    assert [each.kind for each in recoveries] == ["timeout"]


def test_opening_that_fails_at_the_supply_leaves_the_board_closed(desk):
    settings = desk.settings()
    library = composition.simulated_link(settings)
    smu = settings.instruments["smu"]
    wrong = smu.identity.model_copy(update={"serial": "another"})
    other = {"smu": smu.model_copy(update={"identity": wrong})}
    chip = chip_drivers()["serial"].build(
        settings.model_copy(update={"instruments": other}), library
    )
    with pytest.raises(IdentityError, match="smu"):
        fed(chip, measured)
    with chip_drivers()["serial"].build(settings, library) as chip:
        chip.switch_outputs(True)


def test_meters_alone_beside_a_chip(desk):
    text = (
        LINKS["serial"].replace(", loads: {smu: {'1': 600.0}}", "")
        + REST[: REST.index("instruments:")]
        + 'instruments:\n  dmm: {driver: keysight_34461a, resource: "TCPIP0::d::5025::SOCKET"}\n'
        'telemetry:\n  - {name: bias, instrument: dmm, channel: "1"}\n'
    )
    (desk.folder / "chip.yaml").write_text(text)
    settings = load_chip(desk.folder / "chip.yaml", drivers=SettingsOfDrivers(chip_drivers()))
    with build_chip(settings) as chip:
        assert chip.read_telemetry()[-1] == 0.0
        assert chip.description.telemetry[-1].name == "bias"
        assert len(measured(chip)) == 2


def test_a_channel_that_the_chip_has_already(desk):
    with pytest.raises(ConfigurationError, match="presentations: the chip has a channel of that"):
        fed(desk.chip("serial", ("name: vdda_current", "name: presentations")), measured)


TWO = """\
  smb:
    driver: keithley_2450
    resource: "TCPIP0::other.lab::5025::SOCKET"
    source_range: 2.0
    compliance: 0.004
    nplc: 0.1
supplies:
  - {name: vdda, instrument: smu, channel: "1", low: 0, high: 1.3, value: 1.2, slew_per_second: 6}
  - {name: vddb, instrument: smb, channel: "1", low: 0, high: 1.3, value: 1.0, slew_per_second: 6}
"""
STEP = 6.0 * 0.02 * 1.001


def of_two(desk):
    head, _, rest = REST.partition("supplies:\n")
    text = LINKS["serial"] + head + TWO + rest[rest.index("telemetry:") :]
    (desk.folder / "chip.yaml").write_text(text)
    return load_chip(desk.folder / "chip.yaml", drivers=SettingsOfDrivers(chip_drivers()))


def steps(driven):
    """Largest step of a supply, high impedance counted as 0."""
    levels = [0.0 if level is None else level for _, level in driven]
    return max(abs(b - a) for a, b in pairwise(levels))


def test_a_supply_that_is_off_rises_slowly_beside_one_that_is_found_on(desk, monkeypatch):
    settings = of_two(desk)
    library = composition.simulated_link(settings)
    for name, switch in (("smu", b";:OUTP ON"), ("smb", b"")):
        desk.beside.cores[name].core.respond(b"SOUR:VOLT 1.0" + switch + b"\n")
    found = {"smu": [(0.0, 1.0)], "smb": [(0.0, None)]}
    drive = desk.world.drive

    def noted(place, level):
        found[place[0]].append((0.0, level))
        drive(place, level)

    monkeypatch.setattr(desk.world, "drive", noted)
    with chip_drivers()["serial"].build(settings, library) as chip:
        chip.switch_outputs(True)
        assert desk.world.level("smu", "1") == 1.2
        assert desk.world.level("smb", "1") == 1.0
        assert steps(found["smu"]) <= STEP
        assert steps(found["smb"]) <= STEP


def test_a_dead_supply_does_not_make_the_others_jump(desk, monkeypatch):
    chip = build_chip(of_two(desk))

    def die(chip):
        desk.beside.cores["smu"].switch_off()
        die.driven = []
        drive = desk.world.drive

        def noted(place, level):
            if place[0] == "smb":
                die.driven.append((0.0, level))
            drive(place, level)

        monkeypatch.setattr(desk.world, "drive", noted)
        measured(chip)

    with pytest.raises(LinkError, match="smu"):
        fed(chip, die)
    assert die.driven[-1][1] is None
    assert steps([(0.0, 1.0), *die.driven]) <= STEP


def test_outputs_of_the_board_that_stay_off_are_noticed(desk, monkeypatch):
    with desk.chip() as chip:
        monkeypatch.setattr(chip, "_its_outputs_are_on", lambda: False)
        with pytest.raises(ChipError, match=r"its own outputs .* read back as off"):
            chip.switch_outputs(True)


def test_the_last_blocks_are_looked_at_before_it_goes_down(desk):
    def short(chip):
        measured(chip)
        desk.world.set_load(*VDDA, 10.0)
        measured(chip)

    chip = desk.chip("serial", ("retries:", "trips_every_blocks: 10\nretries:"))
    with pytest.raises(ChipError, match=r"in compliance.*looked at after the last 2 blocks only"):
        fed(chip, short)
    assert desk.world.level(*VDDA) is None
