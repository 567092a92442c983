"""Message exchange of a device that is read on demand (IEEE 488.2, section 6).

On GPIB, USB, VXI-11 and HiSLIP a device knows whether its response was read. A new message before
that interrupts the query (−410); a read without a query finds it unterminated (−420). Sockets and
serial lines carry responses away as soon as they are made, and know neither.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from mgd_lab.errors import LinkError
from mgd_lab.wire import MessageStream, Status


class DeviceCore(Protocol):
    """An instrument without a bus: one program message in, its response out."""

    def respond(self, message: bytes) -> bytes:
        """The response message, b"" where there is none."""
        ...

    def overrun(self, reason: str) -> None:
        """Told when input was dropped, because no message could be made of it."""
        ...


@runtime_checkable
class PolledCore(DeviceCore, Protocol):
    """One that has a status byte, and is told what went wrong between messages."""

    def report(self, status: Status, reason: str = "") -> None:
        """An error that the way to the device has found."""
        ...

    def status_byte(self, *, message_available: bool) -> int:
        """The status byte."""
        ...


class CarriedExchange:
    """Input buffer before a device core whose responses are carried away as they are made."""

    def __init__(self, core: DeviceCore) -> None:
        self._core = core
        self._input = MessageStream()
        self._output = bytearray()

    @property
    def message_available(self) -> bool:
        """Whether there is anything to read."""
        return bool(self._output)

    def write(self, data: bytes) -> None:
        """Takes bytes; every message that they complete is answered."""
        self._input.feed(data)
        while True:
            try:
                message = self._input.take()
            except LinkError as error:
                self._core.overrun(str(error))
                continue
            if message is None:
                return
            self._output += self._core.respond(message)

    def peek(self) -> bytearray:
        """What there is to read."""
        return self._output

    def read(self, count: int) -> bytes:
        """At most `count` bytes."""
        taken = bytes(memoryview(self._output)[:count])
        del self._output[:count]
        return taken

    def clear(self) -> None:
        """Both buffers are empty."""
        self._input.clear()
        self._output.clear()


class MessageExchange:
    """Input buffer and output queue before a device core."""

    def __init__(self, core: PolledCore, *, has_end: bool = False) -> None:
        self._core = core
        self._input = MessageStream(has_end=has_end)
        self._output = b""

    @property
    def message_available(self) -> bool:
        """Whether a response waits to be read."""
        return bool(self._output)

    @property
    def status_byte(self) -> int:
        """The device's status byte."""
        return self._core.status_byte(message_available=bool(self._output))

    def write(self, data: bytes, *, end: bool = False) -> bool:
        """Takes bytes, `end` with the last; whether a response that nobody read was dropped."""
        interrupted = self.interrupt()
        self._input.feed(data)
        if end:
            self._input.end()
        while True:
            try:
                message = self._input.take()
            except LinkError as error:
                self._core.overrun(str(error))
                continue
            if message is None:
                return interrupted
            interrupted |= self.interrupt()
            self._output = self._core.respond(message)

    def interrupt(self) -> bool:
        """A new message comes: drops a response that nobody read; whether there was one."""
        if not self._output:
            return False
        self._core.report(Status.QUERY_INTERRUPTED)
        self._output = b""
        return True

    def peek(self) -> bytes:
        """The response that waits, b"" where there is none."""
        return self._output

    def read(self, count: int) -> bytes:
        """At most `count` bytes of the response; b"" where there is none, which is an error."""
        if not self._output:
            self._core.report(Status.QUERY_UNTERMINATED)
        taken, self._output = self._output[:count], self._output[count:]
        return taken

    def delivered(self) -> None:
        """The whole response has been read."""
        self._output = b""

    def clear(self) -> None:
        """Device clear: both buffers are empty."""
        self._input.clear()
        self._output = b""
