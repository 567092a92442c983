"""The pseudo-terminal: any client, coming and going; pacing; closing."""

from __future__ import annotations

import os
import time

import pytest
import serial

from mgd_lab.errors import ConfigurationError
from sim_instruments.serial_line import Line
from sim_instruments.serial_server import SerialServer


class Echo:
    """A device that gives everything back, many times where asked to."""

    def __init__(self, times=1):
        self.times = times
        self.starts = 0

    def power_on(self):
        self.starts += 1

    def receive(self, data):
        return data * self.times


@pytest.fixture
def serve(tmp_path):
    """Serves a device; closed at the end of the test."""
    opened = []

    def _serve(device, **keys):
        server = SerialServer(device, tmp_path / "board", **keys)
        server.start()
        opened.append(server)
        return server

    yield _serve
    for server in opened:
        server.close()


def client(server, **keys):
    return serial.Serial(server.resource, timeout=5, write_timeout=5, **keys)


def exchange(port, data, count=None):
    port.write(data)
    return port.read(len(data) if count is None else count)


def test_bytes_of_every_value_pass_as_they_are(serve):
    data = bytes(range(256)) * 64
    with client(serve(Echo())) as port:
        assert exchange(port, data) == data


def test_clients_come_and_go_and_the_session_stays(serve):
    device = Echo()
    server = serve(device)
    for _ in range(3):
        with client(server) as port:
            assert exchange(port, b"\x03abc") == b"\x03abc"
    assert device.starts == 1


def test_client_that_does_not_read_holds_up_only_itself(serve):
    device = Echo(times=1000)
    server = serve(device)
    with client(server) as port:
        port.write_timeout = 0.2
        with pytest.raises(serial.SerialTimeoutException):
            port.write(bytes(2**25))
    server.close()


def test_start_is_a_power_on_and_close_takes_the_link_away(serve):
    device = Echo()
    server = serve(device)
    with pytest.raises(ConfigurationError, match="served already"):
        server.start()
    server.close()
    server.close()
    assert not os.path.lexists(server.resource)
    server.start()
    assert device.starts == 2
    with client(server) as port:
        assert exchange(port, b"x") == b"x"


def test_link_that_was_left_behind_is_replaced_and_nothing_else(serve, tmp_path):
    (tmp_path / "board").symlink_to("/dev/pts/99999")
    server = serve(Echo())
    with client(server) as port:
        assert exchange(port, b"x") == b"x"
    (tmp_path / "file").write_text("mine")
    for path in ("file", "no folder/board"):
        with pytest.raises(ConfigurationError, match=path):
            SerialServer(Echo(), tmp_path / path).start()
    assert (tmp_path / "file").read_text() == "mine"


def test_server_that_is_closed_is_an_unplugged_port(serve):
    server = serve(Echo())
    with client(server) as port:
        server.close()
        with pytest.raises((serial.SerialException, OSError)):
            port.read(1)


def test_pacing_takes_as_long_as_the_line(serve):
    with client(serve(Echo(), baud_rate=100_000)) as port:
        started = time.monotonic()
        assert exchange(port, bytes(2000)) == bytes(2000)
        # 2000 bytes take 0.2 s; a piece of 256 arrives when it begins, and the ways overlap.
        assert 0.17 <= time.monotonic() - started < 2


def test_line_is_busy_for_ten_bits_a_byte():
    line = Line(9600)
    line.carry(96, 10.0)
    assert line.wait(10.0) == pytest.approx(0.1)
    line.carry(96, 10.05)
    assert line.wait(10.1) == pytest.approx(0.1)
    assert line.wait(11.0) == 0
    free = Line(None)
    free.carry(10**9, 0.0)
    assert free.wait(0.0) == 0
