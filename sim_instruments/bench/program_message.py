"""Program messages of bench instruments, taken apart (IEEE 488.2, section 7).

The parser of `mgd_lab.wire` knows the headers of our own dialect, and a block only as the sole
argument. Here headers are anybody's, and a block may follow other arguments
(`DATA:ARB name,#216…`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mgd_lab.errors import LinkError
from mgd_lab.wire import block_extent


@dataclass(frozen=True)
class Unit:
    """One command or query of a program message.

    Attributes:
        header: in capitals, with its `?` where it is a query; a compound header is whole, begins
            with a colon, and has the path of the one before it where it was relative to that.
        arguments: text as it was sent, without white space around it; bytes of a block.
    """

    header: str
    arguments: tuple[str | bytes, ...]


def units(message: bytes) -> list[Unit]:
    """The units of one program message, with or without its line feed.

    Raises:
        LinkError: it cannot be taken apart.
    """
    found: list[Unit] = []
    path, at = ":", 0
    while True:
        start = _SPACE.match(message, at)
        at = start.end() if start else at
        if at >= len(message):
            return found
        if message[at : at + 1] in (b";", b"\n"):
            at += 1
            continue
        match = _HEADER.match(message, at)
        if match is None:
            raise LinkError(f"no command header at byte {at}: {message[at : at + 20]!r}")
        header, path = _whole(match[0].decode("ascii").upper(), path)
        arguments, at = _arguments(message, match.end())
        found.append(Unit(header, arguments))


def _whole(spelling: str, path: str) -> tuple[str, str]:
    # SCPI-1999, 6.2.4: a header without a leading colon continues where the one before it stood.
    if spelling.startswith("*"):
        return spelling, path
    whole = spelling if spelling.startswith(":") else path + spelling
    return whole, whole[: whole.rfind(":") + 1]


def _arguments(message: bytes, at: int) -> tuple[tuple[str | bytes, ...], int]:
    """Everything up to the end of the unit, and where that is."""
    found: list[str | bytes] = []
    text: bytes = b""
    block: bytes | None = None
    while True:
        mark = message[at : at + 1]
        if mark in (b"", b";", b"\n", b","):
            argument = text.strip().decode("latin-1") if block is None else block
            if argument or found or mark == b",":
                found.append(argument)
            if mark != b",":
                return tuple(found), at
            text, block, at = b"", None, at + 1
        elif mark == b"#" and not text.strip() and message[at + 1 : at + 2].isdigit():
            block, at = _block(message, at)
        else:
            piece = _PIECE.match(message, at)
            if piece is None:
                raise LinkError(f"a quote or bracket is not closed: {message[at : at + 20]!r}")
            text, at = text + piece[0], piece.end()
            if block is not None and text.strip():
                raise LinkError(f"a block is followed by {text[:20]!r}")


def _block(message: bytes, at: int) -> tuple[bytes, int]:
    if message[at + 1 : at + 2] == b"0":
        # Nothing in the payload can end it, so it is the last of its message.
        return message[at + 2 :].removesuffix(b"\n"), len(message)
    extent = block_extent(message, at)
    if extent is None or extent[1] > len(message):
        raise LinkError("a block is cut off by the end of its message")
    return message[slice(*extent)], extent[1]


_SPACE = re.compile(rb"[\x00-\x09\x0b-\x20]*")
_HEADER = re.compile(rb"[:*]?[A-Za-z][A-Za-z0-9_:]*\??")
_PIECE = re.compile(rb"""[^;\n,"'(#]+|"[^"\n]*"|'[^'\n]*'|\([^)\n]*\)|#""")
