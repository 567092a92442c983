"""The device core: literal transcripts of the protocol page, and what it refuses."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgd_lab.chip import ChipDescription, ParameterGroup, TelemetryChannel
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ChipError, ConfigurationError, LimitError
from mgd_lab.experiment.emulation import NetworkSettings
from mgd_lab.experiment.imperfections import Imperfections
from mgd_lab.wire import (
    Amplitudes,
    Costs,
    Dense,
    Outputs,
    ReadParameters,
    Samples,
    SamplesHash,
    SetCost,
    Signs,
    WriteParameters,
    exchange_message,
)
from sim_instruments.scpi_chip import INSTRUMENT, ScpiChipDevice

PAGE = Path(__file__).parents[2] / "docs" / "protocol-scpi.md"


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
        simulated=True,
    )

    def __init__(self):
        self.register = np.array([3.0, 4.0])
        self.limits = np.full(2, -np.inf), np.full(2, np.inf)
        self.on = True

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        pass

    def write_parameters(self, values):
        if values[0] > 100:
            raise ChipError("the DAC does not answer")
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

    def outputs(self, parameters, inputs):
        return parameters[0] * inputs.astype(np.float64) + parameters[1]

    def set_cost(self, cost):
        self.cost = cost

    def costs(self, parameters, inputs, targets):
        return self.cost(self.outputs(parameters, inputs), targets)

    def load_samples(self, inputs, targets):
        self.samples = inputs, targets

    def samples_hash(self):
        return zlib.crc32(b"".join(part.tobytes() for part in self.samples))

    def measure_dense(self, theta, samples, perturbations):
        moved = theta.astype(np.float64) + perturbations
        inputs, targets = self.samples
        return self.cost(moved[:, :1] * inputs[samples] + moved[:, 1:], targets[samples])

    def set_amplitudes(self, amplitudes):
        self.amplitudes = amplitudes

    def measure_signs(self, theta, samples, signs, packed_codes):
        bits = np.unpackbits(packed_codes, axis=1, count=2, bitorder="little")
        codes = 2 * bits.astype(np.float32) - 1
        return self.measure_dense(theta, samples, codes * self.amplitudes * signs[:, None])


class BareChip:
    """No capability at all."""

    description = LineChip.description

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        pass


def device():
    return ScpiChipDevice(LineChip(), serial="7", firmware="1.0", epoch=0x01020304)


def bytes_of(line):
    """A transcript line: quoted text and hexadecimal groups."""
    data = b""
    for text, digits in re.findall(r'"((?:[^"\\]|\\.)*)"|([0-9a-f]+)', line):
        escaped = text.replace(r"\n", "\n").replace(r"\"", '"')
        data += escaped.encode("ascii") if not digits else bytes.fromhex(digits)
    return data


def page_lines():
    page = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```transcript\n(.*?)```", page, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_page_transcripts():
    core, owed, exchanges = device(), b"", 0
    for line in page_lines():
        if line.startswith(">"):
            assert owed == b"", line
            owed = core.respond(bytes_of(line[1:]))
        else:
            assert line.startswith("<")
            assert owed == bytes_of(line[1:]), line
            owed, exchanges = b"", exchanges + 1
    assert owed == b""
    assert exchanges >= 16


def set_up(core):
    xs = np.array([[0], [1]], np.float32)
    for request in (
        SetCost(CostFunction()),
        Samples(0, 2, xs, xs),
        Amplitudes(np.array([0.5, 0.25], np.float32)),
    ):
        assert status(core, request) == 0


def status(core, request):
    reply = core.respond(exchange_message(request.encode(1)))
    return int.from_bytes(reply[4 + 8 : 4 + 12], "little", signed=True)


THETA = np.array([1, 2], np.float32)
ONE = np.zeros(1, np.uint32)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Dense(1, THETA, ONE, np.zeros((1, 2), np.float32)), 0),
        (Dense(2, None, ONE, np.zeros((1, 2), np.float32)), -221),
        (Dense(0, THETA, ONE, np.zeros((1, 2), np.float32)), -222),
        (Dense(1, THETA, ONE + 2, np.zeros((1, 2), np.float32)), -222),
        (Dense(1, THETA, np.zeros(5, np.uint32), np.zeros((5, 2), np.float32)), -222),
        (Dense(1, THETA, ONE, np.zeros((1, 3), np.float32)), -161),
        (Signs(1, THETA, ONE, np.array([2], np.int8), np.zeros((1, 1), np.uint8)), -161),
        (Samples(0, 9, np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32)), -222),
        (Samples(1, 2, np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32)), -221),
        (WriteParameters(np.array([101.0, 0.0])), -240),
        (WriteParameters(np.array([1.0])), -161),
        (Amplitudes(np.zeros(3, np.float32)), -161),
    ],
)
def test_status_of(request_, expected):
    core = device()
    set_up(core)
    assert status(core, request_) == expected
    queued = core.respond(b"SYST:ERR?\n")
    assert queued.startswith(b"%d," % expected)
    assert core.respond(b"SYST:ERR?\n") == b'0,"No error"\n'


def test_refused_request_keeps_the_theta_that_was_held():
    core = device()
    set_up(core)
    none = np.zeros((1, 2), np.float32)
    assert status(core, Dense(1, THETA, ONE, none)) == 0
    assert status(core, Dense(2, THETA, ONE + 7, none)) == -222
    assert status(core, Dense(2, None, ONE, none)) == -221
    assert status(core, Dense(1, None, ONE, none)) == 0


@pytest.mark.parametrize(
    "request_",
    [
        Costs(np.zeros(2), np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32)),
        Dense(1, THETA, ONE, np.zeros((1, 2), np.float32)),
        Signs(1, THETA, ONE, np.zeros(1, np.int8), np.zeros((1, 1), np.uint8)),
    ],
)
def test_measuring_before_setting_up_is_refused(request_):
    core = device()
    assert status(core, request_) == -221
    set_up(core)
    assert status(core, request_) == 0
    core.respond(b"*RST\n")
    assert status(core, request_) == -221


@pytest.mark.parametrize(
    "request_",
    [
        Outputs(np.zeros(2), np.zeros((1, 1), np.float32)),
        ReadParameters(),
        SetCost(CostFunction()),
    ],
)
def test_missing_capability_is_refused(request_):
    core = ScpiChipDevice(BareChip(), epoch=1)
    assert status(core, request_) == -221
    assert core.respond(b"*RST\n") == b""


def test_the_hash_of_an_incomplete_load_is_refused():
    core = device()
    assert status(core, SamplesHash()) == -221
    set_up(core)
    assert status(core, SamplesHash()) == 0
    first_of_two = Samples(0, 2, np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))
    assert status(core, first_of_two) == 0
    assert status(core, SamplesHash()) == -221


def test_reset_puts_parameters_to_safe_values():
    chip = LineChip()
    core = ScpiChipDevice(chip)
    assert core.respond(b"*RST;*OPC?\n") == b"1\n"
    assert chip.register.tolist() == [0.0, 0.0]


def test_samples_in_parts_and_a_part_sent_twice():
    chip = LineChip()
    core = ScpiChipDevice(chip)
    xs = np.arange(4, dtype=np.float32).reshape(4, 1)
    for first, last in ((0, 2), (2, 3), (2, 3)):
        assert status(core, Samples(first, 4, xs[first:last], -xs[first:last])) == 0
    assert not hasattr(chip, "samples")
    assert status(core, Samples(3, 4, xs[3:], -xs[3:])) == 0
    assert chip.samples[0].tolist() == xs.tolist()
    assert chip.samples[1].tolist() == (-xs).tolist()


def test_two_devices_have_epochs_of_their_own():
    assert ScpiChipDevice(LineChip()).respond(b"CHIP:EPOC?\n") != ScpiChipDevice(
        LineChip()
    ).respond(b"CHIP:EPOC?\n")


def test_error_queue_overflows_at_sixteen():
    core = device()
    for _ in range(20):
        assert core.respond(b"VOLT 1\n") == b""
    errors = [core.respond(b"SYST:ERR?\n") for _ in range(17)]
    assert all(error.startswith(b"-113,") for error in errors[:15])
    assert errors[15:] == [b'-350,"Queue overflow"\n', b'0,"No error"\n']


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"VOLT?\n", b"-113"),
        (b"*IDN? 3\n", b"-108"),
        (b"EXCH?\n", b"-109"),
        (b"EXCH? 12\n", b"-109"),
        (b"EXCH? #3100abc\n", b"-102"),
        (b"?\xff\n", b"-102"),
        (b'VOLT "a\n', b"-102"),
        (b"EXCH? #13abc!\n", b"-102"),
    ],
)
def test_bad_message_is_queued_and_not_answered(message, code):
    core = device()
    assert core.respond(message) == b""
    assert core.respond(b"SYST:ERR?\n").startswith(code + b",")


@given(st.binary(max_size=80))
def test_any_bytes_are_survived(data):
    core = device()
    core.respond(data)
    core.respond(exchange_message(data))
    assert core.respond(b"*OPC?\n") == b"1\n"


class Keys:
    driver, name, seed, network = "scpi", "", 5, NetworkSettings(layers=(2, 2, 1))
    precision, engine, latency_seconds, record_extremes = "float64", "auto", 0.0, False
    device, probes_together, imperfections = "auto", None, None


def test_instrument_is_built_from_the_settings():
    core = INSTRUMENT.build(Keys())
    assert re.fullmatch(rb"MGD Lab,emulated chip,5,[0-9.a-z]+\n", core.respond(b"*IDN?\n"))


def test_imperfections_are_told():
    keys = Keys()
    keys.imperfections = Imperfections(crosstalk=0.1)
    answer = INSTRUMENT.build(keys).respond(b"*IDN?\n")
    assert re.match(rb"MGD Lab,emulated chip with imperfections [0-9a-f]{8},5,", answer)


def test_instrument_without_network_is_refused():
    keys = Keys()
    keys.network = None
    with pytest.raises(ConfigurationError, match="network"):
        INSTRUMENT.build(keys)
