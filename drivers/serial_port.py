"""A serial port: open, write, read, close, each with a time-out and our own errors."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import serial

from drivers.link import place
from drivers.serial_line import Line, line_of
from mgd_lab.errors import ChipBusyError, LinkError, LinkTimeoutError

T = TypeVar("T")

_BITS_A_BYTE = 10
"""8 data bits, a start and a stop bit."""

_KEPT_BYTES = 4096
"""What the kernel takes ahead of the line; it may take more only once nearly all of it is sent."""


class SerialPort:
    """A port for one client at a time.

    Args:
        port: path of the device, or a URL of pyserial's.
        baud_rate: bits a second.
        timeout_seconds: longest silence, and longest wait of a write beyond the line's own time.
        name: what messages call the device.

    Every method raises LinkError, and LinkTimeoutError where the device was silent too long.
    """

    def __init__(self, port: str, baud_rate: int, timeout_seconds: float, name: str) -> None:
        self.port = port
        self._baud_rate = baud_rate
        self._timeout = timeout_seconds
        self._name = name
        self._patience = timeout_seconds + self.line_seconds(_KEPT_BYTES)
        self._serial: serial.Serial | None = None
        self._line: Line | None = None

    @property
    def is_open(self) -> bool:
        """Whether `open` succeeded and `close` did not come yet."""
        return self._serial is not None

    def line_seconds(self, count: int) -> float:
        """How long so many bytes are on the line."""
        return count * _BITS_A_BYTE / self._baud_rate

    def open(self) -> None:
        """Opens the port for this client alone, and forgets what had come in."""
        self._serial = self._attempt("open", self._opened)
        self._line = self._attempt("open", lambda: line_of(self._usable))

    def close(self) -> None:
        """Closes the port; calling it again does nothing."""
        opened, self._serial, self._line = self._serial, None, None
        if opened is not None:
            self._attempt("close", opened.close)

    def write(self, data: bytes) -> None:
        """All of the bytes."""
        started = time.monotonic()
        try:
            self._open_line.write(data, self._patience)
        except Exception as error:
            raise self._fault(error, "write", started) from error

    def read(self, seconds: float) -> bytes:
        """What has come; b"" where nothing comes within `seconds`."""
        started = time.monotonic()
        try:
            return self._open_line.read(seconds)
        except Exception as error:
            raise self._fault(error, "read", started) from error

    def silence(self, started: float) -> LinkTimeoutError:
        """The error for an answer that did not come, awaited since `started` (monotonic)."""
        return self._timed_out("read", started)

    def forget_input(self) -> None:
        """Drops what has come and was not read."""
        self._attempt("flush", self._usable.reset_input_buffer)

    @property
    def _where(self) -> str:
        return place(self._name, self.port)

    @property
    def _usable(self) -> serial.Serial:
        if self._serial is None:
            raise LinkError(f"{self._where} is not open")
        return self._serial

    @property
    def _open_line(self) -> Line:
        if self._line is None:
            raise LinkError(f"{self._where} is not open")
        return self._line

    def _opened(self) -> serial.Serial:
        return serial.serial_for_url(
            self.port,
            baudrate=self._baud_rate,
            timeout=self._timeout,
            write_timeout=self._timeout,
            exclusive=True,
        )

    def _attempt(self, operation: str, act: Callable[[], T]) -> T:
        started = time.monotonic()
        try:
            return act()
        except Exception as error:
            raise self._fault(error, operation, started) from error

    def _timed_out(self, operation: str, started: float) -> LinkTimeoutError:
        return LinkTimeoutError(
            f"{self._where}: {operation} timed out after {time.monotonic() - started:.3g} s "
            f"(timeout_seconds: {self._timeout:g})"
        )

    def _fault(self, error: Exception, operation: str, started: float) -> LinkError | ChipBusyError:
        if isinstance(error, LinkError):
            return error
        if isinstance(error, TimeoutError | serial.SerialTimeoutException):
            return self._timed_out(operation, started)
        if "exclusively lock" in str(error):
            return ChipBusyError(
                f"{self._where} is in use by another program; a serial port serves one at a time. "
                "Close the other program"
            )
        # pyserial lets OSError, termios.error, ValueError and TypeError through beside its own.
        return LinkError(
            f"{self._where}: {operation} failed after {time.monotonic() - started:.3g} s: "
            f"{type(error).__name__}: {error}"
        )
