"""A device behind a pseudo-terminal: a serial port that programs can open, without a board."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
import tty
from pathlib import Path
from typing import Protocol, runtime_checkable

from mgd_lab.errors import ConfigurationError
from sim_instruments.heartbeats import Heartbeats
from sim_instruments.serial_line import Line
from sim_instruments.watchdog import Watchdog

_PIECE_BYTES = 65536
_PACED_PIECE_BYTES = 256
_MOST_UNSENT_BYTES = 2**22


class LineDevice(Protocol):
    """A device on a line of bytes."""

    def power_on(self) -> None:
        """Forgets everything, as after a power failure."""
        ...

    def receive(self, data: bytes) -> bytes:
        """Bytes of the line → what is answered to them."""
        ...


@runtime_checkable
class Beats(Protocol):
    """A device that can say, while it is at work, that it is."""

    def heartbeat(self) -> bytes:
        """The bytes of it; b"" for none."""
        ...


class SerialServer:
    """Serves one device on a pseudo-terminal, under a path that stays the same.

    Clients may come and go; the device keeps its session. `start` is a power-on: a new session.

    Args:
        device: what answers.
        link: path of the symbolic link to the terminal.
        baud_rate: to be as slow as such a line; None for as fast as it goes.
    """

    def __init__(
        self, device: LineDevice, link: Path | str, baud_rate: float | None = None
    ) -> None:
        self._device = device
        self._link = Path(link)
        self._baud_rate = baud_rate
        self._ends: tuple[int, int] | None = None
        self._thread: threading.Thread | None = None
        self._wake_read, self._wake_write = -1, -1
        self._watchdog = Watchdog(device)
        self._heartbeats = Heartbeats(self._beat)
        self._unsent = bytearray()

    @property
    def resource(self) -> str:
        """What a chip file names as its `port`."""
        return str(self._link)

    def start(self) -> None:
        """Powers the device on and serves it in a thread of its own.

        Raises:
            ConfigurationError: something other than a link to a terminal is at the path.
        """
        if self._thread is not None:
            raise ConfigurationError(f"{self._link} is served already")
        self._device.power_on()
        device_end, client_end = os.openpty()
        # Bytes as they are: no echo, no line editing, no signals.
        tty.setraw(client_end)
        os.set_blocking(device_end, False)
        # The client's end stays open here: without any, reading the other is an error.
        self._ends = device_end, client_end
        self._wake_read, self._wake_write = os.pipe()
        try:
            self._make_link(os.ttyname(client_end))
        except ConfigurationError:
            self._close_ends()
            raise
        self._thread = threading.Thread(target=self._serve, args=(device_end,), daemon=True)
        self._watchdog, self._heartbeats = Watchdog(self._device), Heartbeats(self._beat)
        self._thread.start()
        self._watchdog.start()
        self._heartbeats.start()

    def close(self) -> None:
        """The terminal disappears, as a board that is unplugged; doing it twice does nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        os.write(self._wake_write, b"\0")
        thread.join()
        self._watchdog.close()
        self._heartbeats.close()
        if self._ends and self._link.is_symlink():
            ours = os.ttyname(self._ends[1])
            if str(self._link.readlink()) == ours:
                self._link.unlink()
        self._close_ends()

    def _close_ends(self) -> None:
        if self._ends is not None:
            for end in (*self._ends, self._wake_read, self._wake_write):
                os.close(end)
        self._ends = None

    def _make_link(self, terminal: str) -> None:
        # Left behind by a server that was killed.
        if self._link.is_symlink() and str(self._link.readlink()).startswith("/dev/pts/"):
            self._link.unlink()
        try:
            self._link.symlink_to(terminal)
        except OSError as error:
            raise ConfigurationError(
                f"no link to {terminal} can be made at {self._link}: {error.strerror}. Name a path "
                "where nothing is, in a folder that exists"
            ) from error

    def _serve(self, end: int) -> None:
        incoming, outgoing = Line(self._baud_rate), Line(self._baud_rate)
        piece = _PIECE_BYTES if self._baud_rate is None else _PACED_PIECE_BYTES
        unsent = self._unsent
        while True:
            now = time.monotonic()
            waits = [incoming.wait(now)] + ([outgoing.wait(now)] if unsent else [])
            # What the client does not read holds up what is read from it, as on a real line.
            may_read = incoming.wait(now) == 0 and len(unsent) < _MOST_UNSENT_BYTES
            may_write = bool(unsent) and outgoing.wait(now) == 0
            pause = min((wait for wait in waits if wait > 0), default=None)
            readable, writable, _ = select.select(
                [self._wake_read, *([end] if may_read else [])],
                [end] if may_write else [],
                [],
                pause,
            )
            if self._wake_read in readable:
                return
            if end in readable:
                data = os.read(end, piece)
                incoming.carry(len(data), time.monotonic())
                unsent += self._received(data)
                # A line without delay takes it at once, as a rule: nobody need be asked.
                if self._baud_rate is None:
                    writable = [end]
            if unsent and end in writable:
                sent = _write(end, memoryview(unsent)[:piece])
                outgoing.carry(sent, time.monotonic())
                del unsent[:sent]

    def _received(self, data: bytes) -> bytes:
        """What the device answers, after whatever was sent while it was at work."""
        self._watchdog.begin()
        self._heartbeats.begin()
        try:
            return self._device.receive(data)
        finally:
            self._heartbeats.end()
            self._watchdog.end()

    def _beat(self) -> None:
        # The serving thread is at work meanwhile. Half a frame that waits must not be cut in two.
        if self._ends is None or self._unsent or not isinstance(self._device, Beats):
            return
        beat = self._device.heartbeat()
        sent = _write(self._ends[0], memoryview(beat))
        self._unsent += beat[sent:] if sent else b""


def _write(end: int, data: memoryview) -> int:
    with contextlib.suppress(BlockingIOError), data:
        return os.write(end, data)
    return 0
