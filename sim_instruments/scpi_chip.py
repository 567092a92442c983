"""A chip behind SCPI: the bytes of a program message in, the bytes of its response out."""

from __future__ import annotations

import os
from typing import Any, Protocol

from mgd_lab.chip import Chip, HoldsParameters
from mgd_lab.errors import ConfigurationError, LinkError
from mgd_lab.experiment.emulation import EmulationSettings, NetworkSettings
from mgd_lab.version import __version__
from mgd_lab.wire import (
    Command,
    Header,
    Status,
    encode_block,
    encode_description,
    parse_message,
)
from sim_instruments.emulated import emulated_chip
from sim_instruments.scpi_errors import ErrorQueue
from sim_instruments.scpi_exchange import TrainingRequests
from sim_instruments.visa_library import SimulatedInstrument


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
        self._epoch = int.from_bytes(os.urandom(4), "little") if epoch is None else epoch
        self._errors = ErrorQueue()
        self._requests = TrainingRequests(chip, self._epoch, self._errors.report)

    def respond(self, message: bytes) -> bytes:
        """One program message → its response message, line feed included; b"" where none."""
        try:
            commands = parse_message(message)
        except LinkError as error:
            self._errors.report(Status.SYNTAX_ERROR, str(error))
            return b""
        responses = [response for command in commands if (response := self._carry_out(command))]
        return b";".join(responses) + b"\n" if responses else b""

    def overrun(self, reason: str) -> None:
        """What arrived could not be taken in as a message, and was dropped."""
        self._errors.report(Status.TOO_MUCH_DATA, reason)

    def _carry_out(self, command: Command) -> bytes:
        if command.header is Header.EXCHANGE:
            if command.block is None:
                self._errors.report(Status.MISSING_PARAMETER, "EXCHange? takes a block")
                return b""
            return encode_block(self._requests.answer(command.block))
        if command.header is None:
            self._errors.report(Status.UNDEFINED_HEADER, command.spelling[:60].decode("ascii"))
            return b""
        if command.argument or command.block is not None:
            self._errors.report(Status.PARAMETER_NOT_ALLOWED, command.header.value)
            return b""
        return self._answer_text(command.header)

    def _answer_text(self, header: Header) -> bytes:
        match header:
            case Header.IDENTITY:
                return self._identity
            case Header.NEXT_ERROR:
                return self._errors.next()
            case Header.EPOCH:
                return b"%d" % self._epoch
            case Header.DESCRIPTION:
                return encode_block(encode_description(self._chip.description))
            case Header.OPERATION_COMPLETE:
                return b"1"
            case Header.EVENT_STATUS:
                return b"%d" % self._errors.take_events()
            case Header.CLEAR:
                self._errors.clear()
            case Header.RESET:
                self._reset()
            case Header.EXCHANGE:
                raise ConfigurationError("EXCHange? is answered with a block")
        return b""

    def _reset(self) -> None:
        self._requests.reset()
        if isinstance(self._chip, HoldsParameters):
            self._chip.write_parameters(self._chip.description.safe)


class EmulationKeys(Protocol):
    """What a driver's settings say about the chip to emulate."""

    @property
    def name(self) -> str: ...
    @property
    def network(self) -> NetworkSettings | None: ...
    @property
    def seed(self) -> int: ...


_KEYS = ("precision", "engine", "seed", "latency_seconds")


def _build(settings: EmulationKeys) -> ScpiChipDevice:
    if settings.network is None:
        raise ConfigurationError(
            "the simulated instrument scpi_chip needs the key network, for example "
            "network: {kind: mlp, layers: [2, 2, 1]}"
        )
    keys: dict[str, Any] = {key: getattr(settings, key) for key in _KEYS}
    emulation = EmulationSettings(network=settings.network, **keys)
    chip = emulated_chip(emulation, settings.name)
    return ScpiChipDevice(chip, serial=settings.name or str(settings.seed))


def _plain(field: str) -> str:
    return field.replace(",", " ").replace(";", " ").replace("\n", " ")


INSTRUMENT = SimulatedInstrument(build=_build)
