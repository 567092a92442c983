"""Instruments on different links are opened together; what depends comes in order."""

import threading

import numpy as np
import pytest

from drivers.bench.chip import BenchChip
from drivers.bench.real_time import RealTime
from mgd_lab.chip.bench_time import TimedLibrary
from mgd_lab.errors import ChipError, IdentityError, InstrumentError, LinkError

ONCE = {"per_block": 0, "backoff_seconds": 0.0}


def test_independent_instruments_are_opened_configured_and_set_in_parallel(shelf):
    _, world = shelf.chip()
    settings = shelf.settings(timing="software")
    world.knobs = settings.knobs
    world.meters = {("dmm", "1"): (settings.outputs[0].conversion, "mean")}
    chip = BenchChip(settings, TimedLibrary(world, RealTime()))
    sources = threading.Barrier(3, timeout=20)
    everybody = threading.Barrier(4, timeout=20)
    is_measuring = False

    def meet(name, method):
        # Who were alone here would wait for the others in vain.
        if method in ("connect", "configure"):
            everybody.wait()
        elif method == "set_levels" and is_measuring:
            sources.wait()

    world.before_call = meet
    with chip:
        chip.switch_outputs(True)
        is_measuring = True
        chip.outputs(chip.description.high, np.ones((1, 2), np.float32))
        is_measuring = False
    assert not any(world.on.values())


def test_what_shares_a_bus_is_spoken_to_in_turn(shelf, yaml):
    text = yaml.replace('"TCPIP0::smu::5025::SOCKET"', '"gpib0::2::INSTR"')
    chip, world = shelf.chip(text)
    lanes = []
    world.together = lambda tasks: (lanes.append(len(tasks)), [task() for task in tasks])
    with chip:
        assert lanes[0] == 3


def test_all_are_connected_before_any_is_configured_and_nothing_else_is_sent(shelf):
    chip, world = shelf.chip()
    with chip:
        methods = [method for _, method in world.calls]
        assert sorted(methods[:8]) == ["configure"] * 4 + ["connect"] * 4
        assert set(methods[:4]) == {"connect"}
        assert "set_levels" not in methods


def test_stages_come_in_the_order_that_is_stated(shelf):
    chip, world = shelf.chip(order=[["dmm"], ["smu", "awg"]])
    with chip:
        order = [name for name, method in world.calls if method == "connect"]
        assert order[0] == "dmm"
        assert set(order[1:3]) == {"smu", "awg"}
        assert order[3] == "dac"
        chip.switch_outputs(True)
        on = [name for name, method in world.calls if method == "switch on"]
        assert on == ["smu", "awg", "dac"]
        chip.switch_outputs(False)
        off = [name for name, method in world.calls if method == "switch off"]
        assert off == ["dac", "smu", "awg"]


def test_levels_come_before_outputs(shelf):
    chip, world = shelf.chip()
    with chip:
        chip.switch_outputs(True)
        calls = [call for call in world.calls if call[1] in ("set_levels", "switch on")]
        assert calls.index(("awg", "set_levels")) < calls.index(("awg", "switch on"))
        # An input at rest is at its safe value.
        assert world.levels["awg", "2"] == pytest.approx(-2.0)


@pytest.mark.parametrize("method", ["connect", "configure"])
def test_one_that_fails_has_the_others_closed(shelf, method):
    chip, world = shelf.chip(retries=ONCE)
    world.faults["dmm", method] = [LinkError("dmm: no answer")]
    world.faults["smu", method] = [InstrumentError("smu: -221, settings conflict")]
    with pytest.raises(InstrumentError, match="settings conflict") as caught, chip:
        pass
    assert caught.value.__notes__ == ["LinkError at the same time: dmm: no answer"]
    closed = {name for name, told in world.calls if told == "close"}
    assert closed == {"awg", "dac", "dmm", "smu"}
    assert not world.sent


def test_a_link_that_fails_once_is_tried_again_and_that_is_told(shelf):
    chip, world = shelf.chip(retries={"per_block": 1, "backoff_seconds": 0.0})
    world.faults["dmm", "connect"] = [LinkError("dmm: no answer")]
    with chip:
        (recovery,) = chip.take_recoveries()
    assert recovery.kind == "link_fault"
    assert "dmm: no answer" in recovery.message


def test_another_instrument_than_before_is_not_used(shelf, measured):
    chip, world = shelf.chip(timing="software", retries={"per_block": 1, "backoff_seconds": 0.0})

    def run():
        with chip:
            chip.switch_outputs(True)
            world.buffers[0].serial = "2"
            world.faults["dmm", "measure"] = [LinkError("dmm: no answer")]
            measured(chip)

    with pytest.raises(IdentityError, match="dmm: serial of the instrument was '1'"):
        run()


def test_identity_tells_all_of_them(shelf):
    chip, _ = shelf.chip()
    with chip:
        assert chip.identity["model"] == "bench of 4 instruments"
        assert chip.identity["dmm"] == "Fakes fake_buffer 1"


def test_nothing_is_done_while_it_is_not_open(shelf):
    chip, _ = shelf.chip()
    with pytest.raises(LinkError, match="not open"):
        chip.read_parameters()


def test_outputs_that_stay_off_are_told(shelf):
    chip, world = shelf.chip()
    world.before_call = lambda name, method: (
        world.on.__setitem__("smu", False) if method == "outputs_are_on" else None
    )

    def run():
        with chip:
            chip.write_parameters(chip.description.high)
            chip.switch_outputs(True)

    with pytest.raises(ChipError, match="outputs of smu were switched on and read back as off"):
        run()
