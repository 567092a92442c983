"""Replies that cannot be trusted, and refusals."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from drivers.scpi import ScpiChip
from mgd_lab.costs import CostFunction
from mgd_lab.errors import CapabilityError, ConfigurationError, InstrumentError, LinkError
from sim_instruments.emulated import emulated_chip
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.visa_library import simulated_library

P, I, O = 9, 2, 1  # noqa: E741


def f32(*rows):
    return np.array(rows, np.float32)


def u32(*values):
    return np.array(values, np.uint32)


def test_errors_after_setting_up_stop(lab):
    literal = lab.message(
        "#236 01000000 12 00 0000 00000000 00000000 00 00 0000 00000000 0000000000000000 ed7be4f0",
        "#220 01000000 04030201 00000000 00000000 c443b9cb",
    )
    error = (b"SYST:ERR?\n", b'-222,"Data out of range"\n')
    _, chip = lab.scripted(*lab.OPENING, literal, error, lab.NO_ERROR, *lab.closing(1))
    with pytest.raises(InstrumentError, match='-222,"Data out of range"'), chip:
        chip.set_cost(CostFunction())


def test_refusal_names_the_error_and_theta_is_sent_again(lab):
    with lab.at_sim() as chip:
        chip.set_cost(CostFunction())
        chip.load_samples(np.zeros((2, I), np.float32), np.zeros((2, O), np.float32))
        theta, moves = np.ones(P, np.float32), np.zeros((1, P), np.float32)
        with pytest.raises(InstrumentError, match=r"DENSE.*-222.*sample 5"):
            chip.measure_dense(theta, u32(5), moves)
        assert chip.measure_dense(theta, u32(1), moves).shape == (1,)


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


LATE_REPLY = "06000000 04030201 00000000 01000000 000000000000b03f aa9a33b5"
LATE = b"#228" + bytes.fromhex(LATE_REPLY) + b"\n"
BAD_REPLIES = {
    "empty": lambda reply: b"",
    "text": lambda reply: b"Ready.\n",
    "short": lambda reply: reply[:-9] + b"\n",
    "cut off": lambda reply: reply[:-1],
    "without line feed": lambda reply: reply[:-1] + b" ",
    "wrong block length": lambda reply: b"#235" + reply[4:],
    "late": lambda reply: LATE,
    "of another request": lambda reply: flipped(reply, 4),
    "of another session": lambda reply: flipped(reply, 8),
    "damaged": lambda reply: flipped(reply, 25),
    "damaged check": lambda reply: flipped(reply, len(reply) - 2),
}


@pytest.mark.parametrize("kind", BAD_REPLIES)
def test_bad_reply_is_refused_and_the_link_with_it(lab, kind):
    # The chip is opened again to be made safe, since the true reply may still come.
    bad = (lab.DENSE[0], BAD_REPLIES[kind](lab.DENSE[1]))
    script, chip = lab.scripted(*lab.OPENING, bad, *lab.OPENING, *lab.closing(5), sequence=4)
    arguments = f32(2, -1), u32(0, 1), f32([0, 0], [0.5, -0.25])
    with chip:
        with pytest.raises(LinkError) as caught:
            chip.measure_dense(*arguments)
        assert lab.RESOURCE in str(caught.value)
        with pytest.raises(LinkError, match="open the chip again"):
            chip.measure_dense(*arguments)
    assert script.exchanges == []


def test_reply_of_another_request_says_so(lab):
    body = bytes.fromhex("04000000 04030201 00000000 02000000") + bytes(16)
    late = lab.DENSE[0], b"#236" + body + zlib.crc32(body).to_bytes(4, "little") + b"\n"
    _, chip = lab.scripted(*lab.OPENING, late, *lab.OPENING, *lab.closing(5), sequence=4)
    with chip, pytest.raises(LinkError, match="request 4, not to 5"):
        chip.measure_dense(f32(2, -1), u32(0, 1), f32([0, 0], [0.5, -0.25]))


def test_repeated_reply_is_never_paired_with_the_next_request(lab):
    twice = (lab.DENSE[0], lab.DENSE[1] * 2)
    again = lab.DENSE_AGAIN
    _, chip = lab.scripted(*lab.OPENING, twice, again, *lab.OPENING, *lab.closing(6), sequence=4)
    with chip:
        chip.measure_dense(f32(2, -1), u32(0, 1), f32([0, 0], [0.5, -0.25]))
        with pytest.raises(LinkError):
            chip.measure_dense(f32(2, -1), u32(1), f32([-0.5, 0.25]))


def test_interrupted_exchange_leaves_the_link_out_of_step(lab):
    def interrupt(message):
        raise KeyboardInterrupt

    core = ScpiChipDevice(emulated_chip(lab.emulation()))
    chip = ScpiChip(lab.settings(), simulated_library({lab.RESOURCE: core}))
    with chip:
        respond, core.respond = core.respond, interrupt
        with pytest.raises(KeyboardInterrupt):
            chip.read_parameters()
        core.respond = respond
        with pytest.raises(LinkError, match="open the chip again"):
            chip.read_parameters()


@pytest.mark.parametrize(
    "call",
    [
        lambda chip: chip.measure_dense(f32(1, 1), u32(0), f32([1.0])),
        lambda chip: chip.measure_dense(f32(1), u32(0), f32([1.0, 1.0])),
        lambda chip: chip.measure_dense(f32(1, 1), u32(), np.empty((0, 2), np.float32)),
        lambda chip: chip.measure_dense(f32(1, 1), u32(0, 0, 0, 0, 0), np.zeros((5, 2), "f4")),
        lambda chip: chip.measure_dense(f32(1, 1), u32(0), np.zeros((1, 2))),
        lambda chip: chip.outputs(f32(1, 1), f32([1.0])),
        lambda chip: chip.write_parameters(np.zeros(3)),
        lambda chip: chip.load_samples(np.zeros((9, 1), "f4"), np.zeros((9, 1), "f4")),
    ],
)
def test_arrays_that_do_not_fit_are_refused_before_sending(lab, call):
    script, chip = lab.scripted(*lab.OPENING, *lab.closing(0))
    with chip, pytest.raises((ConfigurationError, CapabilityError), match=lab.RESOURCE):
        call(chip)
    assert script.exchanges == []
