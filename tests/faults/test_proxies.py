"""Every fault, on TCP and on a serial line, before a device that echoes."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest

from mgd_lab.errors import ConfigurationError
from sim_instruments.faults import (
    Direction,
    Fault,
    FaultKind,
    FaultSchedule,
    PtyFaultProxy,
    TcpFaultProxy,
    framed,
    messages_of_text,
)

LONG, SHORT = 0.15, 0.03
TO_DEVICE, TO_HOST = Direction


@contextlib.contextmanager
def connected(through, *faults, **keys):
    proxy, device, host = through(FaultSchedule(faults), **{"framing": messages_of_text, **keys})
    with proxy:
        line = host(proxy)
        try:
            yield line, proxy, device, host
        finally:
            line.close()


def asked(line, text):
    line.write(text)
    return line.read(len(text))


def test_without_faults_all_is_forwarded(through):
    data = bytes(range(256)) * 16 + b"\n"
    with connected(through, framing=framed) as (line, proxy, _, _):
        assert asked(line, b"".join(b"%d\0" % k for k in range(500)))[-4:] == b"499\0"
        for _ in range(3):
            line.write(data + b"\0")
            assert line.read(len(data) + 1) == data + b"\0"
        assert proxy.injections == ()
        assert proxy.counts[TO_DEVICE] == proxy.counts[TO_HOST] == 500 + 3 * 17


@pytest.mark.parametrize("direction", list(Direction))
def test_delay(through, direction):
    fault = Fault(FaultKind.DELAY, direction, 0, seconds=LONG)
    with connected(through, fault) as (line, proxy, _, _):
        began = time.monotonic()
        line.write(b"one\n")
        assert line.read(4, SHORT) == b""
        assert line.read(4) == b"one\n"
        assert time.monotonic() - began >= LONG
        assert [i.fault for i in proxy.injections] == [fault]
        assert proxy.injections[0].size == 4


@pytest.mark.parametrize("direction", list(Direction))
def test_drop_and_duplicate(through, direction):
    faults = Fault(FaultKind.DROP, direction, 0), Fault(FaultKind.DUPLICATE, direction, 1)
    with connected(through, *faults) as (line, _, _, _):
        line.write(b"one\n")
        assert line.read(4, SHORT) == b""
        line.write(b"two\n")
        assert line.read(8) == b"two\ntwo\n"
        assert asked(line, b"three\n") == b"three\n"


@pytest.mark.parametrize("direction", list(Direction))
def test_reorder(through, direction):
    with connected(through, Fault(FaultKind.REORDER, direction, 0, seconds=5)) as (line, *_):
        line.write(b"one\ntwo\nthree\n")
        assert line.read(14) == b"two\none\nthree\n"


def test_what_is_to_come_after_the_next_does_not_wait_for_ever(through):
    with connected(through, Fault(FaultKind.REORDER, TO_HOST, 0, seconds=LONG)) as (line, *_):
        line.write(b"one\n")
        assert line.read(4, SHORT) == b""
        assert line.read(4) == b"one\n"


@pytest.mark.parametrize("direction", list(Direction))
def test_truncate(through, direction):
    with connected(through, Fault(FaultKind.TRUNCATE, direction, 0, position=0.6)) as (line, *_):
        line.write(b"0123456789")
        line.write(b"\nnext\n")
        assert line.read(11) == b"012345next\n"


def test_split(through):
    fault = Fault(FaultKind.SPLIT, TO_HOST, 0, seconds=LONG, position=0.5)
    with connected(through, fault) as (line, *_):
        line.write(b"12345\n")
        assert line.read(6, SHORT) == b"123"
        assert line.read(3) == b"45\n"


def test_corrupt(through):
    faults = (
        Fault(FaultKind.CORRUPT, TO_DEVICE, 0, position=0.0, bits=1),
        Fault(FaultKind.CORRUPT, TO_HOST, 0, position=0.5, bits=3),
    )
    with connected(through, *faults) as (line, *_):
        assert asked(line, b"aaa\n") == b"`af\n"


def test_stall(through):
    with connected(through, Fault(FaultKind.STALL, TO_DEVICE, 0, seconds=LONG)) as (line, *_):
        assert asked(line, b"one\n") == b"one\n"
        line.write(b"two\n")
        assert line.read(4, SHORT) == b""
        assert line.read(4) == b"two\n"


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("kind", [FaultKind.RESET, FaultKind.RESTART])
def test_connections_break_and_can_be_made_again(through, kind, direction):
    with connected(through, Fault(kind, direction, 1)) as (line, proxy, device, host):
        assert asked(line, b"one\n") == b"one\n"
        line.write(b"two\n")
        with pytest.raises(OSError):  # noqa: PT011 (a socket and a terminal say it differently)
            line.read(4)
        again = host(proxy)
        assert asked(again, b"three\n") == b"three\n"
        again.close()
        assert device.restarts == (kind is FaultKind.RESTART)
        assert proxy.pending == 0


@pytest.mark.parametrize("kind", [FaultKind.DELAY, FaultKind.STALL, FaultKind.REORDER])
def test_leaving_does_not_wait_for_what_is_late(through, kind):
    began = time.monotonic()
    with connected(through, Fault(kind, TO_DEVICE, 0, seconds=600)) as (line, proxy, _, _):
        line.write(b"one\n")
        line.read(4, SHORT)
        assert proxy.pending == 0
    assert time.monotonic() - began < 5
    assert not [t for t in threading.enumerate() if t.name == "fault proxy"]


def test_leaving_does_not_wait_for_who_does_not_read(through):
    with connected(through, framing=framed) as (line, *_):
        blocked = threading.Event()

        def flood():
            with contextlib.suppress(OSError):
                while True:
                    line.write(b"\0" * 2000)
                    blocked.set()

        flooding = threading.Thread(target=flood, daemon=True)
        flooding.start()
        assert blocked.wait(5)
    assert not [t for t in threading.enumerate() if t.name == "fault proxy"]


def test_a_device_that_refuses_is_seen_as_a_broken_connection(echo_server):
    with TcpFaultProxy(echo_server.port, FaultSchedule()) as other:
        unused = other.port
    with TcpFaultProxy(unused, FaultSchedule()) as proxy, pytest.raises(ConnectionError):
        _connect_and_read(proxy.port)


def _connect_and_read(port):
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.recv(1)


def test_a_restart_that_fails_is_told(echo_server):
    def fail():
        raise RuntimeError("no power")

    proxy = TcpFaultProxy(
        echo_server.port, FaultSchedule((Fault(FaultKind.RESTART, TO_DEVICE, 0),)), restart=fail
    )
    with pytest.raises(RuntimeError, match="no power"), proxy:
        _send_and_see_the_end(proxy.port)


def _send_and_see_the_end(port):
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.sendall(b"one\n")
        with contextlib.suppress(ConnectionError):
            assert line.recv(4) == b""


def test_a_file_is_not_replaced_by_a_port(tmp_path, echo_terminal):
    path = tmp_path / "results"
    path.write_text("weeks of work")
    with (
        pytest.raises(ConfigurationError, match="no link"),
        PtyFaultProxy(echo_terminal.port, FaultSchedule(), link=path),
    ):
        pass
    assert path.read_text() == "weeks of work"


@pytest.mark.parametrize("name", ["missing", "/dev/null"])
def test_a_device_that_is_no_terminal_is_refused(tmp_path, name):
    with (
        pytest.raises(ConfigurationError, match="start the device first"),
        PtyFaultProxy(tmp_path / name, FaultSchedule(), link=tmp_path / "port"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_port_is_gone_afterwards(tmp_path, echo_terminal):
    link = tmp_path / "port"
    with PtyFaultProxy(echo_terminal.port, FaultSchedule(), link=link) as proxy:
        assert proxy.address == str(link)
        assert link.is_symlink()
    assert list(tmp_path.iterdir()) == []
