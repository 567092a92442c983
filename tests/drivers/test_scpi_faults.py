"""Replies that cannot be trusted, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.scpi import scpi_chip
from mgd_lab.costs import CostFunction
from mgd_lab.errors import (
    CapabilityError,
    ConfigurationError,
    InstrumentError,
    LimitError,
    LinkError,
)
from sim_instruments.emulated import emulated_chip
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.visa_library import simulated_library

P, I, O = 9, 2, 1  # noqa: E741


def f32(*rows):
    return np.array(rows, np.float32)


def u32(*values):
    return np.array(values, np.uint32)


COST = bytes.fromhex("12 00 0000 00000000 00000000 00 00 0000 00000000 0000000000000000")
ERROR = (b"SYST:ERR?\n", b'-222,"Data out of range"\n')


def cost_set(lab, number):
    sequence = number.to_bytes(4, "little")
    reply = sequence + bytes.fromhex("04030201 00000000 00000000")
    return (
        b"EXCH? #236" + lab.sealed(sequence + COST) + b"\n",
        b"#220" + lab.sealed(reply) + b"\n",
    )


def test_errors_after_setting_up_stop_when_they_come_twice(lab):
    twice = [cost_set(lab, 1), ERROR, lab.NO_ERROR, cost_set(lab, 2), ERROR, lab.NO_ERROR]
    script, chip = lab.scripted(*lab.OPENING, *twice, *lab.closing(2))
    with pytest.raises(InstrumentError, match='-222,"Data out of range"'), chip:
        chip.set_cost(CostFunction())
    assert script.exchanges == []


def test_error_that_does_not_come_again_is_told(lab):
    # Its text has no checksum, and the reply, which has one, said that all was well.
    once = [cost_set(lab, 1), ERROR, lab.NO_ERROR, cost_set(lab, 2), lab.NO_ERROR]
    _, chip = lab.scripted(*lab.OPENING, *once, *lab.closing(2))
    with chip:
        chip.set_cost(CostFunction())
        (found,) = chip.take_recoveries()
        assert found.kind == "doubted_error"
        assert "-222" in found.message
        assert chip.take_recoveries() == []


def test_refusal_names_the_error_and_theta_is_sent_again(lab):
    with lab.at_sim() as chip:
        chip.set_cost(CostFunction())
        chip.load_samples(np.zeros((2, I), np.float32), np.zeros((2, O), np.float32))
        theta, moves = np.ones(P, np.float32), np.zeros((1, P), np.float32)
        with pytest.raises(LimitError, match=r"DENSE.*-222.*sample 5"):
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


ARGUMENTS = f32(2, -1), u32(0, 1), f32([0, 0], [0.5, -0.25])


@pytest.mark.parametrize("kind", BAD_REPLIES)
def test_bad_reply_is_never_used_and_the_whole_block_is_measured_again(lab, kind):
    # The chip is opened again, since the true reply may still come.
    bad = (lab.DENSE[0], BAD_REPLIES[kind](lab.DENSE[1]))
    script, chip = lab.scripted(
        *lab.OPENING,
        bad,
        *lab.REOPENING,
        lab.DENSE_REPEATED,
        *lab.closing_after_a_fault(6),
        sequence=4,
    )
    with chip:
        assert chip.measure_dense(*ARGUMENTS).tolist() == [1.0, 0.0625]
        (recovery,) = chip.take_recoveries()
        assert recovery.kind == ("timeout" if kind == "empty" else "link_fault")
        assert lab.RESOURCE in recovery.message
        assert "block of 2 probes" in recovery.message
        assert recovery.remeasured_probes == 2
    assert script.exchanges == []


@pytest.mark.parametrize("kind", BAD_REPLIES)
def test_faults_beyond_the_retries_are_an_error_and_the_chip_is_made_safe(lab, kind):
    bad = (lab.DENSE[0], BAD_REPLIES[kind](lab.DENSE[1]))
    script, chip = lab.scripted(
        *lab.OPENING,
        bad,
        *lab.REOPENING,
        *lab.closing_after_a_fault(5),
        sequence=4,
        retries={"per_block": 0},
    )
    with pytest.raises(LinkError, match=r"retries\.per_block") as caught, chip:
        chip.measure_dense(*ARGUMENTS)
    assert lab.RESOURCE in str(caught.value)
    assert script.exchanges == []


def test_reply_of_another_request_says_so(lab):
    body = bytes.fromhex("04000000 04030201 00000000 02000000") + bytes(16)
    late = lab.DENSE[0], b"#236" + lab.sealed(body) + b"\n"
    _, chip = lab.scripted(
        *lab.OPENING,
        late,
        *lab.REOPENING,
        *lab.closing_after_a_fault(5),
        sequence=4,
        retries={"per_block": 0},
    )
    with chip, pytest.raises(LinkError, match="request 4, not to 5"):
        chip.measure_dense(*ARGUMENTS)


def test_repeated_reply_is_never_paired_with_the_next_request(lab):
    twice = (lab.DENSE[0], lab.DENSE[1] * 2)
    body = bytes.fromhex(
        "07000000 03 01 0000 02000000 01000000 00000040 000080bf 01000000 000000bf 0000803e"
    )
    reply = bytes.fromhex("07000000 04030201 00000000 01000000 000000000000b03f")
    again = b"EXCH? #240" + lab.sealed(body) + b"\n", b"#228" + lab.sealed(reply) + b"\n"
    _, chip = lab.scripted(
        *lab.OPENING,
        twice,
        lab.DENSE_AGAIN,
        *lab.REOPENING,
        again,
        *lab.closing_after_a_fault(7),
        sequence=4,
    )
    with chip:
        chip.measure_dense(*ARGUMENTS)
        assert chip.measure_dense(f32(2, -1), u32(1), f32([-0.5, 0.25])).tolist() == [0.0625]
        assert len(chip.take_recoveries()) == 1


def test_request_that_the_device_received_damaged_is_sent_again(lab):
    damaged = bytes.fromhex("05000000 04030201 5fffffff 02000000") + bytes.fromhex(
        "000000000000f87f 000000000000f87f"
    )
    refused = lab.DENSE[0], b"#236" + lab.sealed(damaged) + b"\n"
    script, chip = lab.scripted(
        *lab.OPENING,
        refused,
        *lab.REOPENING,
        lab.DENSE_REPEATED,
        *lab.closing_after_a_fault(6),
        sequence=4,
    )
    with chip:
        assert chip.measure_dense(*ARGUMENTS).tolist() == [1.0, 0.0625]
    assert script.exchanges == []


def test_interrupted_exchange_is_passed_over(lab):
    def interrupt(message):
        raise KeyboardInterrupt

    core = ScpiChipDevice(emulated_chip(lab.emulation()))
    chip = scpi_chip(lab.settings(), simulated_library({lab.RESOURCE: core}))
    with chip:
        respond, core.respond = core.respond, interrupt
        with pytest.raises(KeyboardInterrupt):
            chip.read_parameters()
        core.respond = respond
        assert chip.read_parameters().tolist() == [0.0] * P
        (recovery,) = chip.take_recoveries()
        assert "cut short" in recovery.message
        assert recovery.remeasured_probes == 0


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
