"""Bytes of an open serial port, each operation with a time-out.

pyserial asks the kernel three times for every read, and after every write waits until the line
takes more. Where a port has a descriptor, that is read and written directly; where it has none
(some of pyserial's URLs), pyserial is.
"""

from __future__ import annotations

import io
import os
import select
from typing import Protocol

import serial

_MOST_BYTES = 65536


class Line(Protocol):
    """Raises TimeoutError where bytes are not taken, and whatever the port raises."""

    def write(self, data: bytes, patience: float) -> None:
        """All of the bytes; TimeoutError where none is taken for `patience` seconds."""
        ...

    def read(self, seconds: float) -> bytes:
        """What has come; b"" where nothing comes within `seconds`."""
        ...


class DescriptorLine:
    """A port that the operating system knows by a descriptor, which does not block."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(descriptor, select.POLLIN)
        self._writable.register(descriptor, select.POLLOUT)

    def write(self, data: bytes, patience: float) -> None:
        """All of the bytes; TimeoutError where none is taken for `patience` seconds."""
        rest = memoryview(data)
        while rest := rest[self._taken(rest) :]:
            if not self._writable.poll(1000 * patience):
                raise TimeoutError("the line takes no bytes")

    def read(self, seconds: float) -> bytes:
        """What has come; b"" where nothing comes within `seconds`."""
        if not self._readable.poll(1000 * seconds):
            return b""
        data = os.read(self._descriptor, _MOST_BYTES)
        if not data:
            raise ConnectionAbortedError("the port is gone")
        return data

    def _taken(self, data: memoryview) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0


class PyserialLine:
    """Any port of pyserial's."""

    def __init__(self, port: serial.Serial) -> None:
        self._port = port

    def write(self, data: bytes, patience: float) -> None:
        """All of the bytes; TimeoutError where pyserial takes longer than `patience` seconds."""
        self._port.write_timeout = patience
        try:
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            raise TimeoutError("the line takes no bytes") from error

    def read(self, seconds: float) -> bytes:
        """What has come; b"" where nothing comes within `seconds`."""
        self._port.timeout = seconds
        return self._port.read(max(1, self._port.in_waiting))


def line_of(port: serial.Serial) -> Line:
    """The way to an open port."""
    try:
        return DescriptorLine(port.fileno())
    except (io.UnsupportedOperation, AttributeError):
        return PyserialLine(port)
