"""Serial ports of this machine. They are listed from the system's tables, never opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from serial.tools import list_ports  # pyright: ignore[reportMissingTypeStubs]  # it has none


@dataclass(frozen=True)
class SerialPort:
    """A serial port.

    Attributes:
        device: what the chip file's key `port` takes.
        description, serial_number: what the adapter says of itself; empty where nothing is known.
        vid_pid: USB vendor and product, `1A86:7523`; empty where it is no USB adapter.
    """

    device: str
    description: str
    vid_pid: str
    serial_number: str


def list_serial_ports(
    comports: Callable[[], Iterable[Any]] = list_ports.comports,  # pyright: ignore[reportUnknownMemberType]
) -> tuple[list[SerialPort], list[str]]:
    """Ports in the order of their names, and notes on what could not be listed."""
    try:
        found = list(comports())
    # The tables differ between systems, and so does what can go wrong with them.
    except Exception as error:  # noqa: BLE001
        return [], [f"serial ports cannot be listed: {type(error).__name__}: {error}"]
    ports = [
        SerialPort(
            device=str(port.device),
            description=_known(port.description),
            vid_pid="" if port.vid is None else f"{port.vid:04X}:{port.pid or 0:04X}",
            serial_number=_known(port.serial_number),
        )
        for port in found
    ]
    return sorted(ports, key=lambda port: port.device), []


def _known(text: str | None) -> str:
    return "" if text in (None, "n/a") else str(text)
