"""The SCPI dialect: its headers, and program messages taken apart.

The commands of a program message are separated by semicolons outside blocks and quotes. Headers
are matched in short and long form whatever the case (IEEE 488.2, section 7; SCPI-1999, volume 1,
section 6).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from itertools import product

from mgd_lab.errors import LinkError
from mgd_lab.wire.blocks import block_extent, block_header


class Header(Enum):
    """Every header of the dialect, short form in capitals, optional nodes in brackets."""

    IDENTITY = "*IDN?"
    RESET = "*RST"
    CLEAR = "*CLS"
    OPERATION_COMPLETE = "*OPC?"
    OPERATION_COMPLETE_EVENT = "*OPC"
    WAIT = "*WAI"
    SELF_TEST = "*TST?"
    EVENT_STATUS = "*ESR?"
    EVENT_ENABLE = "*ESE"
    EVENT_ENABLE_QUERY = "*ESE?"
    STATUS_BYTE = "*STB?"
    SERVICE_ENABLE = "*SRE"
    SERVICE_ENABLE_QUERY = "*SRE?"
    NEXT_ERROR = "SYSTem:ERRor[:NEXT]?"
    ERROR_COUNT = "SYSTem:ERRor:COUNt?"
    VERSION = "SYSTem:VERSion?"
    DESCRIPTION = "CHIP:DESCription?"
    EPOCH = "CHIP:EPOCh?"
    EXCHANGE = "EXCHange?"


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its header (None where the dialect has none such) and what follows it.

    Attributes:
        spelling: the header as it was sent.
        argument: text after the header, without the white space around it; b"" where none.
        block: the payload where the argument is a block, otherwise None.
    """

    header: Header | None
    spelling: bytes
    argument: bytes = b""
    block: bytes | None = None


EXCHANGE_PREFIX = b"EXCH? "


def exchange_message(request: bytes) -> bytes:
    """The program message that carries a training request."""
    return b"%b%b%b\n" % (EXCHANGE_PREFIX, block_header(len(request)), request)


def parse_message(message: bytes) -> list[Command]:
    """The commands of one program message, with or without its line feed.

    Raises:
        LinkError: the message cannot be taken apart (a header that is none, a block that is cut
            off, anything between a block and the next semicolon).
    """
    commands: list[Command] = []
    path, at, end = b"", 0, len(message)
    while at < end:
        match = _COMMAND_START.match(message, at)
        if match is None:
            raise LinkError(f"no command header at byte {at}: {message[at : at + 20]!r}")
        spelling = match[1]
        at = match.end()
        if not spelling:
            at += 1  # an empty command, as between two semicolons or before the line feed
            continue
        known, path = _resolve(spelling, path)
        if message.startswith(b"#0", at):
            # Nothing in the payload can end it, so it is the last of its message.
            commands.append(Command(known, spelling, block=message[at + 2 :].removesuffix(b"\n")))
            at = end
        elif message[at : at + 1] == b"#" and message[at + 1 : at + 2] in DIGITS:
            first, at = _whole_block(message, at)
            commands.append(Command(known, spelling, block=message[first:at]))
            separator = _SEPARATOR.match(message, at)
            if separator is None:
                raise LinkError(f"a block is followed by {message[at : at + 20]!r}")
            at = separator.end()
        else:
            argument = _TEXT.match(message, at)
            stop = at if argument is None else argument.end()
            if message[stop : stop + 1] not in (b"", b";", b"\n"):
                raise LinkError(f"a quote is not closed: {message[at : at + 20]!r}")
            commands.append(Command(known, spelling, message[at:stop].strip()))
            at = stop + 1
    return commands


def _whole_block(message: bytes, at: int) -> tuple[int, int]:
    extent = block_extent(message, at)
    if extent is None or extent[1] > len(message):
        raise LinkError("a block is cut off by the end of its message")
    return extent


def _resolve(spelling: bytes, path: bytes) -> tuple[Header | None, bytes]:
    # SCPI-1999, 6.2.4: a header without a leading colon continues where the one before it stood.
    upper = spelling.upper()
    if upper.startswith(b"*"):
        return _HEADERS.get(upper), path
    whole = upper[1:] if upper.startswith(b":") else path + upper
    if len(whole) > _LONGEST_HEADER:
        return None, b""
    return _HEADERS.get(whole), whole[: whole.rfind(b":") + 1]


def _spellings(canonical: str) -> list[bytes]:
    if canonical.startswith("*"):
        return [canonical.encode()]
    mark = b"?" if canonical.endswith("?") else b""
    nodes = re.findall(r"(\[?):?([A-Za-z]+)", canonical)
    choices = [
        {name.upper(), re.sub("[a-z]", "", name)} | ({""} if optional else set[str]())
        for optional, name in nodes
    ]
    return [":".join(filter(None, chosen)).encode() + mark for chosen in product(*choices)]


_HEADERS = {spelling: header for header in Header for spelling in _spellings(header.value)}
DIGITS = frozenset(b"%d" % digit for digit in range(1, 10))
_LONGEST_HEADER = 255
# White space is every control character but the line feed, and the space (IEEE 488.2, 7.4.1.2).
_SPACE = rb"[\x00-\x09\x0b-\x20]*+"
_COMMAND_START = re.compile(_SPACE + rb"([:*]?[A-Za-z][A-Za-z0-9_:]*+\??|(?=[;\n]|\Z))" + _SPACE)
_SEPARATOR = re.compile(_SPACE + rb"(?:[;\n]|\Z)")
_TEXT = re.compile(rb"""(?:[^;\n"']++|"[^"\n]*+"|'[^'\n]*+')*+""")
