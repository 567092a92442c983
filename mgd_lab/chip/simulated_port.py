"""A serial port that is not there: a board in this process answers at its path."""

from __future__ import annotations

import weakref
from typing import Any, Protocol


class ServedPort(Protocol):
    """A board behind a pseudo-terminal."""

    @property
    def resource(self) -> str:
        """Path of the port, once it is started."""
        ...

    def start(self) -> None:
        """Powers the board on."""
        ...

    def close(self) -> None:
        """The port disappears; calling it again does nothing."""
        ...


class PortedLibrary:
    """What a driver of serial boards gets for a VISA library where all of it is simulated.

    Attributes:
        visa: library of the instruments beside the board; what `pyvisa.ResourceManager` takes.
        port: in place of the one that the chip file names.
    """

    def __init__(self, visa: Any, port: ServedPort) -> None:
        self.visa = visa
        self.port = port
        self._was_plugged_in = False

    def plug_in(self) -> None:
        """Powers the board on, once; it is unplugged when nobody holds this any more."""
        if not self._was_plugged_in:
            self._was_plugged_in = True
            self.port.start()
            weakref.finalize(self, self.port.close)
