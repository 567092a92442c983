"""A pyvisa-sim library whose devices compute their replies, and take and give binary blocks.

pyvisa-sim answers from tables, one byte at a time, and takes no binary. Here a device core is
asked instead, and a session hands over as much of a reply as was asked for. A reply is computed
when its message is written, so what is not there when it is read never will be: the time-out is
reported at once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, SupportsInt
from uuid import uuid4

from pyvisa import constants, rname
from pyvisa.typing import VISARMSession, VISASession
from pyvisa_sim.devices import Device  # pyright: ignore[reportMissingTypeStubs]  # it has none
from pyvisa_sim.highlevel import SimVisaLibrary  # pyright: ignore[reportMissingTypeStubs]
from pyvisa_sim.sessions.session import (  # pyright: ignore[reportMissingTypeStubs]
    MessageBasedSession,
    Session,
)

from mgd_lab.errors import ConfigurationError, LinkError
from mgd_lab.wire import message_end


class DeviceCore(Protocol):
    """An instrument without a bus: one program message in, its response out."""

    def respond(self, message: bytes) -> bytes:
        """The response message, b"" where there is none."""
        ...

    def overrun(self, reason: str) -> None:
        """Told when input was dropped, because no message could be made of it."""
        ...


@dataclass(frozen=True)
class SimulatedInstrument:
    """What an entry point of the group `mgd_lab.simulated_instruments` names.

    Attributes:
        build: a driver's settings → the device core that stands behind its resource.
    """

    build: Callable[[Any], DeviceCore]


class ComputingDevice(Device):
    """A pyvisa-sim device that hands whole program messages to a core."""

    def __init__(self, core: DeviceCore) -> None:
        super().__init__("computing device", b"")
        for interface in _INTERFACES:
            self.add_eom(interface, "\n", "\n")
        self._core = core
        self._received = bytearray()
        self._replies = bytearray()

    def connect(self) -> None:
        """A new session begins with empty buffers, as a new connection does."""
        self._received.clear()
        self._replies.clear()

    def write(self, data: bytes) -> None:
        """Takes bytes; every program message that they complete is answered."""
        received = self._received
        received += data
        while received:
            try:
                end = message_end(received)
            except LinkError as error:
                received.clear()
                self._core.overrun(str(error))
                return
            if end is None:
                return
            message = bytes(memoryview(received)[:end])
            del received[:end]
            self._replies += self._core.respond(message)

    def read(self) -> tuple[bytes, bool]:
        """One byte of the reply, and whether it is the last."""
        byte = self.take(1)
        return byte, bool(byte) and not self._replies

    def take(self, count: int) -> bytes:
        """At most `count` bytes of what there is to read."""
        taken = bytes(memoryview(self._replies)[:count])
        del self._replies[:count]
        return taken

    def find(self, byte: int) -> int:
        """Bytes up to and with the first `byte`; 0 where there is none."""
        return self._replies.find(byte) + 1


class WholeReadSession(MessageBasedSession):
    """Reads what was asked for at once instead of byte by byte."""

    def __init__(self, opened: Session, device: ComputingDevice) -> None:
        self.session_type = opened.session_type
        self.parsed = opened.parsed
        self.attrs = opened.attrs
        self.device = device
        self._computing = device
        device.connect()

    def read(self, count: int) -> tuple[bytes, constants.StatusCode]:
        """At most `count` bytes, up to the termination character where that is enabled."""
        attrs, device = self.attrs, self._computing
        if attrs.get(_TERMCHAR_ENABLED):
            termination = attrs.get(constants.ResourceAttribute.termchar, 0x0A)
            line = device.find(int(termination))  # pyright: ignore[reportArgumentType]
            if 0 < line <= count:
                return device.take(line), _TERMCHAR_READ
        data = device.take(count)
        if len(data) == count:
            return data, _MAX_COUNT
        return data, _SUCCESS if data else _TIMEOUT

    def write(self, data: bytes) -> tuple[int, constants.StatusCode]:
        """Hands the bytes to the device as they are."""
        self._computing.write(data)
        return len(data), _SUCCESS


class ComputingLibrary(SimVisaLibrary):
    """pyvisa-sim's library with sessions of the kind above. Make it by `simulated_library`."""

    def open(
        self,
        session: VISARMSession,
        resource_name: str,
        access_mode: constants.AccessModes = constants.AccessModes.no_lock,
        open_timeout: SupportsInt = constants.VI_TMO_IMMEDIATE,
    ) -> tuple[VISASession, constants.StatusCode]:
        """As pyvisa-sim: an unknown resource opens without an error, as session 0."""
        handle, status = super().open(session, resource_name, access_mode, open_timeout)
        opened = self.sessions.get(handle)
        if opened is not None and isinstance(opened.device, ComputingDevice):
            self.sessions[handle] = WholeReadSession(opened, opened.device)
        return handle, status


def simulated_library(devices: Mapping[str, DeviceCore]) -> ComputingLibrary:
    """A new library with these devices and no others, to hand to `pyvisa.ResourceManager`.

    Args:
        devices: resource name → core.

    Raises:
        ConfigurationError: a resource name is none, or names an interface that is not simulated.
    """
    with tempfile.TemporaryDirectory() as folder:
        # pyvisa gives the same object again for the same path: a path that never comes back
        # keeps two libraries from sharing devices.
        definitions = Path(folder) / f"{uuid4().hex}.yaml"
        definitions.write_text('spec: "1.1"\ndevices: {}\nresources: {}\n', encoding="utf-8")
        library = ComputingLibrary(str(definitions))
    if not isinstance(library, ComputingLibrary):
        raise ConfigurationError("pyvisa-sim gave a library of another kind")
    for resource, core in devices.items():
        library.devices.add_device(_canonical(resource), ComputingDevice(core))
    return library


def _canonical(resource: str) -> str:
    try:
        parsed = rname.parse_resource_name(resource)
    except rname.InvalidResourceName as error:
        raise ConfigurationError(f"{resource!r} is no VISA resource name: {error}") from error
    if f"{parsed.interface_type} {parsed.resource_class}" not in _INTERFACES:
        raise ConfigurationError(
            f"{resource!r} cannot be simulated; resources of these kinds can: "
            f"{', '.join(sorted(_INTERFACES))}"
        )
    return rname.to_canonical_name(resource)


_INTERFACES = ("TCPIP SOCKET", "TCPIP INSTR", "USB INSTR", "USB RAW", "GPIB INSTR", "ASRL INSTR")
_TERMCHAR_ENABLED = constants.ResourceAttribute.termchar_enabled
_SUCCESS = constants.StatusCode.success
_TERMCHAR_READ = constants.StatusCode.success_termination_character_read
_MAX_COUNT = constants.StatusCode.success_max_count_read
_TIMEOUT = constants.StatusCode.error_timeout
