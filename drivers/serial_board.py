"""The driver `serial`: a chip on a board that speaks `docs/protocol-frames.md`."""

from __future__ import annotations

from typing import Any

from drivers.frames_link import FramesLink
from drivers.remote_chip import RemoteChip
from drivers.serial_port import SerialPort
from drivers.serial_settings import SerialSettings
from mgd_lab.experiment.chip_settings import ChipDriver


def serial_chip(
    settings: SerialSettings,
    visa_library: Any = None,  # noqa: ARG001 (a serial port needs none)
    *,
    sequence: int | None = None,
) -> RemoteChip:
    """A chip behind a serial port; nothing is opened yet.

    Args:
        settings: the chip file.
        visa_library: ignored.
        sequence: number of the frame before the first; drawn where None.
    """
    name = settings.name or settings.port
    port = SerialPort(settings.port, settings.baud_rate, settings.timeout_seconds, name)
    return RemoteChip(
        FramesLink(port, name, settings.timeout_seconds, sequence),
        name=settings.name,
        identity=settings.identity,
        limits=settings.limits,
        retries=settings.retries,
    )


DRIVER = ChipDriver(settings=SerialSettings, build=serial_chip)
