"""The serial port: time-outs on reads and writes, other clients, ports that go away."""

from __future__ import annotations

import os
import termios
import threading
import time
import tty

import pytest
import serial

from drivers.serial_port import SerialPort
from mgd_lab.errors import ChipBusyError, LinkError, LinkTimeoutError


@pytest.fixture
def terminal():
    """The two ends of a pseudo-terminal, the second as a path."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    ends = {"ours": ours, "theirs": theirs}
    yield ours, os.ttyname(theirs), ends
    for end in ends.values():
        os.close(end)


@pytest.fixture
def port(terminal):
    opened = SerialPort(terminal[1], 115200, 0.1, "chip")
    opened.open()
    yield opened
    opened.close()


def test_bytes_come_and_go(port, terminal):
    port.write(b"\x00\x0a\xff")
    assert os.read(terminal[0], 10) == b"\x00\x0a\xff"
    os.write(terminal[0], bytes(range(256)))
    came = b""
    while len(came) < 256:
        came += port.read(1.0)
    assert came == bytes(range(256))


def test_silence_is_no_bytes_after_the_timeout(port):
    started = time.monotonic()
    assert port.read(0.1) == b""
    assert 0.1 <= time.monotonic() - started < 1
    assert "read timed out after" in str(port.silence(started))


def test_peer_that_does_not_read_times_out_a_write(port):
    started = time.monotonic()
    with pytest.raises(LinkTimeoutError, match=r"chip \(/dev/pts/.*write timed out after .* s"):
        port.write(bytes(2**20))
    assert time.monotonic() - started < 2


def test_a_write_may_take_as_long_as_the_line_needs(terminal):
    slow = SerialPort(terminal[1], 9600, 0.1, "chip")
    slow.open()
    try:
        assert slow.line_seconds(96) == pytest.approx(0.1)
        waits = []
        slow._line.write = lambda data, patience: waits.append(patience)
        slow.write(bytes(100))
        # 4096 bytes that the kernel has taken may have to go first.
        assert waits == [pytest.approx(0.1 + 4096 / 960)]
    finally:
        slow.close()


def test_long_writes_wait_for_the_peer_to_read(port, terminal):
    sent = bytes(range(256)) * 400
    came = []

    def read():
        while sum(map(len, came)) < len(sent):
            came.append(os.read(terminal[0], 1000))

    reader = threading.Thread(target=read)
    reader.start()
    port.write(sent)
    reader.join(5)
    assert b"".join(came) == sent


def test_second_client_gets_a_clear_answer(port, terminal):
    with pytest.raises(ChipBusyError, match="in use by another program; a serial port serves one"):
        SerialPort(terminal[1], 115200, 0.1, "chip").open()


def test_port_that_is_not_there(tmp_path):
    with pytest.raises(LinkError, match=r"chip .*board.*open failed after .*No such file"):
        SerialPort(str(tmp_path / "board"), 115200, 0.1, "chip").open()


def test_file_that_is_no_port(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LinkError, match="open failed"):
        SerialPort(str(tmp_path / "file"), 115200, 0.1, "chip").open()


def test_unplugged(port, terminal):
    _, _, ends = terminal
    os.close(ends.pop("theirs"))
    os.close(ends.pop("ours"))
    for act in (lambda: port.read(0.1), lambda: port.write(b"x"), port.forget_input):
        with pytest.raises(LinkError, match="failed after"):
            act()


@pytest.mark.parametrize(
    "fault",
    [
        serial.SerialException("gone"),
        OSError(5, "Input/output error"),
        termios.error(5, "Input/output error"),
        ValueError("no descriptor"),
        TypeError("no descriptor"),
        RuntimeError("no thread"),
    ],
)
def test_foreign_exceptions_become_ours(port, fault):
    def fail(*arguments):
        raise fault

    port._line.write = port._line.read = fail
    for act in (lambda: port.read(0.1), lambda: port.write(b"x")):
        with pytest.raises(LinkError, match=type(fault).__name__) as caught:
            act()
        assert caught.value.__cause__ is fault


def test_closed_port(port):
    port.close()
    port.close()
    assert not port.is_open
    for act in (lambda: port.read(0.1), lambda: port.write(b"x"), port.forget_input):
        with pytest.raises(LinkError, match="is not open"):
            act()


def test_a_port_without_a_descriptor():
    looped = SerialPort("loop://", 115200, 0.1, "chip")
    looped.open()
    try:
        looped.write(b"echo")
        assert looped.read(0.1) == b"echo"
        started = time.monotonic()
        assert looped.read(0.05) == b""
        assert 0.05 <= time.monotonic() - started < 1
    finally:
        looped.close()
