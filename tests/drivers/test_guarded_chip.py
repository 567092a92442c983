"""Limits, output switch, watchdog and telemetry of a chip behind a link."""

from __future__ import annotations

import json
import struct
import threading
import time

import numpy as np
import pytest

from drivers.guarded_chip import GuardedChip
from drivers.scpi import scpi_chip
from drivers.serial_board import DRIVER as SERIAL
from drivers.serial_board import serial_chip
from drivers.set_up import SetUp
from drivers.signs_of_life import SignsOfLife
from mgd_lab.chip import HoldsLimits, ReportsTelemetry, SwitchesOutputs, WatchesHost
from mgd_lab.costs import CostFunction
from mgd_lab.errors import CapabilityError, ChipError, ConfigurationError, LimitError
from mgd_lab.wire import Advance, SwitchOutputs, WatchHost, WriteParameters
from sim_instruments.emulated import emulated_chip
from sim_instruments.frames_chip import FramesDevice
from sim_instruments.occupancy import Occupancy
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.serial_server import SerialServer
from sim_instruments.socket_server import SocketServer
from sim_instruments.visa_library import simulated_library

P = 9
DESCRIPTION = json.dumps(
    {"name": "line", "groups": [{"name": "w", "count": 2}], "inputs": 1, "outputs": 1,
     "features": ["limits", "output_switch", "watchdog", "of the future"],
     "telemetry": [{"name": "supply", "unit": "V"}, {"name": "errors"}]}
).encode()  # fmt: skip
DESCRIBED = (b"CHIP:DESC?\n", b"#3%d" % len(DESCRIPTION) + DESCRIPTION + b"\n")
EPOCH = bytes.fromhex("04030201")


def opening(lab):
    return tuple(DESCRIBED if each == lab.DESCRIBED else each for each in lab.OPENING)


def exchange(lab, number, opcode, count=0, body=b"", results=b"", status=0):
    """Request and reply in blocks, from their fields."""
    request = lab.sealed(struct.pack("<IBBHII", number, opcode, 0, 0, 0, count), body)
    outcome = EPOCH + struct.pack("<iI", status, len(results) // 8)
    reply = lab.sealed(number.to_bytes(4, "little") + outcome, results)
    return (
        b"EXCH? #2%d" % len(request) + request + b"\n",
        b"#2%d" % len(reply) + reply + b"\n",
    )


def test_literal_transcript(lab):
    def told(*fields):
        return exchange(lab, *fields), lab.NO_ERROR

    edges = struct.pack("<4d", -1, float("-inf"), 1, float("inf"))
    one, two = struct.pack("<d", 1), struct.pack("<2d", 5.25, float("nan"))
    script, chip = lab.scripted(
        *opening(lab),
        *told(1, 27, 2, edges),
        exchange(lab, 2, 28, results=edges),
        *told(3, 29, 0, bytes.fromhex("0100000000000000")),
        exchange(lab, 4, 30, results=one),
        *told(5, 31, 0, bytes.fromhex("0000000000c05240")),
        exchange(lab, 6, 32, results=two),
        *lab.closing(6),
        *told(9, 29, 0, bytes(8)),
        exchange(lab, 10, 30, results=bytes(8)),
        *told(11, 31, 0, bytes(8)),
    )
    with chip:
        for kind in (HoldsLimits, SwitchesOutputs, WatchesHost, ReportsTelemetry):
            assert isinstance(chip, kind)
        assert chip.description.features == ("limits", "output_switch", "watchdog")
        low, high = np.array([-1, -np.inf]), np.array([1, np.inf])
        chip.write_limits(low, high)
        assert [each.tolist() for each in chip.read_limits()] == [low.tolist(), high.tolist()]
        chip.switch_outputs(on=True)
        assert chip.outputs_are_on()
        chip.watch_host(75.0)
        found = chip.read_telemetry()
        assert (found[0], np.isnan(found[1])) == (5.25, True)
    assert script.exchanges == []
    assert not [t for t in threading.enumerate() if t.name == "signs of life"]


def test_what_was_switched_off_already_is_not_switched_on_the_way_out(lab):
    script, chip = lab.scripted(
        *opening(lab),
        exchange(lab, 1, 29, 0, struct.pack("<II", 1, 0)), lab.NO_ERROR,
        exchange(lab, 2, 29, 0, bytes(8)), lab.NO_ERROR,
        exchange(lab, 3, 30, results=bytes(8)),
        *lab.closing(3),
        exchange(lab, 6, 29, 0, bytes(8)), lab.NO_ERROR,
        exchange(lab, 7, 30, results=bytes(8)),
    )  # fmt: skip
    with chip:
        chip.switch_outputs(on=True)
        chip.switch_outputs(on=False)
        assert not chip.outputs_are_on()
    assert script.exchanges == []


def test_outputs_that_stay_on_are_told(lab):
    _, chip = lab.scripted(
        *opening(lab),
        exchange(lab, 1, 29, 0, struct.pack("<II", 1, 0)), lab.NO_ERROR,
        *lab.closing(1),
        exchange(lab, 4, 29, 0, bytes(8)), lab.NO_ERROR,
        exchange(lab, 5, 30, results=struct.pack("<d", 1)),
    )  # fmt: skip
    with pytest.raises(ChipError, match="outputs read on"), chip:
        chip.switch_outputs(on=True)


FEATURES = {
    "limits": (lambda c: c.write_limits(np.zeros(2), np.ones(2)), lambda c: c.read_limits()),
    "output_switch": (lambda c: c.switch_outputs(on=False), lambda c: c.outputs_are_on()),
    "watchdog": (lambda c: c.watch_host(1.0), lambda c: c.watch_host(0.0)),
    "telemetry": (lambda c: c.read_telemetry(),),
}


@pytest.mark.parametrize("feature", FEATURES)
def test_features_that_the_description_does_not_name_are_not_asked_for(lab, feature):
    _, chip = lab.scripted(*lab.OPENING, *lab.closing(0))
    with chip:
        for ask in FEATURES[feature]:
            with pytest.raises(CapabilityError, match=feature):
                ask(chip)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_times_that_cannot_be(lab, seconds):
    _, chip = lab.scripted(*opening(lab), *lab.closing(0))
    with chip, pytest.raises(ConfigurationError, match="watchdog"):
        chip.watch_host(seconds)


def test_limits_of_another_size(lab):
    _, chip = lab.scripted(*opening(lab), *lab.closing(0))
    with chip, pytest.raises(ConfigurationError, match="limits"):
        chip.write_limits(np.zeros(3), np.ones(3))


def shown(chip, request):
    """As the thread does it."""
    thread = threading.Thread(target=chip._show_life, args=(request,))
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_a_sign_of_life_that_fails_leaves_the_repair_to_the_next_operation(lab):
    life, request = exchange(lab, 1, 31, 0, struct.pack("<d", 9)), WatchHost(9.0)
    script, chip = lab.scripted(
        *opening(lab),
        life,
        (exchange(lab, 2, 31, 0, struct.pack("<d", 9))[0], b"#220garbage and much more\n"),
        *lab.REOPENING,
        *lab.closing_after_a_fault(2),
    )
    with chip:
        shown(chip, request)
        assert chip.take_recoveries() == []
        shown(chip, request)
        assert chip._link.out_of_step
        # Nothing is sent while the link is out of step, or while something else is exchanged.
        shown(chip, request)
        with chip._turn:
            chip._link._out_of_step = False
            shown(chip, request)
            chip._link._out_of_step = True
    assert script.exchanges == []
    (recovery,) = chip.take_recoveries()
    assert "cut short" in recovery.message


def test_signs_of_life_are_shown_only_when_nothing_else_is_exchanged():
    shows, counts, looked = [], iter([0, 1, 2, 2, 2, 3, 3, 3, 3, 3]), threading.Event()

    def exchanges():
        try:
            return next(counts)
        except StopIteration:
            looked.set()
            return 3

    life = SignsOfLife(0.008, exchanges, lambda: shows.append(looked.is_set()))
    life.start()
    assert looked.wait(10)
    life.end()
    life.end()
    # Counted: 0 at first, then before and after each look.
    assert shows[:3] == [False, False, False]


def test_the_order_of_setting_up_again():
    set_up = SetUp()
    on, off = SwitchOutputs(on=True), SwitchOutputs(on=False)
    write, advance, watch = WriteParameters(np.zeros(2)), Advance(7), WatchHost(3.0)
    for request in (watch, on, write):
        set_up.replace(request)
    assert list(set_up) == [write, on, watch]
    set_up.replace(advance)
    assert list(set_up) == [write, on, advance, write, watch]
    set_up.replace(off)
    assert list(set_up) == [write, off, watch]


def at_sim(lab):
    device = emulated_chip(lab.emulation())
    core = ScpiChipDevice(device)
    return device, core, scpi_chip(lab.settings(), simulated_library({lab.RESOURCE: core}))


def measured(chip, theta):
    return chip.measure_dense(
        np.full(P, theta, np.float32), np.zeros(1, np.uint32), np.zeros((1, P), np.float32)
    )


def test_a_device_that_has_given_up_its_host_is_set_up_again(lab):
    device, core, chip = at_sim(lab)
    with chip:
        chip.write_limits(np.full(P, -2.0), np.full(P, 2.0))
        chip.set_cost(CostFunction())
        chip.load_samples(np.ones((1, 2), np.float32), np.ones((1, 1), np.float32))
        chip.switch_outputs(on=True)
        chip.watch_host(60.0)
        expected = measured(chip, 1.0)
        core.abandon(lambda: False)
        assert measured(chip, 1.0).tobytes() == expected.tobytes()
        core.abandon(lambda: True)
        assert not device.outputs_are_on()
        assert not device.read_parameters().any()
        assert measured(chip, 1.0).tobytes() == expected.tobytes()
        assert [each.kind for each in chip.take_recoveries()] == ["restarted"]
        assert device.outputs_are_on()
        assert device.read_limits()[1].tolist() == [2.0] * P
        assert core.watch.left(0.0) is not None
        with pytest.raises(LimitError, match=r"-222.*limits"):
            measured(chip, 2.5)
        chip.switch_outputs(on=False)
        with pytest.raises(ChipError, match="outputs are off"):
            measured(chip, 1.0)
        # On the way down nothing is switched on again.
        chip.write_parameters(np.full(P, 0.5))
        core.power_on()
        assert chip.read_parameters().tolist() == [0.5] * P
        assert not device.outputs_are_on()
    assert not device.outputs_are_on()
    assert core.watch.left(0.0) is None


def test_a_chip_that_could_not_be_made_safe_stays_watched(lab):
    device, core, chip = at_sim(lab)
    chip.__enter__()
    chip.switch_outputs(on=True)
    chip.watch_host(60.0)
    device.read_parameters = lambda: np.ones(P)
    with pytest.raises(ChipError, match="could not be verified"):
        chip.__exit__(None, None, None)
    assert not device.outputs_are_on()
    assert core.watch.left(0.0) is not None
    assert isinstance(chip, GuardedChip)


def over_tcp(lab, folder, device):
    core = ScpiChipDevice(device)
    server = SocketServer(core, "127.0.0.1", 0, Occupancy(0.2))
    keys = {"visa_library": "@py", "simulated": None, "timeout_seconds": 20}
    return core, server, lambda: scpi_chip(lab.settings(resource=server.resource, **keys))


def over_serial(lab, folder, device):
    core = FramesDevice(device)
    server = SerialServer(core, folder / "board")
    settings = SERIAL.settings(driver="serial", port=str(folder / "board"), timeout_seconds=20)
    return core, server, lambda: serial_chip(settings)


@pytest.mark.parametrize("way", [over_tcp, over_serial])
def test_a_host_that_only_thinks_is_alive_and_one_that_ends_is_not(lab, tmp_path, way):
    seconds = 1.0
    device = emulated_chip(lab.emulation())
    core, server, open_chip = way(lab, tmp_path, device)
    ended = core.watch.end
    exchanges = []
    core.watch.end = lambda now: (ended(now), exchanges.append(now))
    server.start()
    try:
        chip = open_chip()
        with chip:
            chip.switch_outputs(on=True)
            chip.watch_host(seconds)
            began = time.monotonic()
            while time.monotonic() - began < 1.5 * seconds:
                time.sleep(0.01)
            before = len(exchanges)
            assert before >= 6
            assert chip.outputs_are_on()
            assert chip.take_recoveries() == []
            # As if the process had been killed: no sign of life, no goodbye.
            chip._end_signs_of_life()
            deadline = time.monotonic() + 20
            while device.outputs_are_on():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert not device.read_parameters().any()
            # Should the host go on after all it notices, and sets everything up again.
            chip.read_parameters()
            assert [each.kind for each in chip.take_recoveries()] == ["restarted"]
            assert device.outputs_are_on()
    finally:
        server.close()


def test_a_watchdog_that_knows_other_safe_values_is_refused(lab):
    core = ScpiChipDevice(emulated_chip(lab.emulation()), serial="3")
    limits = {"parameters": {"safe": 0.25}}
    chip = scpi_chip(lab.settings(limits=limits), simulated_library({lab.RESOURCE: core}))
    with chip, pytest.raises(CapabilityError, match=r"would leave weights1\[0\] at 0.*is 0\.25"):
        chip.watch_host(5.0)


def test_parameters_do_not_jump_back_after_a_restart_where_their_slew_is_limited(lab):
    core = ScpiChipDevice(emulated_chip(lab.emulation()), serial="3")
    limits = {"parameters": {"slew_per_second": 1.0}}
    chip = scpi_chip(lab.settings(limits=limits), simulated_library({lab.RESOURCE: core}))
    with chip:
        chip.write_parameters(np.full(P, 0.5))
        core.power_on()
        with pytest.raises(ChipError, match="slew_per_second; resume the run"):
            chip.read_parameters()
