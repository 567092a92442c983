"""The frames dialect over a serial port: see `docs/protocol-frames.md`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import NoReturn, TypeVar

from drivers.link import place
from drivers.numbered_link import NumberedLink
from drivers.serial_port import SerialPort
from mgd_lab.chip import ChipDescription
from mgd_lab.errors import LinkError, LinkTimeoutError
from mgd_lab.wire import Reply, Request, Status, status_text
from mgd_lab.wire.frame_messages import (
    PROTOCOL_VERSION,
    Device,
    decode_device,
    decode_reply_frame,
    epoch_of,
)
from mgd_lab.wire.frames import (
    LARGEST_FRAME_BYTES,
    DamagedFrame,
    Frame,
    FrameDecoder,
    FrameOpcode,
    frame,
)

T = TypeVar("T")
U = TypeVar("U")

_MOST_HEARTBEATS = 100
_REPLY_OVERHEAD_BYTES = 22


class FramesLink(NumberedLink):
    """Requests and replies in step, as `Link` says.

    Args:
        port: the transport.
        name: what messages call the chip.
        timeout_seconds: longest silence while an answer is due.
        sequence: number of the last frame; drawn where None, so that a reply of an earlier
            session does not fit by chance.
    """

    def __init__(
        self, port: SerialPort, name: str, timeout_seconds: float, sequence: int | None = None
    ) -> None:
        super().__init__(name, sequence)
        self._port = port
        self._timeout = timeout_seconds
        self._device: Device | None = None
        self._decoder = FrameDecoder()
        self._found: deque[Frame | DamagedFrame] = deque()

    @property
    def address(self) -> str:
        """The port."""
        return self._port.port

    @property
    def largest_request_bytes(self) -> int:
        """What the device says that it takes, less what its reply needs more than a request."""
        largest = LARGEST_FRAME_BYTES if self._device is None else self._device.largest_frame
        return min(largest, LARGEST_FRAME_BYTES) - _REPLY_OVERHEAD_BYTES

    def open(self) -> None:
        """The port opened anew, and a PING answered."""
        self._out_of_step = True
        self._device = None
        self._port.close()
        self._port.open()
        self._resynchronise()

    def close(self) -> None:
        """Closes the port."""
        self._out_of_step = True
        self._port.close()

    def restore(self) -> bool:
        """A PING answered; over a port that was opened anew, should the first remain unheard."""
        self._out_of_step = True
        if self._port.is_open:
            try:
                self._resynchronise()
            except LinkError:
                # Unplugged, or a device that was restarted: a new session is the next resort.
                self._port.close()
            else:
                return False
        self.open()
        return True

    def identify(self) -> dict[str, str]:
        """manufacturer, model, serial, firmware, from a HELLO."""
        answer = self._ask(FrameOpcode.HELLO, FrameOpcode.DEVICE, bytes((PROTOCOL_VERSION,)))
        self._device = self._decode(decode_device, answer.payload)
        return dict(self._device.identity)

    def describe(self) -> ChipDescription:
        """What the chip says of itself: part of the last answer to HELLO."""
        if self._device is None:
            self.identify()
        if self._device is None:
            raise LinkError(f"{self._name}: the device has not said what it is")
        return self._device.description

    def learn_epoch(self, known: int | None = None) -> int:  # noqa: ARG002 (it has a checksum)
        """Asks for the session epoch that every reply must carry."""
        self._epoch = self._decode(epoch_of, self._ask(FrameOpcode.PING, FrameOpcode.PONG))
        return self._epoch

    def take_errors(self) -> list[str]:
        """None: a refusal carries its reason."""
        return []

    @property
    def _where(self) -> str:
        return place(self._name, self.address)

    def _round_trip(self, request: Request, sequence: int, count: int) -> tuple[Reply, str]:
        sent = Frame(request.encode(sequence)).encode()
        on_line = self._port.line_seconds(len(sent) + 8 * count + _REPLY_OVERHEAD_BYTES)
        self._port.write(sent)
        found = self._await(sequence, on_line, self._epoch)
        if found.opcode != FrameOpcode.REPLY:
            self._refuse(f"frame {found.sequence} of kind {found.opcode:#04x} came instead")
        try:
            reply, reason = decode_reply_frame(found, sequence, self._epoch, count)
        except LinkError as error:
            raise LinkError(f"{self._name}: {error}") from error
        if reply.status == Status.INVALID_BLOCK_DATA:
            self._refuse(f"the device cannot read request {sequence}: {reason}")
        return reply, reason

    def _refused(self, status: int, reason: str) -> str:
        return f'{status},"{status_text(status)}{";" if reason else ""}{reason}"'

    def _ask(self, opcode: FrameOpcode, answer: FrameOpcode, payload: bytes = b"") -> Frame:
        self._begin()
        sequence = self._next()
        self._port.write(frame(sequence, opcode, payload).encode())
        found = self._await(sequence, 0.0)
        if (found.sequence, found.opcode) != (sequence, answer):
            self._refuse(
                f"{opcode.name} number {sequence} was answered by frame {found.sequence} of kind "
                f"{found.opcode:#04x}"
            )
        self._out_of_step = False
        return found

    def _resynchronise(self) -> None:
        """Whatever is under way is passed over, up to the answer to a PING of a new number."""
        self._port.forget_input()
        self._decoder = FrameDecoder()
        self._found.clear()
        sequence = self._next()
        # The first 0x00 ends what the device may have received of a frame that was cut off.
        self._port.write(b"\0" + frame(sequence, FrameOpcode.PING).encode())
        started = time.monotonic()
        while True:
            found = self._receive(started, self._timeout)
            if (
                isinstance(found, Frame)
                and found.opcode == FrameOpcode.PONG
                and found.sequence == sequence
            ):
                self._out_of_step = False
                return

    def _await(self, sequence: int, on_line: float, epoch: int | None = None) -> Frame:
        """The next frame; heartbeats, which must be of this epoch, renew the time allowed."""
        for _ in range(_MOST_HEARTBEATS):
            found = self._receive(time.monotonic(), self._timeout + on_line)
            if isinstance(found, DamagedFrame):
                self._refuse(found.reason)
            if found.opcode == FrameOpcode.DAMAGED:
                reason = found.payload.decode(errors="replace")
                self._refuse(f"the device received a damaged frame: {reason:.255}")
            if found.opcode != FrameOpcode.HEARTBEAT:
                return found
            if epoch not in (None, self._decode(epoch_of, found)):
                self._refuse("a heartbeat of another session came: the device was restarted")
        raise LinkTimeoutError(
            f"{self._where}: {_MOST_HEARTBEATS} heartbeats came and no answer to request {sequence}"
        )

    def _receive(self, started: float, allowed: float) -> Frame | DamagedFrame:
        while not self._found:
            left = started + allowed - time.monotonic()
            data = self._port.read(max(0.0, left))
            self._found.extend(self._decoder.feed(data))
            # Neither bytes that never make a frame nor silence after some of them may last longer.
            if not self._found and (not data or left <= 0):
                raise self._port.silence(started)
        return self._found.popleft()

    def _decode(self, decode: Callable[[T], U], found: T) -> U:
        try:
            return decode(found)
        except LinkError as error:
            self._out_of_step = True
            raise LinkError(f"{self._where}: {error}") from error

    def _refuse(self, reason: str) -> NoReturn:
        raise LinkError(f"{self._where}: {reason}")
