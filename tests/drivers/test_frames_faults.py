"""Faults at every point of every exchange: the results are those of a run without faults."""

from __future__ import annotations

import random

import numpy as np
import pytest

from drivers.frames_link import FramesLink
from drivers.link_settings import RetrySettings
from drivers.remote_chip import RemoteChip
from mgd_lab.chip import LearningProgram, ProbeProgram
from mgd_lab.costs import CostFunction
from mgd_lab.errors import InstrumentError, LinkError, LinkTimeoutError
from sim_instruments.emulated import emulated_chip
from sim_instruments.frames_chip import FramesDevice

P = 9
OPENING = 3
"""Writes of an opening: PING, HELLO, PING."""


def flipped(data, rng):
    at = rng.randrange(len(data) - 1)
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


class FaultyPort:
    """A serial port in memory that does to the k-th write, or to its answer, what it is told."""

    port = "/dev/ttyFAULTY"

    def __init__(self, device, faults=None):
        self.device = device
        self.faults = faults or {}
        self.writes = 0
        self.is_open = False
        self.unplugged = 0
        self.incoming = b""
        self.late = b""
        self.rng = random.Random(5)

    def open(self):
        if self.unplugged:
            self.unplugged -= 1
            raise LinkError(f"chip ({self.port}): open failed")
        self.is_open, self.incoming = True, b""

    def close(self):
        self.is_open = False

    def forget_input(self):
        self.incoming = b""

    def line_seconds(self, count):
        return 0.0

    def read(self, seconds):
        if self.unplugged:
            raise LinkError(f"chip ({self.port}): read failed")
        data, self.incoming = self.incoming, b""
        return data

    def silence(self, started):
        return LinkTimeoutError(f"chip ({self.port}): read timed out")

    def write(self, data):
        self.writes += 1
        kind = self.faults.get(self.writes, "none")
        if kind == "unplugged":
            self.unplugged = 2
        if self.unplugged or kind == "not sent":
            raise LinkError(f"chip ({self.port}): write failed")
        if kind == "half sent":
            self.device.receive(data[: len(data) // 2])
            raise LinkError(f"chip ({self.port}): write timed out")
        if kind == "restarted before":
            self.device.power_on()
        if kind == "request corrupted":
            data = flipped(data, self.rng)
        if kind == "request lost":
            data = b""
        if kind == "request twice":
            data = data * 2
        answer = self.device.receive(data)
        came, self.late = self.late, b""
        self.incoming += came + self._answered(answer, kind)

    def _answered(self, answer, kind):
        match kind:
            case "answer lost":
                return b""
            case "answer twice":
                return answer * 2
            case "answer cut off":
                return answer[: len(answer) // 2]
            case "answer corrupted":
                return flipped(answer, self.rng) if answer else b""
            case "answer late":
                self.late = answer
                return b""
            case "garbage before":
                return b"\x07noise\0" + answer
            case "restarted after":
                self.device.power_on()
        return answer


KINDS = (
    "not sent",
    "half sent",
    "request lost",
    "request corrupted",
    "request twice",
    "answer lost",
    "answer late",
    "answer twice",
    "answer cut off",
    "answer corrupted",
    "garbage before",
    "restarted before",
    "restarted after",
    "unplugged",
)


def chip_with(lab, faults, **retries):
    port = FaultyPort(FramesDevice(emulated_chip(lab.emulation())), faults)
    keys = {"per_block": 4, "backoff_seconds": 0, **retries}
    link = FramesLink(port, "chip", 0.0, sequence=2**32 - 20)
    return port, RemoteChip(link, retries=RetrySettings(**keys))


def program():
    return ProbeProgram(
        kind="random", seed=3, amplitudes=np.full(P, 0.05, np.float32), tau_p=2, tau_x=3,
        tau_theta=4, batch=1, baseline="measured", baseline_refresh_steps=0, order="shuffled",
        samples=6,
    )  # fmt: skip


def results(chip):
    """Bytes of all that a chip gives in a short life."""
    rng = np.random.default_rng(4)
    inputs = rng.normal(size=(6, 2)).astype(np.float32)
    targets = rng.normal(size=(6, 1)).astype(np.float32)
    found = []
    chip.write_parameters(rng.normal(size=P))
    found.append(chip.read_parameters())
    chip.set_cost(CostFunction("cross_entropy", 0.1))
    chip.load_samples(inputs, targets)
    chip.set_amplitudes(np.full(P, 0.05, np.float32))
    chip.configure_probes(program())
    found.append(chip.outputs(rng.normal(size=P), inputs))
    found.append(chip.costs(rng.normal(size=P), inputs, targets))
    for n in (1, 5):
        theta = rng.normal(size=P).astype(np.float32)
        samples = rng.integers(0, 6, n).astype(np.uint32)
        codes = rng.integers(0, 256, (n, 2)).astype(np.uint8)
        codes[:, 1] &= 1
        signs = rng.integers(-1, 2, n).astype(np.int8)
        moves = rng.normal(size=(n, P)).astype(np.float32)
        found.append(chip.measure_dense(theta, samples, moves))
        found.append(chip.measure_signs(theta, samples, signs, codes))
        found.append(chip.measure_generated(theta, 8 * n, 0, n))
        found.append(chip.measure_dense(theta, samples, -moves))
    return [part.tobytes() for part in found]


@pytest.fixture
def expected(lab):
    """Results and number of writes without a fault."""
    port, chip = chip_with(lab, {})
    with chip:
        found = results(chip)
        assert chip.take_recoveries() == []
        writes = port.writes
    with emulated_chip(lab.emulation()) as here:
        assert results(here) == found
    assert port.device._chip.read_parameters().tolist() == [0.0] * P
    return found, writes


@pytest.mark.parametrize("kind", KINDS)
def test_one_fault_anywhere(lab, expected, kind):
    for at in range(1, expected[1] + 1):
        port, chip = chip_with(lab, {at: kind})
        with chip:
            assert results(chip) == expected[0], at
            recoveries = chip.take_recoveries()
        if OPENING < at < expected[1]:
            assert recoveries, at
        assert port.device._chip.read_parameters().tolist() == [0.0] * P


def test_many_faults(lab, expected):
    told = 0
    for seed in range(60):
        rng = random.Random(seed)
        faults = {at: rng.choice(KINDS) for at in range(1, 200) if rng.random() < 0.15}
        _, chip = chip_with(lab, faults, per_block=20)
        with chip:
            assert results(chip) == expected[0], seed
            told += len(chip.take_recoveries())
    assert told > 100


def test_restart_is_told_and_everything_is_set_up_again(lab, expected):
    _, chip = chip_with(lab, {expected[1] - 2: "restarted before"})
    with chip:
        results(chip)
        (recovery,) = chip.take_recoveries()
    assert recovery.kind == "restarted"
    assert "set up again" in recovery.message
    assert recovery.remeasured_probes == 5
    assert recovery.elapsed_seconds >= 0


def test_learning_goes_on_after_a_restart_from_the_last_snapshot(lab):
    learning = LearningProgram(
        probes=program(), algorithm="discrete", tau_hp=1.0, tau_theta_filter=1.0, rule="momentum",
        momentum=0.9, beta1=0.9, beta2=0.999, epsilon=1e-8, scale_by=1, rate=0.5,
        rate_kind="constant", rate_steps=1, final_fraction=0.0, lowest=np.full(P, -np.inf),
        highest=np.full(P, np.inf), on_update="refuse",
    )  # fmt: skip

    def learnt(faults):
        port, chip = chip_with(lab, faults)
        with chip:
            chip.set_cost(CostFunction())
            chip.load_samples(np.eye(6, 2, dtype=np.float32), np.eye(6, 1, dtype=np.float32))
            chip.configure_learning(learning, np.full(P, 0.3))
            states = []
            for step in (8, 16, 24):
                chip.advance(step)
                states.append(chip.snapshot().tobytes())
            return states, port.writes

    plain, writes = learnt({})
    assert len(set(plain)) == 3
    for kind in ("restarted before", "restarted after", "answer lost", "request twice"):
        for at in range(1, writes + 1):
            assert learnt({at: kind})[0] == plain, (kind, at)


def test_retries_end_in_an_error_that_names_the_block(lab):
    faults = dict.fromkeys(range(OPENING + 1, 1000), "answer lost")
    waits = []
    port, chip = chip_with(lab, faults, per_block=3, backoff_seconds=0.1)
    chip._recoverer._sleep = waits.append
    with (
        pytest.raises(
            LinkTimeoutError, match=r"reading θ failed, and 3 repeats.*timed out"
        ) as caught,
        chip,
    ):
        chip.read_parameters()
    assert waits[:3] == [0.1, 0.2, 0.4]
    assert [each.kind for each in chip.take_recoveries()][:1] == ["not_restored"]
    assert any("by hand" in note for note in caught.value.__notes__)
    assert not port.is_open


def test_success_gives_the_retries_back(lab):
    faults = {OPENING + 1 + 4 * k: "answer lost" for k in range(10)}
    _, chip = chip_with(lab, faults, per_block=1)
    with chip:
        for _ in range(10):
            chip.read_parameters()
        assert len(chip.take_recoveries()) == 10


def test_refusals_are_not_retried(lab):
    port, chip = chip_with(lab, {})
    with chip:
        before = port.writes
        with pytest.raises(InstrumentError, match=r"DENSE.*-221.*before a cost function is set"):
            chip.measure_dense(
                np.ones(P, np.float32), np.zeros(1, np.uint32), np.ones((1, P), np.float32)
            )
        assert port.writes == before + 1
        assert chip.take_recoveries() == []


def test_theta_that_the_device_lost_is_sent_again(lab):
    # As when a duplicate of an earlier request comes late.
    port, chip = chip_with(lab, {})
    with chip:
        chip.set_cost(CostFunction())
        chip.load_samples(np.ones((1, 2), np.float32), np.ones((1, 1), np.float32))
        arguments = np.ones(P, np.float32), np.zeros(1, np.uint32), np.ones((1, P), np.float32)
        first = chip.measure_dense(*arguments)
        port.device._requests._theta_number = 77
        assert chip.measure_dense(*arguments) == first
        (recovery,) = chip.take_recoveries()
        assert "theta" in recovery.message


def test_closed_chip_is_not_opened_by_a_call(lab):
    port, chip = chip_with(lab, {})
    with chip:
        pass
    with pytest.raises(LinkError, match="not open"):
        chip.read_parameters()
    assert not port.is_open


@pytest.mark.parametrize("kind", ["answer lost", "request twice", "restarted before"])
def test_samples_in_several_parts(lab, kind):
    rng = np.random.default_rng(8)
    inputs = rng.normal(size=(12_000, 2)).astype(np.float32)
    arguments = np.ones(P, np.float32), np.arange(0, 12_000, 3_000, dtype=np.uint32)
    moves = np.zeros((4, P), np.float32)

    def costs(chip):
        chip.set_cost(CostFunction())
        chip.load_samples(inputs, inputs[:, :1])
        return chip.measure_dense(*arguments, moves).tolist()

    with emulated_chip(lab.emulation()) as here:
        expected = costs(here)
    for at in range(OPENING + 1, OPENING + 6):
        _, chip = chip_with(lab, {at: kind})
        with chip:
            assert costs(chip) == expected, at
            assert len(chip.take_recoveries()) <= 1
