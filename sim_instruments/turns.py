"""One chip behind two devices that know nothing of each other, such as SCPI and frames."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mgd_lab.wire import Status
from sim_instruments.message_exchange import PolledCore
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.serial_server import Beats, LineDevice
from sim_instruments.watchdog import HostWatch, WatchedDevice


class Turns:
    """Whose turn it is with the chip.

    Each device remembers what was set up through it. When the chip was used through another
    since, that no longer holds: the device powers on anew, and its client learns it from the
    session epoch and sets the chip up again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: object = None

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exception: object) -> None:
        self._lock.release()

    def begin(self, device: ScpiChipDevice | LineDevice) -> None:
        """To be called inside `with`, before the device uses the chip."""
        if self._last is not None and self._last is not device:
            # The chip was safe when it changed hands, and is watched by the other now.
            if isinstance(self._last, WatchedDevice):
                self._last.watch.set(0)
            device.power_on()
        self._last = device


class ScpiInTurn(PolledCore):
    """A SCPI device that shares its chip."""

    def __init__(self, core: ScpiChipDevice, turns: Turns) -> None:
        self._core = core
        self._turns = turns

    @property
    def watch(self) -> HostWatch:
        """That of the device."""
        return self._core.watch

    def abandon(self, is_lost: Callable[[], bool]) -> None:
        """The host is lost."""
        with self._turns:
            self._core.abandon(is_lost)

    def respond(self, message: bytes) -> bytes:
        """The response message, b"" where there is none."""
        with self._turns:
            self._turns.begin(self._core)
            return self._core.respond(message)

    def overrun(self, reason: str) -> None:
        """What arrived was dropped."""
        self._core.overrun(reason)

    def report(self, status: Status, reason: str = "") -> None:
        """An error that the way to the device has found."""
        self._core.report(status, reason)

    def status_byte(self, *, message_available: bool) -> int:
        """The status byte."""
        return self._core.status_byte(message_available=message_available)


class LineInTurn(LineDevice):
    """A device on a line that shares its chip."""

    def __init__(self, device: LineDevice, turns: Turns) -> None:
        self._device = device
        self._turns = turns
        self._watched = device if isinstance(device, WatchedDevice) else None
        self.watch = HostWatch() if self._watched is None else self._watched.watch

    def abandon(self, is_lost: Callable[[], bool]) -> None:
        """The host is lost."""
        with self._turns:
            if self._watched is not None:
                self._watched.abandon(is_lost)

    def heartbeat(self) -> bytes:
        """What may be sent while the device is at work; b"" where it has nothing to say."""
        return self._device.heartbeat() if isinstance(self._device, Beats) else b""

    def power_on(self) -> None:
        """Forgets everything, as after a power failure."""
        with self._turns:
            self._device.power_on()

    def receive(self, data: bytes) -> bytes:
        """Bytes of the line → what is answered to them."""
        with self._turns:
            self._turns.begin(self._device)
            return self._device.receive(data)
