"""A chip behind SCPI: the bytes of a program message in, the bytes of its response out."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Protocol

from mgd_lab.chip import Chip
from mgd_lab.errors import ConfigurationError, LimitError, LinkError, MgdLabError
from mgd_lab.experiment.emulation import EmulationSettings, NetworkSettings
from mgd_lab.experiment.imperfections import Imperfections
from mgd_lab.version import __version__
from mgd_lab.wire import (
    LARGEST_BLOCK_BYTES,
    Command,
    Header,
    Status,
    encode_block,
    encode_description,
    encode_indefinite_block,
    parse_message,
)
from sim_instruments.emulated import EmulatedChip, emulated_chip
from sim_instruments.imperfections.signal_path import told
from sim_instruments.power import abandon, restart
from sim_instruments.scpi_exchange import TrainingRequests
from sim_instruments.scpi_numbers import register_value
from sim_instruments.scpi_status import StatusRegisters
from sim_instruments.visa_library import SimulatedInstrument
from sim_instruments.watchdog import HostWatch

_SCPI_VERSION = b"1999.0"
_INDEFINITE = (b"IND", b"INDEFINITE")
_DEFINITE = (b"DEF", b"DEFINITE")


class ScpiChipDevice:
    """A device core: no I/O, no clock. What it speaks is in `docs/protocol-scpi.md`.

    Args:
        chip: what computes or measures; it may lack any of the capabilities.
        model, serial, firmware: fields of `*IDN?`.
        epoch: session epoch, u32; drawn by the operating system where None.
    """

    def __init__(
        self,
        chip: Chip,
        *,
        model: str = "emulated chip",
        serial: str = "0",
        firmware: str = __version__,
        epoch: int | None = None,
    ) -> None:
        self._chip = chip
        fields = ("MGD Lab", model, serial, firmware)
        self._identity = ",".join(_plain(field) for field in fields).encode("ascii", "replace")
        self._given_epoch = epoch
        self._lock = threading.Lock()
        self.watch = HostWatch()
        self._start()

    def power_on(self) -> None:
        """As if the power had been switched off and on: a new epoch, nothing set up."""
        with self._lock:
            self._start()
            self._attempt(restart)

    def abandon(self, is_lost: Callable[[], bool]) -> None:
        """Makes the chip safe and powers on anew, if it is so when the request at work is done."""
        with self._lock:
            if is_lost():
                self._start()
                self._attempt(abandon)

    def _start(self) -> None:
        self.watch.set(0)
        drawn = int.from_bytes(os.urandom(4), "little")
        self._epoch = drawn if self._given_epoch is None else self._given_epoch
        self._status = status = StatusRegisters()
        self._requests = TrainingRequests(self._chip, self._epoch, status.report, self.watch.set)
        self._queries: dict[Header, Callable[[], bytes]] = {
            Header.IDENTITY: lambda: self._identity,
            Header.OPERATION_COMPLETE: lambda: b"1",
            Header.SELF_TEST: lambda: b"0",
            Header.EVENT_STATUS: lambda: b"%d" % status.take_events(),
            Header.EVENT_ENABLE_QUERY: lambda: b"%d" % status.event_enable,
            Header.SERVICE_ENABLE_QUERY: lambda: b"%d" % status.service_enable,
            Header.NEXT_ERROR: status.errors.next,
            Header.ERROR_COUNT: lambda: b"%d" % len(status.errors),
            Header.VERSION: lambda: _SCPI_VERSION,
            Header.EPOCH: lambda: b"%d" % self._epoch,
        }

    def respond(self, message: bytes) -> bytes:
        """One program message → its response message, line feed included; b"" where none."""
        with self._lock:
            return self._respond(message)

    def _respond(self, message: bytes) -> bytes:
        try:
            commands = parse_message(message)
        except LinkError as error:
            self.report(Status.SYNTAX_ERROR, str(error))
            return b""
        responses: list[bytes] = []
        left, ended_by = LARGEST_BLOCK_BYTES, b""
        for command in commands:
            if ended_by and command.spelling.endswith(b"?"):
                words = f"{command.spelling[:60].decode('ascii')} after {ended_by.decode('ascii')}"
                self.report(Status.QUERY_AFTER_INDEFINITE, words)
                break
            response = self._carry_out(command, message_available=bool(responses))
            if not response:
                continue
            left -= len(response)
            if left < 0:
                self.report(Status.QUERY_DEADLOCKED, "the responses of one message are too long")
                return b""
            responses.append(response)
            # Nothing can follow what only the end of the response ends.
            if command.header is Header.IDENTITY or response.startswith(b"#0"):
                ended_by = command.spelling
        return b";".join(responses) + b"\n" if responses else b""

    def overrun(self, reason: str) -> None:
        """What arrived could not be taken in as a message, and was dropped."""
        self.report(Status.TOO_MUCH_DATA, reason)

    def report(self, status: Status, reason: str = "") -> None:
        """An error that the way to the device has found, such as an interrupted query."""
        self._status.report(status, reason)

    def status_byte(self, *, message_available: bool) -> int:
        """The status byte, for a serial poll."""
        return self._status.status_byte(message_available=message_available)

    def _carry_out(self, command: Command, *, message_available: bool) -> bytes:
        match command.header:
            case Header.EXCHANGE:
                if command.block is None:
                    return self._refuse(Status.MISSING_PARAMETER, "EXCHange? takes a block")
                return encode_block(self._requests.answer(command.block))
            case Header.EVENT_ENABLE | Header.SERVICE_ENABLE:
                return self._enable(command.header, command)
            case Header.DESCRIPTION:
                return self._description(command)
            case None:
                return self._refuse(Status.UNDEFINED_HEADER, command.spelling[:60].decode("ascii"))
            case header if command.argument or command.block is not None:
                return self._refuse(Status.PARAMETER_NOT_ALLOWED, header.value)
            case Header.STATUS_BYTE:
                return b"%d" % self.status_byte(message_available=message_available)
            case header:
                return self._queries[header]() if header in self._queries else self._act(header)

    def _act(self, header: Header) -> bytes:
        match header:
            case Header.CLEAR:
                self._status.clear()
            case Header.OPERATION_COMPLETE_EVENT:
                self._status.operation_complete()
            case Header.RESET:
                self._reset()
            case _:
                pass  # *WAI: commands are carried out one after another anyway
        return b""

    def _enable(self, header: Header, command: Command) -> bytes:
        if command.block is not None:
            return self._refuse(Status.DATA_TYPE_ERROR, f"{header.value} takes a number")
        if not command.argument:
            return self._refuse(Status.MISSING_PARAMETER, f"{header.value} takes a number")
        if b"," in command.argument:
            return self._refuse(Status.PARAMETER_NOT_ALLOWED, f"{header.value} takes one number")
        try:
            value = register_value(command.argument)
        except ConfigurationError as error:
            return self._refuse(Status.DATA_TYPE_ERROR, f"{header.value}: {error}")
        except LimitError as error:
            return self._refuse(Status.DATA_OUT_OF_RANGE, f"{header.value}: {error}")
        if header is Header.EVENT_ENABLE:
            self._status.event_enable = value
        else:
            self._status.service_enable = value
        return b""

    def _description(self, command: Command) -> bytes:
        form = command.argument.upper()
        if command.block is not None or form not in (b"", *_INDEFINITE, *_DEFINITE):
            return self._refuse(
                Status.PARAMETER_NOT_ALLOWED, f"{command.spelling[:60].decode('ascii')} takes "
                "DEFinite, INDefinite or nothing",
            )  # fmt: skip
        data = encode_description(self._chip.description)
        return encode_indefinite_block(data) if form in _INDEFINITE else encode_block(data)

    def _refuse(self, status: Status, reason: str) -> bytes:
        self.report(status, reason)
        return b""

    def _reset(self) -> None:
        self._requests.reset()
        self._attempt(restart)

    def _attempt(self, act: Callable[[Chip], None]) -> None:
        try:
            act(self._chip)
        except MgdLabError as error:
            self.report(Status.HARDWARE_ERROR, str(error))


class EmulationKeys(Protocol):
    """What a driver's settings say about the chip to emulate."""

    @property
    def driver(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def network(self) -> NetworkSettings | None: ...
    @property
    def imperfections(self) -> Imperfections | None: ...
    @property
    def seed(self) -> int: ...


_KEYS = (
    "precision",
    "engine",
    "device",
    "probes_together",
    "imperfections",
    "seed",
    "latency_seconds",
    "record_extremes",
)


def chip_behind(settings: EmulationKeys) -> EmulatedChip:
    """The emulated chip that a chip file describes; ConfigurationError where it describes none."""
    if settings.network is None:
        raise ConfigurationError(
            f"the chip file of the driver {settings.driver} does not say what is emulated: it "
            "needs the key network, for example network: {kind: mlp, layers: [2, 2, 1]}"
        )
    keys: dict[str, Any] = {key: getattr(settings, key) for key in _KEYS}
    return emulated_chip(EmulationSettings(network=settings.network, **keys), settings.name)


def device_of(chip: Chip, settings: EmulationKeys) -> ScpiChipDevice:
    """The chip behind SCPI, under the name that its chip file gives."""
    return ScpiChipDevice(
        chip, model=model_of(settings), serial=settings.name or str(settings.seed)
    )


def model_of(settings: EmulationKeys) -> str:
    """How the chip tells its model over a wire."""
    return "emulated chip" + told(settings.imperfections, settings.seed)


def _build(settings: EmulationKeys) -> ScpiChipDevice:
    return device_of(chip_behind(settings), settings)


def _plain(field: str) -> str:
    return field.replace(",", " ").replace(";", " ").replace("\n", " ")


INSTRUMENT = SimulatedInstrument(build=_build)
