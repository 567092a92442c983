"""One VISA session: open, write, read, close, each with a time-out and our own errors."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar, cast

import pyvisa
from pyvisa import constants
from pyvisa.resources import MessageBasedResource, SerialInstrument

from drivers.direct_socket import DirectSocket, closing_socket
from drivers.failed_opening import close_forgotten, root
from drivers.link import place
from drivers.visa_stream import NoStream, Stream, VisaStream
from mgd_lab.errors import ChipBusyError, ConfigurationError, LinkError, LinkTimeoutError

T = TypeVar("T")

_NOTICEABLE_SECONDS = 0.001
_LONGEST_LINE = 4096
_NO_SESSION = 0
_FATAL = "FatalError"


class VisaSession:
    """A session with one resource.

    Args:
        library: what `pyvisa.ResourceManager` takes: a name such as "@py", or a library object.
        resource: VISA resource name.
        timeout_seconds: of every operation.
        name: what messages call the device.

    Every method raises LinkError, and LinkTimeoutError where the device was silent too long.
    """

    def __init__(self, library: Any, resource: str, timeout_seconds: float, name: str) -> None:
        self._library = library
        self.resource_name = resource
        self._timeout = timeout_seconds
        self._name = name
        self._resource: MessageBasedResource | None = None
        self._manager: pyvisa.ResourceManager | None = None
        self._quiet = ExitStack()
        self._stream: Stream = NoStream()
        self._has_answered = False
        self._found: str | None = None

    def open(self) -> None:
        """Opens the session; ConfigurationError where there is no such VISA library."""
        try:
            self._manager = pyvisa.ResourceManager(self._library)
        except Exception as error:
            raise ConfigurationError(
                f"{self._name}: the VISA library {self._library!r} cannot be used: {error}"
            ) from error
        self._attempt("open", self._open_resource)
        if self._resource is None:
            raise ConfigurationError(
                f"{self._name}: the resource {self.resource_name!r} takes no messages"
            )
        # pyvisa-sim opens a resource that it does not have as session 0, without an error.
        if self._resource.session == _NO_SESSION:
            raise self.no_answer()

    def write(self, data: bytes) -> None:
        """Sends the bytes as they are."""
        started = time.monotonic()
        try:
            self._stream.write(data)
        except Exception as error:
            raise self._fault(error, "write", started) from error

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes, of any value."""
        started = time.monotonic()
        try:
            data = self._stream.read(count)
        except Exception as error:
            raise self._fault(error, "read", started) from error
        if len(data) != count:
            raise LinkError(
                f"{self._where}: a reply of {count} bytes was expected; it ended after "
                f"{len(data)} bytes and {time.monotonic() - started:.3g} s: {data[:40]!r}"
            )
        return data

    def read_line(self) -> bytes:
        """A line of text without its line feed; b"" where nothing answers."""
        line = self._attempt("read", lambda: self._stream.read_line(_LONGEST_LINE))
        self._has_answered = self._has_answered or bool(line)
        return line.removesuffix(b"\n").removesuffix(b"\r")

    def close(self) -> None:
        """Closes the session; calling it again does nothing."""
        resource, self._resource = self._resource, None
        self._stream = NoStream()
        if resource is not None:
            # The manager is shared by all who use the library, so it stays open.
            self._quiet.close()
            self._attempt("close", resource.close)

    def no_answer(self) -> LinkError:
        """The error for a resource behind which nothing is, naming those that there are."""
        if self._has_answered:
            # Looking around takes seconds, and the resource is known to be right.
            return LinkError(f"{self._where}: no answer any more. Check cable and power")
        return LinkError(
            f"{self._where}: no answer; resources that this library has: {self._resources()}. "
            "Check the key resource and the cable"
        )

    def _not_opened(self, reason: BaseException) -> LinkError | ChipBusyError:
        if isinstance(reason, TimeoutError):
            return LinkTimeoutError(f"{self._where}: no answer: {reason}")
        # The words of a HiSLIP server that has a client already; its code is not passed on.
        if _FATAL in str(reason) and "in use" in str(reason):
            words = str(reason).partition(_FATAL)[2].lstrip(": ")
            return ChipBusyError(f"{self._where} cannot be used: {words}")
        return LinkError(
            f"{self._where}: no answer: {type(reason).__name__}: {reason}. Check the key resource, "
            "and whether the device is on and used by nobody else"
        )

    @property
    def _where(self) -> str:
        return place(self._name, self.resource_name)

    def _open_resource(self) -> None:
        if self._manager is None:
            raise LinkError("there is no VISA library")
        milliseconds = max(1, round(self._timeout * 1000))
        opened = self._manager.open_resource(self.resource_name, open_timeout=milliseconds)
        if not isinstance(opened, MessageBasedResource):
            opened.close()
            return
        self._resource = opened
        if opened.session == _NO_SESSION:
            return
        opened.timeout = milliseconds
        opened.set_visa_attribute(constants.ResourceAttribute.termchar_enabled, constants.VI_FALSE)
        if isinstance(opened, SerialInstrument):
            opened.end_input = constants.SerialTermination.none
        quiet = opened.ignore_warning(  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]  # pyvisa's annotation is bare
            constants.StatusCode.success_max_count_read,
            constants.StatusCode.success_device_not_present,
        )
        self._quiet.enter_context(cast("AbstractContextManager[Any]", quiet))
        self._stream = _stream(opened, self._timeout)

    def _resources(self) -> str:
        if self._found is None and self._manager is not None:
            try:
                self._found = ", ".join(self._manager.list_resources("?*"))
            except Exception as error:  # noqa: BLE001 (the message says what failed)
                self._found = f"none ({error})"
        return self._found or "none"

    def _attempt(self, operation: str, act: Callable[[], T]) -> T:
        started = time.monotonic()
        try:
            return act()
        except Exception as error:
            raise self._fault(error, operation, started) from error

    def _fault(self, error: Exception, operation: str, started: float) -> Exception:
        if isinstance(error, LinkError | ConfigurationError):
            return error
        elapsed = time.monotonic() - started
        code = getattr(error, "error_code", None)
        if code == constants.StatusCode.error_resource_not_found:
            close_forgotten(error)
            reason = root(error)
            return self.no_answer() if reason is error else self._not_opened(reason)
        if code == constants.StatusCode.error_timeout or isinstance(error, TimeoutError):
            # A simulated library, whose devices answer at once or never, does not wait.
            took = f" after {elapsed:.3g} s" if elapsed >= _NOTICEABLE_SECONDS else ""
            return LinkTimeoutError(
                f"{self._where}: {operation} timed out{took} (timeout_seconds: {self._timeout:g})"
            )
        return LinkError(
            f"{self._where}: {operation} failed after {elapsed:.3g} s: "
            f"{type(error).__name__}: {error}"
        )


def _stream(resource: MessageBasedResource, timeout_seconds: float) -> Stream:
    """The socket of a pyvisa-py session where there is one, otherwise the library itself."""
    sessions: dict[Any, Any] = getattr(resource.visalib, "sessions", {})
    interface: Any = getattr(sessions.get(resource.session), "interface", None)
    synchronous: Any = getattr(interface, "_sync", None)
    if isinstance(synchronous, socket.socket):
        interface._sync = closing_socket(synchronous)
    if isinstance(interface, socket.socket) and interface.type == socket.SOCK_STREAM:
        return DirectSocket(interface, timeout_seconds)
    return VisaStream(resource, timeout_seconds)
