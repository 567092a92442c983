"""HiSLIP messages (IVI-6.1, revisions 1.0 to 2.0): a header of 16 bytes, then the payload.

========  ====  ===========================
offset    type  field, network byte order
========  ====  ===========================
0         2     `HS`
2         u8    message type
3         u8    control code
4         u32   message parameter
8         u64   length of the payload
========  ====  ===========================
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from mgd_lab.errors import LinkError

_HEADER = struct.Struct("!2sBBIQ")
_PROLOGUE = b"HS"
HEADER_BYTES = _HEADER.size
FIRST_MESSAGE_ID = 0xFFFFFF00
_SIZE = struct.Struct("!Q")


class MessageType(IntEnum):
    """Types of the messages that we know (IVI-6.1, table 4)."""

    INITIALIZE = 0
    INITIALIZE_RESPONSE = 1
    FATAL_ERROR = 2
    ERROR = 3
    ASYNC_LOCK = 4
    ASYNC_LOCK_RESPONSE = 5
    DATA = 6
    DATA_END = 7
    DEVICE_CLEAR_COMPLETE = 8
    DEVICE_CLEAR_ACKNOWLEDGE = 9
    ASYNC_REMOTE_LOCAL_CONTROL = 10
    ASYNC_REMOTE_LOCAL_RESPONSE = 11
    TRIGGER = 12
    INTERRUPTED = 13
    ASYNC_INTERRUPTED = 14
    ASYNC_MAXIMUM_MESSAGE_SIZE = 15
    ASYNC_MAXIMUM_MESSAGE_SIZE_RESPONSE = 16
    ASYNC_INITIALIZE = 17
    ASYNC_INITIALIZE_RESPONSE = 18
    ASYNC_DEVICE_CLEAR = 19
    ASYNC_SERVICE_REQUEST = 20
    ASYNC_STATUS_QUERY = 21
    ASYNC_STATUS_RESPONSE = 22
    ASYNC_DEVICE_CLEAR_ACKNOWLEDGE = 23
    ASYNC_LOCK_INFO = 24
    ASYNC_LOCK_INFO_RESPONSE = 25


class FatalErrorCode(IntEnum):
    """Control codes of FatalError: both channels are closed after it."""

    UNIDENTIFIED = 0
    POORLY_FORMED_HEADER = 1
    CHANNELS_NOT_ESTABLISHED = 2
    INVALID_INITIALIZATION = 3
    TOO_MANY_CLIENTS = 4


class ErrorCode(IntEnum):
    """Control codes of Error: the message is ignored, the session goes on."""

    UNIDENTIFIED = 0
    UNRECOGNIZED_TYPE = 1
    UNRECOGNIZED_CONTROL_CODE = 2
    UNRECOGNIZED_VENDOR_MESSAGE = 3
    MESSAGE_TOO_LARGE = 4


@dataclass(frozen=True, slots=True)
class MessageHeader:
    """What comes before a payload.

    Attributes:
        kind: message type, u8; one that `MessageType` lacks is possible.
        control: control code, u8.
        parameter: message parameter, u32.
        payload_bytes: length of the payload, u64: to be bounded before anything is kept for it.
    """

    kind: int
    control: int
    parameter: int
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class HislipMessage:
    """One message."""

    kind: int
    control: int = 0
    parameter: int = 0
    payload: bytes = b""

    def encode(self) -> bytes:
        """Header and payload."""
        header = (_PROLOGUE, self.kind, self.control, self.parameter, len(self.payload))
        return _HEADER.pack(*header) + self.payload


def decode_header(data: bytes) -> MessageHeader:
    """The header of a message, 16 bytes; otherwise LinkError."""
    if len(data) != HEADER_BYTES:
        raise LinkError(f"a HiSLIP header takes {HEADER_BYTES} bytes; {len(data)} came")
    prologue, kind, control, parameter, length = _HEADER.unpack(data)
    if prologue != _PROLOGUE:
        raise LinkError(f"a HiSLIP message begins with {_PROLOGUE!r}; found {prologue!r}")
    return MessageHeader(kind, control, parameter, length)


def encode_size(size: int) -> bytes:
    """The payload of AsyncMaximumMessageSize and of its response."""
    return _SIZE.pack(size)


def decode_size(payload: bytes) -> int:
    """The maximum message size in such a payload; otherwise LinkError."""
    if len(payload) != _SIZE.size:
        raise LinkError(f"a maximum message size takes {_SIZE.size} bytes; {len(payload)} came")
    return _SIZE.unpack(payload)[0]


def data_messages(response: bytes, message_id: int, largest: int) -> Iterator[HislipMessage]:
    """A response as Data messages and a DataEnd, each of at most `largest` bytes in all."""
    room = max(1, largest - HEADER_BYTES)
    starts = range(0, max(1, len(response)), room)
    last = starts[-1]
    for start in starts:
        kind = MessageType.DATA_END if start == last else MessageType.DATA
        yield HislipMessage(kind, 0, message_id, response[start : start + room])
