"""The device core behind frames: literal transcripts of the protocol page, pieces, restarts."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgd_lab.chip import ChipDescription, ParameterGroup, TelemetryChannel
from mgd_lab.errors import LimitError
from mgd_lab.wire import ReadParameters, cobs
from mgd_lab.wire.frames import Frame, FrameDecoder, FrameOpcode, frame
from sim_instruments.frames_chip import FramesDevice

PAGE = Path(__file__).parents[2] / "docs" / "protocol-frames.md"


class LineChip:
    """y = w x + b: the chip of the protocol page."""

    description = ChipDescription(
        "line",
        (ParameterGroup("w", 1), ParameterGroup("b", 1)),
        inputs=1,
        outputs=1,
        sample_memory=8,
        largest_block=4,
        features=("limits", "output_switch", "watchdog", "samples_hash"),
        telemetry=(TelemetryChannel("supply", "V"),),
    )

    def __init__(self):
        self.register = np.array([3.0, 4.0])
        self.limits = np.full(2, -np.inf), np.full(2, np.inf)
        self.on = True

    def write_parameters(self, values):
        low, high = self.limits
        if not ((values >= low) & (values <= high)).all():
            raise LimitError(f"w would be {values[0]:g}; its limits are {low[0]:g} and {high[0]:g}")
        self.register = values.copy()

    def read_parameters(self):
        return self.register

    def write_limits(self, low, high):
        self.limits = low, high

    def read_limits(self):
        return self.limits

    def switch_outputs(self, on):
        self.on = on

    def outputs_are_on(self):
        return self.on

    def watch_host(self, seconds):
        pass

    def read_telemetry(self):
        return np.array([5.25])

    def set_cost(self, cost):
        self.cost = cost

    def costs(self, parameters, inputs, targets):
        return self.cost(parameters[0] * inputs + parameters[1], targets)

    def load_samples(self, inputs, targets):
        self.samples = inputs, targets

    def samples_hash(self):
        return zlib.crc32(b"".join(part.tobytes() for part in self.samples))

    def measure_dense(self, theta, samples, perturbations):
        moved = theta.astype(np.float64) + perturbations
        inputs, targets = self.samples
        return self.cost(moved[:, :1] * inputs[samples] + moved[:, 1:], targets[samples])


def device(**keys):
    return FramesDevice(
        LineChip(), **{"serial": "7", "epoch": 0x01020304, "largest_frame": 4096, **keys}
    )


def literal(text):
    """Quoted text and hexadecimal groups → bytes, and whether the rest is left out."""
    found = b""
    for quoted, group in re.findall(r'"((?:[^"\\]|\\.)*)"|([0-9a-f]+)', text):
        found += quoted.replace('\\"', '"').encode() if quoted else bytes.fromhex(group)
    return found, text.endswith("…")


def transcript():
    page = PAGE.read_text(encoding="utf-8")
    lines = "\n".join(re.findall(r"```transcript\n(.*?)```", page, re.DOTALL)).splitlines()
    return [line.split(" ", 1) for line in lines if line]


def test_page_transcripts():
    core, answers = device(), []
    steps = transcript()
    assert len(steps) > 20
    for arrow, text in steps:
        data, cut = literal(text)
        if arrow[0] == ">":
            assert answers == [], text
            line = data if arrow == ">>" else cobs.encode(data) + b"\0"
            answers = [part + b"\0" for part in core.receive(line).split(b"\0")[:-1]]
        else:
            found = answers.pop(0)
            found = found if arrow == "<<" else cobs.decode(found[:-1])
            assert (found[: len(data)] if cut else found) == data, text
    assert answers == []


def answers(core, *frames):
    return FrameDecoder().feed(core.receive(b"".join(each.encode() for each in frames)))


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_pieces_of_any_size(sizes):
    ping = frame(1, FrameOpcode.PING)
    read = Frame(ReadParameters().encode(2))
    line, core, said, at = ping.encode() + read.encode() + ping.encode(), device(), b"", 0
    while at < len(line):
        for size in sizes:
            said += core.receive(line[at : at + size])
            at += size
    assert said == device().receive(line)
    assert len(FrameDecoder().feed(said)) == 3


@given(st.lists(st.binary(max_size=60), max_size=10))
def test_no_bytes_make_it_fail(pieces):
    core = device()
    for piece in pieces:
        core.receive(piece)
    core.receive(b"\0")
    (pong,) = answers(core, frame(3, FrameOpcode.PING))
    assert pong.sequence == 3


@given(st.integers(0, 255), st.binary(max_size=80))
def test_no_frame_makes_it_fail(kind, payload):
    (answer,) = answers(device(), frame(4, kind, payload))
    assert answer.sequence == 4
    assert answer.opcode >= 0x80


def test_frame_longer_than_the_largest_is_told():
    core = device(largest_frame=64)
    (answer,) = answers(core, frame(5, FrameOpcode.PING, bytes(100)))
    assert answer.opcode == FrameOpcode.DAMAGED
    assert answer.payload == b"a frame is longer than 64 bytes"


def test_power_on_forgets_and_makes_safe():
    core = device(epoch=None)
    (before,) = answers(core, frame(1, FrameOpcode.PING))
    core.receive(b"\x05begun")
    core.power_on()
    after, read = answers(core, frame(1, FrameOpcode.PING), Frame(ReadParameters().encode(2)))
    assert before.payload != after.payload
    assert read.payload[12:] == bytes(16)


def test_same_request_twice_gives_the_same_answer():
    read = Frame(ReadParameters().encode(2))
    first, second = answers(device(), read, read)
    assert first == second


@pytest.mark.parametrize("field", ["serial", "firmware", "model"])
def test_identity(field):
    (answer,) = answers(device(**{field: "of this board"}), frame(1, FrameOpcode.HELLO, b"\x01"))
    assert f'"{field}": "of this board"'.encode() in answer.payload
