"""One VISA session: open, write, read, close, each with a time-out and our own errors.

Bytes go through the VISA library's own `write` and `read`: pyvisa's convenience methods search
replies for terminations, which costs more than the exchange, and stops at payload bytes.
"""

from __future__ import annotations

import socket
import time
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Protocol, cast

import pyvisa
from pyvisa import constants
from pyvisa.resources import MessageBasedResource, SerialInstrument

from mgd_lab.errors import ConfigurationError, LinkError, LinkTimeoutError

_LONGEST_LINE = 4096
_NO_SESSION = 0


class _ReadsAndWrites(Protocol):
    def read(self, session: Any, count: int) -> tuple[bytes, constants.StatusCode]: ...

    def write(self, session: Any, data: bytes) -> tuple[int, constants.StatusCode]: ...


class _Closed:
    """Stands in for the VISA library while no session is open: handles may be used again."""

    def read(self, session: Any, count: int) -> tuple[bytes, constants.StatusCode]:  # noqa: ARG002
        raise LinkError("the session is not open")

    def write(self, session: Any, data: bytes) -> tuple[int, constants.StatusCode]:  # noqa: ARG002
        raise LinkError("the session is not open")


class VisaSession:
    """A session with one resource.

    Args:
        library: what `pyvisa.ResourceManager` takes: a name such as "@py", or a library object.
        resource: VISA resource name.
        timeout_seconds: of every operation. (pyvisa-py's sockets do not end a write by it.)
        name: what messages call the device.

    Every method raises LinkError, and LinkTimeoutError where the device was silent too long.
    """

    def __init__(self, library: Any, resource: str, timeout_seconds: float, name: str) -> None:
        self._library = library
        self._resource_name = resource
        self._timeout = timeout_seconds
        self._name = name
        self._resource: MessageBasedResource | None = None
        self._manager: pyvisa.ResourceManager | None = None
        self._quiet = ExitStack()
        self._visa: _ReadsAndWrites = _Closed()
        self._handle: Any = _NO_SESSION

    def open(self) -> None:
        """Opens the session; ConfigurationError where there is no such VISA library."""
        try:
            self._manager = pyvisa.ResourceManager(self._library)
        except Exception as error:
            raise ConfigurationError(
                f"{self._name}: the VISA library {self._library!r} cannot be used: {error}"
            ) from error
        started = time.monotonic()
        try:
            resource = self._manager.open_resource(
                self._resource_name, open_timeout=self._milliseconds
            )
            if isinstance(resource, MessageBasedResource):
                self._resource = resource
                self._set_up(resource)
            else:
                resource.close()
        except Exception as error:
            raise self._fault(error, "open", started) from error
        if self._resource is None:
            raise ConfigurationError(
                f"{self._name}: the resource {self._resource_name!r} takes no messages"
            )
        # pyvisa-sim opens a resource that it does not have as session 0, without an error.
        if self._handle == _NO_SESSION:
            raise self.no_answer()

    def write(self, data: bytes) -> None:
        """Sends the bytes as they are."""
        started = time.monotonic()
        try:
            written, _ = self._visa.write(self._handle, data)
        except Exception as error:
            raise self._fault(error, "write", started) from error
        if written != len(data):
            raise LinkError(
                f"{self._where}: {written} of {len(data)} bytes were taken in "
                f"{time.monotonic() - started:.3g} s"
            )

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes, of any value."""
        started = time.monotonic()
        data = b""
        try:
            data, status = self._visa.read(self._handle, count)
            if len(data) == count:
                return bytes(data)
            while len(data) < count and data and status != constants.StatusCode.success:
                self._check_patience(started)
                more, status = self._visa.read(self._handle, count - len(data))
                if not more:
                    break
                data = bytes(data) + more
        except Exception as error:
            raise self._fault(error, "read", started) from error
        if len(data) != count:
            raise LinkError(
                f"{self._where}: a reply of {count} bytes was expected; it ended after "
                f"{len(data)} bytes and {time.monotonic() - started:.3g} s: {bytes(data[:40])!r}"
            )
        return bytes(data)

    def read_line(self) -> bytes:
        """A line of text without its line feed; b"" where nothing answers."""
        resource, started = self._opened, time.monotonic()
        enabled = constants.ResourceAttribute.termchar_enabled
        line = b""
        try:
            resource.set_visa_attribute(constants.ResourceAttribute.termchar, 0x0A)
            resource.set_visa_attribute(enabled, constants.VI_TRUE)
            while not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
                part, status = self._visa.read(self._handle, _LONGEST_LINE - len(line))
                line += part
                if not part or status == constants.StatusCode.success:
                    break
                self._check_patience(started)
            resource.set_visa_attribute(enabled, constants.VI_FALSE)
        except Exception as error:
            raise self._fault(error, "read", started) from error
        return line.removesuffix(b"\n").removesuffix(b"\r")

    def close(self) -> None:
        """Closes the session; calling it again does nothing."""
        resource, self._resource = self._resource, None
        self._visa, self._handle = _Closed(), _NO_SESSION
        if resource is None:
            return
        started = time.monotonic()
        try:
            # The manager is shared by all who use the library, so it stays open.
            self._quiet.close()
            resource.close()
        except Exception as error:
            raise self._fault(error, "close", started) from error

    def no_answer(self) -> LinkError:
        """The error for a resource behind which nothing is, naming those that there are."""
        return LinkError(
            f"{self._name}: no answer from {self._resource_name!r}; resources that this library "
            f"has: {self._resources()}. Check the key resource and the cable"
        )

    @property
    def _milliseconds(self) -> int:
        return max(1, round(self._timeout * 1000))

    @property
    def _where(self) -> str:
        return f"{self._name} ({self._resource_name})"

    @property
    def _opened(self) -> MessageBasedResource:
        if self._resource is None:
            raise LinkError(f"{self._where} is not open")
        return self._resource

    def _set_up(self, resource: MessageBasedResource) -> None:
        self._handle = resource.session
        self._visa = cast("_ReadsAndWrites", resource.visalib)
        if self._handle == _NO_SESSION:
            return
        resource.timeout = self._milliseconds
        resource.set_visa_attribute(
            constants.ResourceAttribute.termchar_enabled, constants.VI_FALSE
        )
        if isinstance(resource, SerialInstrument):
            resource.end_input = constants.SerialTermination.none
        quiet = resource.ignore_warning(  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]  # pyvisa's annotation is bare
            constants.StatusCode.success_max_count_read,
            constants.StatusCode.success_device_not_present,
        )
        self._quiet.enter_context(cast("AbstractContextManager[Any]", quiet))
        _send_at_once(resource)

    def _resources(self) -> str:
        if self._manager is None:
            return "none"
        try:
            found = self._manager.list_resources("?*")
        except Exception as error:  # noqa: BLE001 (the message says what failed)
            return f"none ({error})"
        return ", ".join(found) or "none"

    def _check_patience(self, started: float) -> None:
        if time.monotonic() - started > self._timeout:
            raise TimeoutError("the reply came in pieces, too slowly")

    def _fault(self, error: Exception, operation: str, started: float) -> Exception:
        if isinstance(error, LinkError | ConfigurationError):
            return error
        elapsed = time.monotonic() - started
        code = getattr(error, "error_code", None)
        if code == constants.StatusCode.error_resource_not_found:
            return self.no_answer()
        if code == constants.StatusCode.error_timeout or isinstance(error, TimeoutError):
            return LinkTimeoutError(
                f"{self._where}: {operation} timed out after {elapsed:.3g} s "
                f"(timeout_seconds: {self._timeout:g})"
            )
        return LinkError(
            f"{self._where}: {operation} failed after {elapsed:.3g} s: "
            f"{type(error).__name__}: {error}"
        )


def _send_at_once(resource: MessageBasedResource) -> None:
    # pyvisa-py leaves Nagle's algorithm on, and its attribute for it raises: a block that goes
    # out in two pieces would wait 40 ms for the peer's delayed acknowledgement.
    sessions: dict[Any, Any] = getattr(resource.visalib, "sessions", {})
    interface = getattr(sessions.get(resource.session), "interface", None)
    if isinstance(interface, socket.socket) and interface.type == socket.SOCK_STREAM:
        interface.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
