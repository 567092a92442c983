"""The proxy on a serial line: a pseudo-terminal of its own before the device's port."""

from __future__ import annotations

import contextlib
import os
import tempfile
import termios
import threading
import tty
from collections.abc import Callable
from pathlib import Path

from mgd_lab.errors import ConfigurationError
from sim_instruments.faults.descriptors import Stopped, StopSign, pause, wait
from sim_instruments.faults.framing import MakeFraming, chunks
from sim_instruments.faults.proxy import FaultProxy
from sim_instruments.faults.relay import LinkBroken, Relay
from sim_instruments.faults.schedule import Direction, FaultSchedule

_SECONDS_BETWEEN_TRIES = 0.01


class PtyFaultProxy(FaultProxy):
    """A port for the host, under a name that stays, while its `with` is open.

    A reset unplugs it: the terminal behind the name is hung up, and another takes its place.

    Args:
        device: path of the device's port.
        schedule: what happens to which messages.
        framing: what a message is; every read is one unless given.
        restart: restarts the device, for `FaultKind.RESTART`.
        link: the host's path; in a folder of its own unless given.
    """

    def __init__(
        self,
        device: str | Path,
        schedule: FaultSchedule,
        *,
        framing: MakeFraming = chunks,
        restart: Callable[[], None] = lambda: None,
        link: str | Path | None = None,
    ) -> None:
        super().__init__(schedule, framing, restart)
        self._device = Path(device)
        self._link = None if link is None else Path(link)
        self._cleanup = contextlib.ExitStack()

    @property
    def address(self) -> str:
        """The host's port."""
        return str(self._link)

    def _open(self) -> None:
        with contextlib.ExitStack() as cleanup:
            if self._link is None:
                folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="faults-"))
                self._link = Path(folder) / "port"
            if self._link.exists() and not self._link.is_symlink():
                raise ConfigurationError(
                    f"{self._link} is there already, and is no link; choose another path for the "
                    "host's port"
                )
            cleanup.callback(self._link.unlink, missing_ok=True)
            terminals = _Terminals(self._device, self._link)
            terminals.plug_in()
            if not terminals.open_device():
                terminals.unplug()
                raise ConfigurationError(
                    f"the device's port {self._device} cannot be opened as a terminal; start the "
                    "device first, or correct the path"
                )
            thread = threading.Thread(
                target=self._guarded,
                args=(lambda: self._serve(terminals),),
                name="fault proxy",
                daemon=True,
            )
            thread.start()
            cleanup.callback(thread.join)
            self._cleanup = cleanup.pop_all()

    def _close(self) -> None:
        self._cleanup.close()

    def _serve(self, terminals: _Terminals) -> None:
        try:
            while True:
                if self._converse(terminals):
                    self._restart()
                wait(self._stop, None, 0, 0)
                terminals.plug_in()
                while not terminals.open_device():
                    pause(self._stop, _SECONDS_BETWEEN_TRIES)
        finally:
            terminals.unplug()

    def _converse(self, terminals: _Terminals) -> bool:
        """Until a fault or an end breaks the line; whether the device is to be restarted."""
        stop = StopSign(self._stop)
        broken: list[LinkBroken] = []

        def forward(direction: Direction, source: int, target: int) -> None:
            relay = Relay(direction, source, target, self._framing(), self._injector, stop)
            try:
                relay.run()
            except LinkBroken as fault:
                broken.append(fault)
            except (OSError, Stopped):
                pass
            finally:
                stop.put_up()

        host, device = terminals.host, terminals.device
        back = threading.Thread(
            target=forward, args=(Direction.TO_HOST, device, host), name="fault proxy", daemon=True
        )
        back.start()
        forward(Direction.TO_DEVICE, host, device)
        back.join()
        stop.release()
        return any(fault.restart for fault in broken)


class _Terminals:
    """File descriptors of both ends; none is open before `plug_in` and after `unplug`."""

    def __init__(self, device: Path, link: Path) -> None:
        self._device_path = device
        self._link = link
        self._kept: list[int] = []
        self.host = -1
        self.device = -1

    def plug_in(self) -> None:
        """A terminal for the host in place of the one before, if any, which is hung up last.

        So the name leads somewhere whenever the host looks for it.
        """
        self.host, far = os.openpty()
        # The far end stays open here: without any, reading the other is an error.
        before, self._kept = self._kept, [self.host, far]
        tty.setraw(far, termios.TCSANOW)
        os.set_blocking(self.host, False)
        fresh = self._link.with_name(f"{self._link.name}.new")
        fresh.symlink_to(os.ttyname(far))
        fresh.replace(self._link)
        _hang_up(before)

    def open_device(self) -> bool:
        """Opens the device's port; whether there is one."""
        try:
            self.device = os.open(self._device_path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            tty.setraw(self.device, termios.TCSANOW)
            termios.tcflush(self.device, termios.TCIOFLUSH)
        except termios.error:
            os.close(self.device)
            return False
        self._kept.append(self.device)
        return True

    def unplug(self) -> None:
        """Hangs up on the host, and lets go of the device."""
        _hang_up(self._kept)
        self._kept = []


def _hang_up(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        # Closing a terminal waits for what was written to be read.
        with contextlib.suppress(termios.error):
            termios.tcflush(descriptor, termios.TCIOFLUSH)
        os.close(descriptor)
