"""What the frames of a device say: replies and refusals, who it is, that it is alive."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, cast

from mgd_lab.chip import ChipDescription
from mgd_lab.errors import LinkError
from mgd_lab.wire.descriptions import decode_description, encode_description
from mgd_lab.wire.envelope import CRC_BYTES, seal
from mgd_lab.wire.frames import OPCODE_AT, Frame, FrameOpcode, frame
from mgd_lab.wire.replies import Reply, decode_reply

PROTOCOL_VERSION = 1
IDENTITY_FIELDS = ("manufacturer", "model", "serial", "firmware")

_EPOCH = struct.Struct("<I")
_OUTCOME = struct.Struct("<IiI")
_HELLO = struct.Struct("<BBHII")
_LONGEST_TEXT = 255
_SMALLEST_LARGEST_FRAME = 64


@dataclass(frozen=True, slots=True)
class Device:
    """What a device answers to HELLO.

    Attributes:
        version: of the protocol.
        epoch: session epoch.
        largest_frame: most bytes of contents that it takes or sends.
        identity: manufacturer, model, serial, firmware.
        description: the chip.
    """

    version: int
    epoch: int
    largest_frame: int
    identity: dict[str, str]
    description: ChipDescription

    def frame(self, sequence: int) -> Frame:
        """The answer to HELLO number `sequence`."""
        head = _HELLO.pack(self.version, 0, 0, self.epoch, self.largest_frame)
        identity = json.dumps(self.identity, ensure_ascii=False).encode()
        chip = encode_description(self.description)
        text = identity[:-1] + b', "description": ' + chip + b"}"
        return frame(sequence, FrameOpcode.DEVICE, head, text)


def decode_device(payload: bytes) -> Device:
    """The inverse; LinkError where the payload is no such answer."""
    if len(payload) < _HELLO.size:
        raise LinkError(f"the answer to HELLO is short: {len(payload)} bytes")
    version, _, _, epoch, largest_frame = _HELLO.unpack_from(payload)
    if version != PROTOCOL_VERSION:
        raise LinkError(
            f"the device speaks version {version} of the frames dialect; this driver speaks "
            f"{PROTOCOL_VERSION}. Use firmware and driver of the same version"
        )
    if largest_frame < _SMALLEST_LARGEST_FRAME:
        raise LinkError(f"the device says that it takes frames of {largest_frame} bytes at most")
    try:
        found: Any = json.loads(payload[_HELLO.size :])
    except (ValueError, RecursionError) as error:
        raise LinkError(f"the answer to HELLO holds no JSON: {error}") from error
    if not isinstance(found, dict):
        raise LinkError("the answer to HELLO holds no mapping")
    mapping = cast("dict[str, Any]", found)
    identity: dict[str, str] = {}
    for field in IDENTITY_FIELDS:
        value = mapping.get(field)
        if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
            raise LinkError(f"the answer to HELLO has {field} = {value!r:.60}")
        identity[field] = value
    chip = decode_description(json.dumps(mapping.get("description")).encode())
    return Device(version, epoch, largest_frame, identity, chip)


def pong(sequence: int, epoch: int) -> Frame:
    """The answer to PING number `sequence`."""
    return frame(sequence, FrameOpcode.PONG, _EPOCH.pack(epoch))


def heartbeat(sequence: int, epoch: int) -> Frame:
    """What a device says that is at work on request number `sequence` for long."""
    return frame(sequence, FrameOpcode.HEARTBEAT, _EPOCH.pack(epoch))


def epoch_of(found: Frame) -> int:
    """The session epoch that a PONG or HEARTBEAT carries; LinkError where there is none."""
    if len(found.payload) != _EPOCH.size:
        raise LinkError(f"frame {found.sequence} carries {len(found.payload)} bytes, not an epoch")
    return _EPOCH.unpack(found.payload)[0]


def reply_frame(reply: bytes) -> Frame:
    """The frame of a sealed `Reply`."""
    return Frame(seal(reply[:OPCODE_AT], bytes((FrameOpcode.REPLY,)), reply[OPCODE_AT:-CRC_BYTES]))


def refusal_frame(sequence: int, epoch: int, status: int, text: str) -> Frame:
    """The reply to a request that is refused: no results, and the reason in words."""
    words = text.encode()[:_LONGEST_TEXT]
    return frame(sequence, FrameOpcode.REPLY, _OUTCOME.pack(epoch, status, 0), words)


def decode_reply_frame(found: Frame, sequence: int, epoch: int, count: int) -> tuple[Reply, str]:
    """The reply to request `sequence` of session `epoch`, and the reason where it is a refusal.

    Raises:
        LinkError: the reply is short, long, or of another request or session.
    """
    contents, body = found.contents, OPCODE_AT + 1
    if len(found.payload) < _OUTCOME.size:
        raise LinkError(f"the reply to request {sequence} is short: {len(contents)} bytes")
    status: int = _OUTCOME.unpack_from(contents, body)[1]
    end = body + _OUTCOME.size if status else len(contents) - CRC_BYTES
    sealed = seal(contents[:OPCODE_AT], contents[body:end])
    reply = decode_reply(sealed, sequence, epoch, 0 if status else count)
    text = contents[end:-CRC_BYTES]
    if len(text) > _LONGEST_TEXT:
        raise LinkError(f"the refusal of request {sequence} says more than {_LONGEST_TEXT} bytes")
    return reply, text.decode(errors="replace")
