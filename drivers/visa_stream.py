"""Bytes through a VISA library's own `write` and `read`.

pyvisa's convenience methods search replies for terminations, which costs more than the exchange,
and stops at payload bytes.
"""

from __future__ import annotations

import time
from typing import Any, Protocol, cast

from pyvisa import constants
from pyvisa.resources import MessageBasedResource, SerialInstrument

from mgd_lab.errors import LinkError

_TERMCHAR = constants.ResourceAttribute.termchar
_SERIAL_END = constants.ResourceAttribute.asrl_end_in
_TERMCHAR_ENABLED = constants.ResourceAttribute.termchar_enabled


class Stream(Protocol):
    """Whole messages of bytes; any exception may come."""

    def write(self, data: bytes) -> None:
        """All of the bytes."""
        ...

    def read(self, count: int) -> bytes:
        """`count` bytes, or fewer where the message ended before."""
        ...

    def read_line(self, longest: int) -> bytes:
        """Up to a line feed, or `longest` bytes, or the end of the message."""
        ...


class NoStream:
    """Stands where no session is open."""

    def write(self, data: bytes) -> None:  # noqa: ARG002
        """LinkError."""
        raise LinkError("the session is not open")

    def read(self, count: int) -> bytes:  # noqa: ARG002
        """LinkError."""
        raise LinkError("the session is not open")

    def read_line(self, longest: int) -> bytes:  # noqa: ARG002
        """LinkError."""
        raise LinkError("the session is not open")


class _Library(Protocol):
    def read(self, session: Any, count: int) -> tuple[bytes, constants.StatusCode]: ...

    def write(self, session: Any, data: bytes) -> tuple[int, constants.StatusCode]: ...


class VisaStream:
    """A session of any VISA library."""

    def __init__(self, resource: MessageBasedResource, timeout_seconds: float) -> None:
        self._resource = resource
        self._timeout = timeout_seconds
        self._handle: Any = resource.session
        self._visa = cast("_Library", resource.visalib)
        # What ends a read of a serial line is an attribute of its own.
        self._is_serial = isinstance(resource, SerialInstrument)

    def write(self, data: bytes) -> None:
        """All of the bytes."""
        written, _ = self._visa.write(self._handle, data)
        if written != len(data):
            raise OSError(f"{written} of {len(data)} bytes were taken")

    def read(self, count: int) -> bytes:
        """`count` bytes, or fewer where the message ended before."""
        started = time.monotonic()
        data, status = self._visa.read(self._handle, count)
        while len(data) < count and data and status != constants.StatusCode.success:
            self._check_patience(started)
            more, status = self._visa.read(self._handle, count - len(data))
            if not more:
                break
            data = bytes(data) + more
        return bytes(data)

    def read_line(self, longest: int) -> bytes:
        """Up to a line feed, or `longest` bytes, or the end of the message."""
        started = time.monotonic()
        self._resource.set_visa_attribute(_TERMCHAR, 0x0A)
        self._end_at_line_feeds(True)
        line = b""
        while not line.endswith(b"\n") and len(line) < longest:
            part, status = self._visa.read(self._handle, longest - len(line))
            line += part
            if not part or status == constants.StatusCode.success:
                break
            self._check_patience(started)
        self._end_at_line_feeds(False)
        return line

    def _end_at_line_feeds(self, on: bool) -> None:
        self._resource.set_visa_attribute(
            _TERMCHAR_ENABLED, constants.VI_TRUE if on else constants.VI_FALSE
        )
        if self._is_serial:
            termination = constants.SerialTermination
            ends = termination.termination_char if on else termination.none
            self._resource.set_visa_attribute(_SERIAL_END, ends)

    def _check_patience(self, started: float) -> None:
        if time.monotonic() - started > self._timeout:
            raise TimeoutError("the reply came in pieces, too slowly")
