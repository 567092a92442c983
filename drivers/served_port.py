"""A serial port with a simulated board behind it, which this process serves to itself."""

from __future__ import annotations

from drivers.serial_port import SerialPort
from mgd_lab.chip.simulated_port import PortedLibrary


class ServedSerialPort(SerialPort):
    """The board is powered on when the port is opened first, and stays so whoever closes it.

    Args:
        library: with the board.
        baud_rate, timeout_seconds, name: as of `SerialPort`.
    """

    def __init__(
        self, library: PortedLibrary, baud_rate: int, timeout_seconds: float, name: str
    ) -> None:
        super().__init__(library.port.resource, baud_rate, timeout_seconds, name)
        self._library = library

    def open(self) -> None:
        """As of any port."""
        self._library.plug_in()
        super().open()
