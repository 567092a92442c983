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
from typing import Any, SupportsInt
from uuid import uuid4

from pyvisa import constants, rname
from pyvisa.typing import VISARMSession, VISASession
from pyvisa_sim.devices import Device  # pyright: ignore[reportMissingTypeStubs]  # it has none
from pyvisa_sim.highlevel import SimVisaLibrary  # pyright: ignore[reportMissingTypeStubs]
from pyvisa_sim.sessions.session import (  # pyright: ignore[reportMissingTypeStubs]
    MessageBasedSession,
    Session,
)

from mgd_lab.errors import ConfigurationError
from sim_instruments.message_exchange import (
    CarriedExchange,
    DeviceCore,
    MessageExchange,
    PolledCore,
)


@dataclass(frozen=True)
class SimulatedInstrument:
    """What an entry point of the group `mgd_lab.simulated_instruments` names.

    Attributes:
        build: a driver's settings → the device core that stands behind its resource.
    """

    build: Callable[[Any], DeviceCore]


class ComputingDevice(Device):
    """A pyvisa-sim device that hands whole program messages to a core.

    Args:
        core: the instrument.
        carried: responses go out as soon as they are made, as on sockets and serial lines;
            otherwise the device waits to be read, and notices when it is not.
    """

    def __init__(self, core: DeviceCore, *, carried: bool = True) -> None:
        super().__init__("computing device", b"")
        for interface in _INTERFACES:
            self.add_eom(interface, "\n", "\n")
        if carried or not isinstance(core, PolledCore):
            self.exchange = CarriedExchange(core)
        else:
            self.exchange = MessageExchange(core)

    def connect(self) -> None:
        """A new session begins with empty buffers, as a new connection does."""
        self.exchange.clear()

    def write(self, data: bytes) -> None:
        """Takes bytes; every program message that they complete is answered."""
        self.exchange.write(data)

    def read(self) -> tuple[bytes, bool]:
        """One byte of the reply, and whether it is the last."""
        byte = self.take(1)
        return byte, bool(byte) and not self.exchange.message_available

    def take(self, count: int) -> bytes:
        """At most `count` bytes of what there is to read."""
        return self.exchange.read(count)

    def find(self, byte: int) -> int:
        """Bytes up to and with the first `byte`; 0 where there is none."""
        return self.exchange.peek().find(byte) + 1


class WholeReadSession(MessageBasedSession):
    """Reads what was asked for at once instead of byte by byte."""

    def __init__(self, opened: Session, device: ComputingDevice) -> None:
        self.session_type = opened.session_type
        self.parsed = opened.parsed
        self.attrs = opened.attrs
        self.device = device
        self.computing = device
        device.connect()

    def read(self, count: int) -> tuple[bytes, constants.StatusCode]:
        """At most `count` bytes, up to the termination character where that is enabled."""
        attrs, device = self.attrs, self.computing
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
        self.computing.write(data)
        return len(data), _SUCCESS


__all__ = [
    "ComputingDevice",
    "ComputingLibrary",
    "DeviceCore",
    "SimulatedInstrument",
    "simulated_library",
]


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

    def read_stb(self, session: VISASession) -> tuple[int, constants.StatusCode]:
        """The status byte, where the device is one that is polled."""
        exchange = self._exchange(session)
        if not isinstance(exchange, MessageExchange):
            return 0, self.handle_return_value(session, _NOT_SUPPORTED)
        return exchange.status_byte, self.handle_return_value(session, _SUCCESS)

    def clear(self, session: VISASession) -> constants.StatusCode:
        """Device clear: input buffer and output queue are empty afterwards."""
        exchange = self._exchange(session)
        if exchange is None:
            return self.handle_return_value(session, _NOT_SUPPORTED)
        exchange.clear()
        return self.handle_return_value(session, _SUCCESS)

    def _exchange(self, session: VISASession) -> MessageExchange | CarriedExchange | None:
        opened = self.sessions.get(session)
        return opened.computing.exchange if isinstance(opened, WholeReadSession) else None


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
        name = _canonical(resource)
        carried = name.startswith("ASRL") or name.endswith("SOCKET")
        library.devices.add_device(name, ComputingDevice(core, carried=carried))
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
_NOT_SUPPORTED = constants.StatusCode.error_nonsupported_operation
_SUCCESS = constants.StatusCode.success
_TERMCHAR_READ = constants.StatusCode.success_termination_character_read
_MAX_COUNT = constants.StatusCode.success_max_count_read
_TIMEOUT = constants.StatusCode.error_timeout
