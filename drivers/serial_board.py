"""The driver `serial`: a chip on a board that speaks `docs/protocol-frames.md`."""

from __future__ import annotations

from typing import Any

from drivers.frames_link import FramesLink
from drivers.powered_chip import chip_of
from drivers.remote_chip import RemoteChip
from drivers.serial_port import SerialPort
from drivers.serial_settings import SerialSettings
from drivers.served_port import ServedSerialPort
from mgd_lab.chip.simulated_port import PortedLibrary
from mgd_lab.experiment.chip_settings import ChipDriver


def serial_chip(
    settings: SerialSettings, library: Any = None, *, sequence: int | None = None
) -> RemoteChip:
    """A chip behind a serial port; nothing is opened yet.

    Args:
        settings: the chip file.
        library: what `pyvisa.ResourceManager` takes, for the instruments beside the board, or a
            `PortedLibrary` that brings the board too; `settings.visa_library` where None.
        sequence: number of the frame before the first; drawn where None.
    """
    name = settings.name or settings.port
    line = (settings.baud_rate, settings.timeout_seconds, name)
    if isinstance(library, PortedLibrary):
        port: SerialPort = ServedSerialPort(library, *line)
        library = library.visa
    else:
        port = SerialPort(settings.port, *line)
    link = FramesLink(port, name, settings.timeout_seconds, sequence)
    return chip_of(link, name, settings, library)


DRIVER = ChipDriver(settings=SerialSettings, build=serial_chip)
