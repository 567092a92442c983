"""A chip behind frames: bytes of a serial line in, bytes out."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mgd_lab.chip import Chip
from mgd_lab.version import __version__
from mgd_lab.wire import Status
from mgd_lab.wire.frame_messages import (
    PROTOCOL_VERSION,
    Device,
    heartbeat,
    pong,
    refusal_frame,
    reply_frame,
)
from mgd_lab.wire.frames import (
    LARGEST_FRAME_BYTES,
    DamagedFrame,
    Frame,
    FrameDecoder,
    FrameOpcode,
    frame,
)
from sim_instruments.power import abandon, restart
from sim_instruments.scpi_chip import EmulationKeys, chip_behind, model_of
from sim_instruments.scpi_exchange import TrainingRequests
from sim_instruments.serial_server import LineDevice
from sim_instruments.watchdog import HostWatch


@dataclass(frozen=True)
class SimulatedBoard:
    """What an entry point of the group `mgd_lab.simulated_boards` names.

    Attributes:
        build: a driver's settings → the device behind its serial port.
    """

    build: Callable[[Any], LineDevice]


_FIRST_OF_THE_LINE = 0x40
"""Opcodes below are those of training requests."""


class FramesDevice:
    """A device core: no I/O, no clock. What it speaks is in `docs/protocol-frames.md`.

    Args:
        chip: what computes or measures; it may lack any of the capabilities.
        model, serial, firmware: how it answers HELLO.
        epoch: session epoch, u32; drawn by the operating system at every power-on where None.
        largest_frame: most bytes of contents that it takes.
    """

    def __init__(
        self,
        chip: Chip,
        *,
        model: str = "emulated chip",
        serial: str = "0",
        firmware: str = __version__,
        epoch: int | None = None,
        largest_frame: int = LARGEST_FRAME_BYTES,
    ) -> None:
        self._chip = chip
        self._identity = {
            "manufacturer": "MGD Lab",
            "model": model,
            "serial": serial,
            "firmware": firmware,
        }
        self._given_epoch = epoch
        self._largest_frame = largest_frame
        self._at_work = 0
        self._lock = threading.Lock()
        self.watch = HostWatch()
        self._start()

    def power_on(self) -> None:
        """As if the power had been switched off and on: a new epoch, nothing set up."""
        with self._lock:
            self._start()
            restart(self._chip)

    def abandon(self, is_lost: Callable[[], bool]) -> None:
        """Makes the chip safe and powers on anew, if it is so when the request at work is done."""
        with self._lock:
            if is_lost():
                self._start()
                abandon(self._chip)

    def receive(self, data: bytes) -> bytes:
        """Bytes of the line, in pieces of any size → what is answered to them."""
        with self._lock:
            answers = (self._answer(found) for found in self._decoder.feed(data))
            return b"".join(answer.encode() for answer in answers)

    def heartbeat(self) -> bytes:
        """What may be sent while the device is at work on a request."""
        return heartbeat(self._at_work, self._epoch).encode()

    def _start(self) -> None:
        self.watch.set(0)
        drawn = int.from_bytes(os.urandom(4), "little")
        self._epoch = drawn if self._given_epoch is None else self._given_epoch
        self._refusals: list[tuple[Status, str]] = []
        self._requests = TrainingRequests(self._chip, self._epoch, self._refuse, self.watch.set)
        self._decoder = FrameDecoder(self._largest_frame)

    def _refuse(self, status: Status, reason: str) -> None:
        self._refusals.append((status, reason))

    def _answer(self, found: Frame | DamagedFrame) -> Frame:
        if isinstance(found, DamagedFrame):
            return frame(0, FrameOpcode.DAMAGED, found.reason.encode())
        if found.opcode < _FIRST_OF_THE_LINE:
            return self._carry_out(found)
        if found.opcode == FrameOpcode.PING:
            return pong(found.sequence, self._epoch)
        if found.opcode == FrameOpcode.HELLO:
            device = Device(
                PROTOCOL_VERSION,
                self._epoch,
                self._largest_frame,
                self._identity,
                self._chip.description,
            )
            return device.frame(found.sequence)
        reason = f"kind {found.opcode:#04x} is unknown"
        return refusal_frame(found.sequence, self._epoch, Status.UNDEFINED_HEADER, reason)

    def _carry_out(self, request: Frame) -> Frame:
        self._at_work = request.sequence
        reply = self._requests.answer(request.contents)
        if not self._refusals:
            return reply_frame(reply)
        status, reason = self._refusals.pop()
        return refusal_frame(request.sequence, self._epoch, status, reason)


def board_of(chip: Chip, settings: EmulationKeys) -> FramesDevice:
    """A board with the chip on it, which calls itself as the chip file does."""
    return FramesDevice(chip, model=model_of(settings), serial=settings.name or str(settings.seed))


def _build(settings: EmulationKeys) -> FramesDevice:
    return board_of(chip_behind(settings), settings)


BOARD = SimulatedBoard(build=_build)
