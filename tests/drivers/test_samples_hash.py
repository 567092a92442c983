"""Samples that are loaded are compared with what the device says that it holds."""

from __future__ import annotations

import json

import numpy as np
import pytest

from drivers.scpi import scpi_chip
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ChipError, LinkError
from sim_instruments.emulated import EmulatedChip
from sim_instruments.network import MultilayerPerceptron
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.visa_library import simulated_library

INPUTS = np.array([[0], [1]], np.float32)
DESCRIPTION = json.dumps(
    {"name": "line", "groups": [{"name": "w", "count": 2}], "inputs": 1, "outputs": 1,
     "sample_memory": 8, "largest_block": 4, "features": ["samples_hash"]}
).encode()  # fmt: skip
DESCRIBED = (b"CHIP:DESC?\n", b"#3%d" % len(DESCRIPTION) + DESCRIPTION + b"\n")


def load(lab, number):
    """Both samples, as request `number`."""
    head = bytes([number, 0, 0, 0])
    body = "11 00 0000 00000000 02000000 00000000 02000000 00000000 0000803f 00000000 0000803f"
    return (
        b"EXCH? #244" + lab.sealed(head + bytes.fromhex(body)) + b"\n",
        b"#220" + lab.sealed(head + bytes.fromhex("04030201 00000000 00000000")) + b"\n",
    )


def asked(lab, number, held):
    """SAMPLES_HASH as request `number`, and an answer."""
    head = bytes([number, 0, 0, 0])
    reply = head + bytes.fromhex("04030201 00000000 01000000" + held)
    return (
        b"EXCH? #220" + lab.sealed(head + bytes.fromhex("1a 00 0000 00000000 00000000")) + b"\n",
        b"#228" + lab.sealed(reply) + b"\n",
    )


RIGHT = "00004008feb4dd41"
WRONG = "00004008feb4dd40"


def scripted(lab, *exchanges, last, sequence=1):
    opening = [DESCRIBED if each is lab.DESCRIBED else each for each in lab.OPENING]
    return lab.scripted(*opening, *exchanges, *lab.closing(last), sequence=sequence)


def test_as_on_the_protocol_page(lab):
    literal = (
        lab.message(
            "#220 0d000000 1a 00 0000 00000000 00000000 910cde03",
            "#228 0d000000 04030201 00000000 01000000 00004008feb4dd41 183008c3",
        ),
    )
    script, chip = scripted(lab, load(lab, 12), lab.NO_ERROR, *literal, last=13, sequence=11)
    with chip:
        chip.load_samples(INPUTS, INPUTS)
        assert chip.take_recoveries() == []
    assert script.exchanges == []


def test_all_is_sent_again_where_the_device_holds_something_else(lab):
    exchanges = [
        load(lab, 2), lab.NO_ERROR, asked(lab, 3, WRONG),
        load(lab, 4), lab.NO_ERROR, asked(lab, 5, RIGHT),
    ]  # fmt: skip
    script, chip = scripted(lab, *exchanges, last=5)
    with chip:
        chip.load_samples(INPUTS, INPUTS)
        (recovery,) = chip.take_recoveries()
    assert recovery.kind == "samples_differ"
    assert "1993603105" in recovery.message
    assert script.exchanges == []


def test_a_memory_that_stays_wrong_is_an_error(lab):
    exchanges = [
        load(lab, 2), lab.NO_ERROR, asked(lab, 3, WRONG),
        load(lab, 4), lab.NO_ERROR, asked(lab, 5, "000000000000f87f"),
    ]  # fmt: skip
    script, chip = scripted(lab, *exchanges, last=5)
    with chip, pytest.raises(ChipError, match=r"of 2 loads .* of 2 samples none"):
        chip.load_samples(INPUTS, INPUTS)
    assert script.exchanges == []


class Forgetful(EmulatedChip):
    """Loses a bit of what it is given, so often."""

    failures = 0

    def load_samples(self, inputs, targets):
        super().load_samples(inputs, targets)
        if self.failures:
            self.failures -= 1
            self._inputs[-1, -1] += 1


@pytest.fixture
def restartable(lab):
    """A chip, a device before it, and a function that restarts the device."""
    chip = Forgetful(MultilayerPerceptron((2, 2, 1)))
    device = ScpiChipDevice(chip, serial="3")
    remote = scpi_chip(
        lab.settings(retries={"per_block": 3, "backoff_seconds": 0}),
        simulated_library({lab.RESOURCE: device}),
    )
    return chip, device, remote


def costs(remote):
    return remote.measure_dense(
        np.ones(9, np.float32), np.arange(6, dtype=np.uint32), np.ones((6, 9), np.float32)
    ).tolist()


def set_up(remote):
    rng = np.random.default_rng(3)
    remote.set_cost(CostFunction())
    inputs = rng.normal(size=(6, 2)).astype(np.float32)
    remote.load_samples(inputs, inputs[:, :1])


def test_after_a_restart_the_memory_is_compared_before_anything_is_measured(restartable):
    chip, device, remote = restartable
    with remote:
        set_up(remote)
        right = costs(remote)
        device.power_on()
        chip.failures = 2
        assert costs(remote) == right
        kinds = [recovery.kind for recovery in remote.take_recoveries()]
    assert kinds == ["not_restored", "not_restored", "restarted"]


def test_a_memory_that_stays_wrong_after_a_restart_ends_it(restartable):
    chip, device, remote = restartable
    with remote:
        set_up(remote)
        device.power_on()
        chip.failures = 100
        with pytest.raises(LinkError, match="CRC-32 of the samples that the chip holds"):
            costs(remote)


def test_the_hash_is_of_what_the_emulated_chip_holds():
    chip = Forgetful(MultilayerPerceptron((1, 1)))
    chip.load_samples(INPUTS, INPUTS)
    assert chip.samples_hash() == 0x76D3F821
    chip.failures = 1
    chip.load_samples(INPUTS, INPUTS)
    assert chip.samples_hash() != 0x76D3F821
