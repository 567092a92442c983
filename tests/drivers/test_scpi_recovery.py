"""Faults at every point of every SCPI exchange: the results are those of a run without faults."""

from __future__ import annotations

import random

import numpy as np
import pytest

from drivers.scpi import scpi_chip
from mgd_lab.costs import CostFunction
from mgd_lab.errors import IdentityError
from sim_instruments.emulated import emulated_chip
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.visa_library import simulated_library

P = 9
OPENING = 7
KINDS = (
    "request lost",
    "request corrupted",
    "answer lost",
    "answer late",
    "answer twice",
    "answer cut off",
    "answer corrupted",
    "garbage before",
    "restarted before",
    "restarted after",
)


def flipped(data, rng):
    at = rng.randrange(len(data) - 1)
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


class FaultyCore:
    """A device that does to the k-th message, or to its response, what it is told."""

    def __init__(self, chip, faults, **keys):
        self.chip, self.faults, self.keys = chip, faults, keys
        self.messages = 0
        self.late = b""
        self.rng = random.Random(3)
        self.restart()

    def restart(self):
        self.core = ScpiChipDevice(self.chip, serial="3", **self.keys)

    def overrun(self, reason):
        self.core.overrun(reason)

    def respond(self, message):
        self.messages += 1
        kind = self.faults.get(self.messages, "none")
        if kind == "restarted before":
            self.restart()
        if kind == "request lost":
            return b""
        if kind == "request corrupted":
            message = flipped(message, self.rng)
        answer = self.core.respond(message)
        came, self.late = self.late, b""
        return came + self.answered(answer, kind)

    def answered(self, answer, kind):
        match kind:
            case "answer lost":
                return b""
            case "answer late":
                self.late = answer
                return b""
            case "answer twice":
                return answer * 2
            case "answer cut off":
                return answer[: len(answer) // 2]
            case "answer corrupted":
                return flipped(answer, self.rng) if answer else b""
            case "garbage before":
                return b"noise\n" + answer
            case "restarted after":
                self.restart()
        return answer


def chip_with(lab, faults, per_block=6):
    core = FaultyCore(emulated_chip(lab.emulation()), faults)
    keys = {"retries": {"per_block": per_block, "backoff_seconds": 0}}
    return core, scpi_chip(lab.settings(**keys), simulated_library({lab.RESOURCE: core}))


def results(chip):
    """Bytes of what a chip gives in a short life."""
    rng = np.random.default_rng(4)
    inputs = rng.normal(size=(6, 2)).astype(np.float32)
    targets = rng.normal(size=(6, 1)).astype(np.float32)
    chip.set_cost(CostFunction("cross_entropy", 0.1))
    chip.load_samples(inputs, targets)
    chip.set_amplitudes(np.full(P, 0.05, np.float32))
    found = [chip.outputs(rng.normal(size=P), inputs)]
    for n in (1, 5):
        theta = rng.normal(size=P).astype(np.float32)
        samples = rng.integers(0, 6, n).astype(np.uint32)
        codes = rng.integers(0, 256, (n, 2)).astype(np.uint8)
        codes[:, 1] &= 1
        signs = rng.integers(-1, 2, n).astype(np.int8)
        moves = rng.normal(size=(n, P)).astype(np.float32)
        found.append(chip.measure_signs(theta, samples, signs, codes))
        found.append(chip.measure_dense(theta, samples, moves))
        found.append(chip.measure_dense(theta, samples, -moves))
    chip.write_parameters(found[0][0] * np.ones(P))
    found.append(chip.read_parameters())
    return [part.tobytes() for part in found]


@pytest.fixture
def expected(lab):
    """Results and number of messages without a fault."""
    core, chip = chip_with(lab, {})
    with chip:
        found = results(chip)
        assert chip.take_recoveries() == []
        messages = core.messages
    return found, messages


@pytest.mark.parametrize("kind", KINDS)
def test_one_fault_anywhere(lab, expected, kind):
    told = 0
    for at in range(1, expected[1] + 1):
        core, chip = chip_with(lab, {at: kind})
        with chip:
            assert results(chip) == expected[0], at
            told += len(chip.take_recoveries())
        assert core.chip.read_parameters().tolist() == [0.0] * P
    # Some do no harm: a letter of another case, an error's text, a restart before a question.
    assert told > expected[1] / 2


def test_many_faults(lab, expected):
    for seed in range(30):
        rng = random.Random(seed)
        faults = {at: rng.choice(KINDS) for at in range(1, 300) if rng.random() < 0.08}
        _, chip = chip_with(lab, faults, per_block=30)
        with chip:
            assert results(chip) == expected[0], seed


def test_another_instrument_after_a_fault_is_refused(lab):
    core, chip = chip_with(lab, {OPENING + 1: "answer lost"})
    with chip, pytest.raises(IdentityError, match=r"serial.*was .3. and is now .4."):  # noqa: PT012
        core.core = ScpiChipDevice(core.chip, serial="4")
        try:
            chip.read_parameters()
        finally:
            core.restart()
