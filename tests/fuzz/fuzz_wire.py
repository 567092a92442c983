"""Coverage-guided fuzzing of every parser on the wire, by hand.

    pip install atheris && python tests/fuzz/fuzz_wire.py -max_total_time=120

No exception but ours may come out of a parser, whatever bytes go in.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["mgd_lab.wire"]):
    from mgd_lab.wire import (
        MessageStream,
        Widths,
        decode_block,
        decode_description,
        decode_reply,
        decode_request,
        parse_message,
    )
    from mgd_lab.wire.cobs import decode as cobs_decode
    from mgd_lab.wire.envelope import seal
    from mgd_lab.wire.frame_messages import decode_device
    from mgd_lab.wire.frames import FrameDecoder
    from mgd_lab.wire.hislip import decode_header, decode_size

import contextlib

from mgd_lab.errors import ConfigurationError, LinkError

WIDTHS = Widths(parameters=3, inputs=2, outputs=1, largest_block=8, sample_memory=50)


def sealed(data: bytes) -> None:
    """A request whose CRC is right, so that what is behind it is reached."""
    decode_request(seal(data), WIDTHS)


def reply(data: bytes) -> None:
    decode_reply(seal(data), 1, 2, 3)


def stream(data: bytes) -> None:
    messages = MessageStream()
    for at in range(0, len(data), 7):
        messages.feed(data[at : at + 7])
        while messages.take() is not None:
            pass


def frames(data: bytes) -> None:
    decoder = FrameDecoder()
    for at in range(0, len(data), 5):
        decoder.feed(data[at : at + 5])


TARGETS = (
    sealed,
    reply,
    stream,
    frames,
    decode_header,
    decode_size,
    decode_device,
    parse_message,
    cobs_decode,
    lambda data: decode_request(data, WIDTHS),
    lambda data: decode_reply(data, 1, 2, 3),
    lambda data: decode_block(data, 64),
    decode_description,
)


def one(data: bytes) -> None:
    """The first byte chooses the parser."""
    if not data:
        return
    with contextlib.suppress(LinkError, ConfigurationError):
        TARGETS[data[0] % len(TARGETS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
