"""A device whose host is silent makes its chip safe; the clock is the test's own."""

from __future__ import annotations

import struct
import threading
import time
import zlib

import numpy as np
import pytest

from mgd_lab.wire import ReadOutputs, SwitchOutputs, WatchHost, WriteParameters, exchange_message
from mgd_lab.wire.frames import Frame, FrameDecoder
from sim_instruments.emulated import EmulatedChip
from sim_instruments.frames_chip import FramesDevice
from sim_instruments.heartbeats import Heartbeats, seconds_before
from sim_instruments.hislip_server import HislipServer
from sim_instruments.network import MultilayerPerceptron
from sim_instruments.occupancy import Occupancy
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.serial_server import SerialServer
from sim_instruments.socket_server import SocketServer
from sim_instruments.turns import LineInTurn, ScpiInTurn, Turns
from sim_instruments.watchdog import Watchdog

P = 9
MOVED = WriteParameters(np.ones(P))
SOON = 0.05


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def a_chip():
    return EmulatedChip(MultilayerPerceptron((2, 2, 1)), record_extremes=True)


class Scpi:
    """A SCPI device, asked by requests."""

    def __init__(self, chip, turns=None):
        self.core = ScpiChipDevice(chip)
        self.device = self.core if turns is None else ScpiInTurn(self.core, turns)

    def ask(self, request):
        answer = self.device.respond(exchange_message(request.encode(1)))
        return struct.unpack_from("<IIi", answer, 2 + int(answer[1:2]))[1:]


class Frames:
    """A device behind frames, asked by requests."""

    def __init__(self, chip, turns=None):
        self.core = FramesDevice(chip)
        self.device = self.core if turns is None else LineInTurn(self.core, turns)

    def ask(self, request):
        answer = self.device.receive(Frame(request.encode(1)).encode())
        (frame,) = FrameDecoder().feed(answer)
        return struct.unpack_from("<Ii", frame.payload)


def served(device, watchdog, request):
    watchdog.begin()
    answer = device.ask(request)
    watchdog.end()
    return answer


@pytest.mark.parametrize("kind", [Scpi, Frames])
def test_silence_makes_the_chip_safe_and_is_noticed_by_the_epoch(kind):
    chip, clock = a_chip(), Clock()
    device = kind(chip)
    watchdog = Watchdog(device.device, clock)
    assert watchdog.look() is None
    epoch, status = served(device, watchdog, SwitchOutputs(on=True))
    assert status == 0
    assert watchdog.look() is None
    for request in (MOVED, WatchHost(2.0)):
        assert served(device, watchdog, request) == (epoch, 0)
    clock.now += 1.5
    assert watchdog.look() == 0.5
    watchdog.heard()
    clock.now += 1.75
    assert watchdog.look() == 0.25
    assert chip.outputs_are_on()
    clock.now += 0.25
    assert watchdog.look() is None
    assert not chip.outputs_are_on()
    assert not chip.read_parameters().any()
    found, status = served(device, watchdog, ReadOutputs())
    assert (found != epoch, status) == (True, 0)
    clock.now += 1000
    chip.switch_outputs(on=True)
    assert watchdog.look() is None
    assert chip.outputs_are_on()


@pytest.mark.parametrize("kind", [Scpi, Frames])
def test_outputs_that_were_never_switched_are_switched_off_too(kind):
    chip, clock = a_chip(), Clock()
    device = kind(chip)
    watchdog = Watchdog(device.device, clock)
    served(device, watchdog, WatchHost(2.0))
    clock.now += 2.0
    watchdog.look()
    assert not chip.outputs_are_on()


def test_work_is_no_silence_and_zero_ends_it():
    chip, clock = a_chip(), Clock()
    device = Scpi(chip)
    watchdog = Watchdog(device.device, clock)
    epoch, _ = served(device, watchdog, WatchHost(2.0))
    watchdog.begin()
    clock.now += 1000
    assert watchdog.look() == 2.0
    assert device.ask(MOVED) == (epoch, 0)
    clock.now += 1000
    watchdog.end()
    assert watchdog.look() == 2.0
    served(device, watchdog, WatchHost(0.0))
    clock.now += 1000
    assert watchdog.look() is None
    assert chip.read_parameters().all()


def test_a_host_that_speaks_while_it_is_given_up_is_not_given_up():
    """The last look is taken under the lock that serves requests."""
    chip, clock = a_chip(), Clock()
    device = Scpi(chip)
    watchdog = Watchdog(device.device, clock)
    epoch, _ = served(device, watchdog, WatchHost(2.0))
    served(device, watchdog, MOVED)
    clock.now += 3.0
    entered, release = threading.Event(), threading.Event()

    write = chip.write_parameters

    def slowly(values):
        entered.set()
        assert release.wait(10)
        write(values)

    chip.write_parameters = slowly
    watchdog.begin()
    request = threading.Thread(target=device.ask, args=(MOVED,))
    request.start()
    assert entered.wait(10)
    # A look from a moment before the request came.
    late = threading.Thread(target=device.device.abandon, args=(watchdog._is_lost,))
    late.start()
    release.set()
    request.join(10)
    watchdog.end()
    late.join(10)
    chip.write_parameters = write
    assert served(device, watchdog, ReadOutputs()) == (epoch, 0)
    assert chip.read_parameters().all()


def test_a_chip_that_changes_hands_is_watched_by_the_other():
    chip, clock, turns = a_chip(), Clock(), Turns()
    instrument, board = Scpi(chip, turns), Frames(chip, turns)
    first, second = Watchdog(instrument.device, clock), Watchdog(board.device, clock)
    served(instrument, first, WatchHost(2.0))
    served(board, second, MOVED)
    clock.now += 3.0
    assert first.look() is None
    assert chip.read_parameters().all()
    served(board, second, WatchHost(2.0))
    clock.now += 3.0
    assert second.look() is None
    assert not chip.read_parameters().any()


def test_devices_that_cannot_be_watched_are_left_alone():
    watchdog = Watchdog(object())
    watchdog.start()
    watchdog.begin()
    watchdog.heard()
    watchdog.end()
    assert watchdog.look() is None
    watchdog.close()


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("kind", [SocketServer, HislipServer])
def test_servers_watch(lab, kind):
    chip = a_chip()
    server = lab.serve(ScpiChipDevice(chip), kind)
    client = lab.connect(server)
    requests = [exchange_message(r.encode(k)) for k, r in enumerate((MOVED, WatchHost(SOON)))]
    if kind is HislipServer:
        client.hislip(0, 0, 0x01000000, b"hislip0")
        number = client.message()[2] & 0xFFFF
        second = lab.connect(server)
        second.hislip(17, 0, number)
        second.message()
        for message in requests:
            client.hislip(7, 0, 0, message)
            client.message()
    else:
        for message in requests:
            client.send(message)
            assert client.exactly(25)[:4] == b"#220"
    # What may follow at once is that the host is lost; a closed connection saves nobody.
    client.close()
    wait_until(lambda: not chip.outputs_are_on())
    assert not chip.read_parameters().any()


def test_a_serial_server_watches(tmp_path):
    chip = a_chip()
    server = SerialServer(FramesDevice(chip), tmp_path / "board")
    for _ in range(2):
        server.start()
        try:
            chip.switch_outputs(on=True)
            with open(server.resource, "r+b", buffering=0) as port:  # noqa: PTH123 (a terminal)
                for request in (MOVED, WatchHost(SOON)):
                    port.write(Frame(request.encode(1)).encode())
                    answer = b""
                    while not answer.endswith(b"\0"):
                        answer += port.read(100)
            wait_until(lambda: not chip.outputs_are_on())
            assert not chip.read_parameters().any()
        finally:
            server.close()


def test_heartbeats_come_in_time_and_not_too_many():
    clock, sent = Clock(), []
    beats = Heartbeats(lambda: sent.append(clock.now), clock)
    beats.look()
    beats.begin()
    for tenth in range(1, 101):
        clock.now = 100.0 + tenth / 10
        beats.look()
    assert [round(at - 100.0, 1) for at in sent] == [0.5, 1.5, 3.5, 7.5]
    beats.end()
    clock.now += 100
    beats.look()
    assert len(sent) == 4
    assert seconds_before(79) == 4.0
    assert sum(seconds_before(k) for k in range(100)) > 30 * 86400


def test_a_board_at_work_for_long_sends_heartbeats(tmp_path):
    chip = a_chip()
    device = FramesDevice(chip, epoch=0x01020304)
    server = SerialServer(device, tmp_path / "board")
    begun, release = threading.Event(), threading.Event()
    server.start()
    try:
        write = chip.write_parameters

        def slowly(values):
            begun.set()
            assert release.wait(10)
            write(values)

        chip.write_parameters = slowly
        with open(server.resource, "r+b", buffering=0) as port:  # noqa: PTH123 (a terminal)
            port.write(Frame(MOVED.encode(0x0A0B0C0D)).encode())
            assert begun.wait(10)
            # The heartbeats' own thread would take half a second.
            server._heartbeats._due = 0.0
            server._heartbeats.look()
            release.set()
            decoder, found = FrameDecoder(), []
            while len(found) < 2:
                found += decoder.feed(port.read(100))
    finally:
        release.set()
        server.close()
    contents = bytes.fromhex("0d0c0b0ae004030201")
    assert found[0].contents == contents + zlib.crc32(contents).to_bytes(4, "little")
    assert found[1].sequence == 0x0A0B0C0D
    assert found[1].opcode == 0x80


def test_endpoints_share_one_watch(lab):
    """What one endpoint hears counts at the other, too."""
    chip, clock = a_chip(), Clock()
    device = Scpi(chip)
    occupancy = Occupancy(0.2)
    lab.serve(device.core, SocketServer, occupancy)
    lab.serve(device.core, HislipServer, occupancy)
    mine, other = Watchdog(device.core, clock), Watchdog(device.core, clock)
    served(device, mine, WatchHost(1e6))
    clock.now += 5e5
    mine.heard()
    clock.now += 6e5
    assert other.look() == 4e5
