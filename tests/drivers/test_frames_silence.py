"""How long the driver `serial` waits: what `timeout_seconds` says, and no longer."""

from __future__ import annotations

import pytest

from drivers import frames_link
from drivers.frames_link import FramesLink
from mgd_lab.errors import LinkTimeoutError

TIMEOUT = 5.0
PONG = bytes.fromhex("02 01 01 01 0a c1 04030201 9cba12ed 00")


class Clock:
    """Time that passes only while somebody waits."""

    now = 1000.0

    def monotonic(self):
        return self.now


class Port:
    """Gives (seconds after the last bytes, bytes) in turn, and then nothing."""

    port = "/dev/ttyACM0"
    is_open = True

    def __init__(self, clock, *coming):
        self.clock, self.coming = clock, list(coming)

    def open(self):
        self.due = self.clock.now + self.coming[0][0] if self.coming else None

    def close(self):
        pass

    def forget_input(self):
        pass

    def write(self, data):
        pass

    def line_seconds(self, count):
        return count * 0.001

    def read(self, seconds):
        assert seconds >= 0
        if not self.coming or self.due > self.clock.now + seconds:
            self.clock.now += seconds
            return b""
        self.clock.now = max(self.clock.now, self.due)
        _, data = self.coming.pop(0)
        if self.coming:
            self.due = self.clock.now + self.coming[0][0]
        return data

    def silence(self, started):
        return LinkTimeoutError(f"silent for {self.clock.now - started:g} s")


@pytest.fixture
def waited(monkeypatch):
    """A function: what comes → seconds until the opening succeeds, or its error."""
    clock = Clock()
    monkeypatch.setattr(frames_link, "time", clock)

    def wait(*coming):
        link = FramesLink(Port(clock, *coming), "chip", TIMEOUT, sequence=0)
        began = clock.now
        try:
            link.open()
        except LinkTimeoutError as error:
            return clock.now - began, str(error)
        return clock.now - began, ""

    return wait


@pytest.mark.parametrize(
    "coming",
    [
        (),
        ((4.9, b"\x05noise\0"),),
        ((4.9, PONG[:5]),),
        ((5.1, PONG),),
        tuple((0.01, b"x") for _ in range(10_000)),
        tuple((0.5, b"\x02x\0") for _ in range(100)),
    ],
)
def test_nobody_waits_longer_than_the_timeout(waited, coming):
    seconds, said = waited(*coming)
    assert seconds == pytest.approx(TIMEOUT, abs=0.02)
    assert said == f"silent for {seconds:g} s"


@pytest.mark.parametrize(
    "coming", [((4.9, PONG),), ((2.4, PONG[:5]), (2.4, PONG[5:])), ((1, b"x\0"), (1, PONG))]
)
def test_what_comes_in_time_is_taken(waited, coming):
    assert waited(*coming) == (pytest.approx(sum(seconds for seconds, _ in coming)), "")


def test_an_answer_has_the_time_of_its_bytes_on_the_line_besides(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(frames_link, "time", clock)
    port = Port(clock, (0.0, PONG))
    link = FramesLink(port, "chip", TIMEOUT, sequence=0)
    link.open()
    began = clock.now
    with pytest.raises(LinkTimeoutError):
        link._await(1, port.line_seconds(3000))
    assert clock.now - began == pytest.approx(TIMEOUT + 3)
