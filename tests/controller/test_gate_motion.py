"""Parameters move no faster than their slew and are written no more often than their budget."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.chip import (
    SNAPSHOT_HEAD,
    ChipDescription,
    LearningProgram,
    ParameterGroup,
    ProbeProgram,
    snapshot_length,
)
from mgd_lab.controller import Envelope, gated
from mgd_lab.errors import ChipError, LimitError

AMPLITUDE = 0.125
PLACE = np.zeros(1, np.uint32)
ONE_INPUT = np.zeros((1, 1), np.float32)
TARGET = np.zeros((1, 1), np.float32)


class Clock:
    """Time passes in sleep, and in the chip."""

    def __init__(self) -> None:
        self.now = 5.0

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class MovingChip:
    """Keeps when its parameters were where, ± how much: (since, until, θ, swing)."""

    def __init__(self, clock: Clock, **group: Any) -> None:
        self.clock = clock
        self.description = ChipDescription(
            name="slow chip",
            groups=(ParameterGroup("heaters", 2, unit="mA", low=-2.0, high=2.0, **group),),
            inputs=1,
            outputs=1,
            sample_memory=4,
        )
        self.identity: dict[str, str] = {}
        self.register = np.zeros(2)
        self.amplitudes = np.zeros(2)
        self.path = [(clock.now, clock.now, self.register, np.zeros(2))]
        self.fault: Exception | None = None

    def __enter__(self):
        return self

    def __exit__(self, *ending):
        pass

    def _present(self, values, swing=0.0, seconds=0.003):
        if self.fault is not None:
            raise self.fault
        self.register = values.astype(np.float64)
        since = self.clock.now
        self.clock.now += seconds
        self.path.append((since, self.clock.now, self.register, np.full(2, swing)))
        return np.zeros(1)

    def write_parameters(self, values):
        self._present(values, seconds=0.001)

    def read_parameters(self):
        return self.register.copy()

    def outputs(self, parameters, inputs):
        return self._present(parameters)

    def set_cost(self, cost):
        pass

    def costs(self, parameters, inputs, targets):
        return self._present(parameters)

    def load_samples(self, inputs, targets):
        pass

    def measure_dense(self, theta, samples, perturbations):
        return self._present(theta, np.abs(perturbations).max())

    def set_amplitudes(self, amplitudes):
        pass

    def measure_signs(self, theta, samples, signs, packed_codes):
        return self._present(theta, AMPLITUDE)

    def configure_probes(self, program):
        pass

    def measure_generated(self, theta, first_step, skip, count):
        return self._present(theta, AMPLITUDE)

    def configure_learning(self, program, theta):
        self._present(theta, AMPLITUDE)

    def advance(self, step):
        self.steps = step

    def snapshot(self):
        return np.zeros(snapshot_length(2))

    def restore(self, snapshot):
        pass

    def switch_outputs(self, on):
        self.register = np.array([1.5, -1.5])

    def outputs_are_on(self):
        return True


def _program(tau_theta: int = 1) -> ProbeProgram:
    amplitudes = np.full(2, AMPLITUDE, np.float32)
    return ProbeProgram("random", 1, amplitudes, 1, 1, tau_theta, 1, "measured", 0, "shuffled", 4)


def _learning(tau_theta: int = 1, algorithm: Any = "discrete") -> LearningProgram:
    edge = np.full(2, 1.75)
    numbers = (0.0, 0.0, "sgd", 0.9, 0.9, 0.999, 1e-8, 1, 0.1, "constant", 1, 0.0)
    return LearningProgram(_program(tau_theta), algorithm, *numbers, -edge, edge, "refuse")


def _gated(**group: Any) -> tuple[Any, MovingChip]:
    clock = Clock()
    chip = MovingChip(clock, **group)
    envelope = Envelope(chip.description, np.full(2, AMPLITUDE, np.float32), "refuse")
    gate: Any = gated(chip, envelope, clock=clock, sleep=clock.sleep)
    gate.set_amplitudes(np.full(2, AMPLITUDE, np.float32))
    gate.configure_probes(_program())
    return gate, chip


def _go(gate: Any, how: str, theta: list[float]) -> None:
    wide, narrow = np.array(theta), np.array(theta, np.float32)
    match how:
        case "write":
            gate.write_parameters(wide)
        case "outputs":
            gate.outputs(wide, ONE_INPUT)
        case "costs":
            gate.costs(wide, ONE_INPUT, TARGET)
        case "dense":
            gate.measure_dense(narrow, PLACE, np.full((1, 2), AMPLITUDE, np.float32))
        case "signs":
            gate.measure_signs(narrow, PLACE, np.ones(1, np.int8), np.zeros((1, 1), np.uint8))
        case _:
            gate.measure_generated(narrow, 0, 0, 1)


ways = st.sampled_from(["write", "outputs", "costs", "dense", "signs", "generated"])
thetas = st.lists(st.floats(-1.75, 1.75, width=32), min_size=2, max_size=2)


@settings(max_examples=60)
@given(st.lists(st.tuples(ways, thetas), min_size=1, max_size=5), st.floats(2.0, 500.0))
def test_no_way_is_faster_than_the_slew(moves, slew):
    gate, chip = _gated(slew_per_second=slew)
    for how, theta in moves:
        _go(gate, how, theta)
        np.testing.assert_array_equal(chip.register, theta)
    for before, after in zip(chip.path, chip.path[1:], strict=False):
        seconds = after[0] - before[1]
        far = np.abs(after[2] - before[2]) + before[3] + after[3]
        assert (far <= slew * seconds + 1e-9).all()
        # Long moves go in small steps.
        assert (np.abs(after[2] - before[2]) <= slew * 0.02 + 1e-9).all()


def test_no_more_time_is_taken_than_is_needed():
    gate, chip = _gated(slew_per_second=100.0)
    _go(gate, "outputs", [1.0, 0.0])
    began = chip.clock.now
    _go(gate, "outputs", [1.0, 0.5])
    assert chip.clock.now - began == pytest.approx(0.5 / 100 + 0.003)
    _go(gate, "outputs", [1.0, 0.5])
    assert chip.clock.now - began == pytest.approx(0.5 / 100 + 0.006)
    assert len(chip.path) == 4


def test_after_a_fault_the_chip_is_read_back():
    gate, chip = _gated(slew_per_second=10.0)
    _go(gate, "write", [0.1, 0.0])
    chip.fault = ChipError("gone")
    with pytest.raises(ChipError):
        _go(gate, "write", [0.2, 0.0])
    chip.fault = None
    # It went to its safe values by itself.
    chip.register = np.array([-1.0, 0.0])
    began = chip.clock.now
    _go(gate, "write", [0.2, 0.0])
    assert chip.clock.now - began >= 1.2 / 10


def test_after_switching_outputs_the_chip_is_read_back():
    gate, chip = _gated(slew_per_second=10.0)
    _go(gate, "write", [0.1, 0.0])
    gate.switch_outputs(True)
    began = chip.clock.now
    _go(gate, "write", [0.1, 0.0])
    assert chip.clock.now - began >= 1.5 / 10


def test_what_is_read_back_beyond_the_limits_goes_no_way_outside_them():
    gate, chip = _gated(slew_per_second=1.0, writes_budget=1000)
    chip.register = np.array([3.0, 0.0])
    chip.path.clear()
    began = chip.clock.now
    _go(gate, "write", [1.9, 0.0])
    values = [where[2][0] for where in chip.path]
    assert max(values) <= 2.0
    assert values[-1] == 1.9
    assert (np.diff(values) < 0).all()
    # The way back from outside takes its time too.
    assert chip.clock.now - began >= 1.1
    assert gate.writes == len(values)
    chip.register = np.array([3.0, 0.0])
    gate.switch_outputs(True)
    chip.register = np.array([3.0, 0.0])
    chip.path.clear()
    _go(gate, "write", [2.0, 0.0])
    assert [where[2][0] for where in chip.path] == [2.0]


def test_on_the_way_out_a_chip_that_does_not_tell_where_it_is_jumps():
    gate, chip = _gated(slew_per_second=1.0)
    chip.register = np.array([np.nan, 0.0])
    with pytest.raises(LimitError, match="no numbers"):
        _go(gate, "write", [0.0, 0.0])
    with gate.making_safe():
        _go(gate, "write", [0.0, 0.0])
        with pytest.raises(LimitError):
            _go(gate, "write", [np.nan, 0.0])
    np.testing.assert_array_equal(chip.register, [0.0, 0.0])


def test_a_chip_without_registers_cannot_keep_a_slew():
    class OutputsOnly:
        def __init__(self, chip):
            self.description, self.identity = chip.description, chip.identity
            self.outputs = chip.outputs

        def __enter__(self):
            return self

        def __exit__(self, *ending):
            pass

    clock = Clock()
    inner = MovingChip(clock, slew_per_second=1.0)
    envelope = Envelope(inner.description, np.full(2, AMPLITUDE, np.float32), "refuse")
    gate: Any = gated(OutputsOnly(inner), envelope, clock=clock, sleep=clock.sleep)
    with pytest.raises(LimitError, match=r"'slow chip'.*slew_per_second.*HoldsParameters"):
        _go(gate, "outputs", [0.0, 0.0])
    assert len(inner.path) == 1


def test_a_chip_that_learns_by_itself_keeps_no_slew():
    gate, chip = _gated(slew_per_second=1.0)
    with pytest.raises(LimitError, match=r"slew_per_second.*learns by itself"):
        gate.configure_learning(_learning(), np.zeros(2))
    assert len(chip.path) == 1


def test_writes_are_counted_once_for_a_value():
    gate, chip = _gated(writes_budget=5)
    for how, theta in (
        ("write", [0.5, 0.0]),
        ("outputs", [0.5, 0.0]),
        ("generated", [0.5, 0.0]),
        ("costs", [0.5, 0.25]),
        ("outputs", [0.5, 0.0]),
        ("signs", [0.0, 0.0]),
        ("dense", [0.0, 0.0]),
    ):
        _go(gate, how, theta)
    assert gate.writes == 4
    _go(gate, "write", [1.0, 0.0])
    sent = len(chip.path)
    with pytest.raises(LimitError) as caught:
        _go(gate, "outputs", [0.0, 0.0])
    assert len(chip.path) == sent
    for part in ("'slow chip'", "heaters", "5", "writes_budget", "Nothing was sent"):
        assert part in str(caught.value)
    # What changes nothing is no write.
    _go(gate, "outputs", [1.0, 0.0])


@pytest.mark.parametrize("way", ["making_safe", "ignoring_budget"])
def test_the_way_out_is_never_refused(way):
    gate, chip = _gated(writes_budget=1)
    _go(gate, "write", [1.0, 0.0])
    with getattr(gate, way)():
        _go(gate, "write", [0.5, 0.0])
        with pytest.raises(LimitError):
            gate.write_parameters(np.array([2.5, 0.0]))
    np.testing.assert_array_equal(chip.register, [0.5, 0.0])
    assert gate.writes == 2
    with pytest.raises(LimitError, match="budget"):
        _go(gate, "write", [0.0, 0.0])


def test_a_run_goes_on_counting():
    gate, _ = _gated(writes_budget=10)
    gate.writes = 9
    _go(gate, "write", [1.0, 0.0])
    with pytest.raises(LimitError, match="10 have been spent"):
        _go(gate, "write", [0.5, 0.0])


def test_without_a_budget_nothing_is_counted():
    gate, _ = _gated()
    _go(gate, "write", [1.0, 0.0])
    assert gate.writes == 0


def test_a_write_that_failed_may_have_happened():
    gate, chip = _gated(writes_budget=2)
    chip.fault = ChipError("gone")
    with pytest.raises(ChipError):
        _go(gate, "write", [0.5, 0.0])
    chip.fault = None
    _go(gate, "write", [0.5, 0.0])
    assert gate.writes == 2


def test_steps_of_a_ramp_are_writes():
    gate, chip = _gated(writes_budget=100, slew_per_second=10.0)
    _go(gate, "write", [1.0, 0.0])
    assert gate.writes == len(chip.path) - 1 == 5


@pytest.mark.parametrize(("algorithm", "updates"), [("discrete", 3), ("analog", 9)])
def test_updates_of_a_chip_that_learns_are_writes(algorithm, updates):
    gate, chip = _gated(writes_budget=100)
    gate.configure_learning(_learning(3, algorithm), np.zeros(2))
    gate.advance(4)
    gate.advance(9)
    assert gate.writes == 1 + updates
    # Updates that the chip did before it was given its state back are no writes of now.
    gate, chip = _gated(writes_budget=100)
    gate.configure_learning(_learning(3, algorithm), np.zeros(2))
    snapshot = np.zeros(snapshot_length(2))
    snapshot[0] = 6
    snapshot[SNAPSHOT_HEAD] = 0.5
    gate.restore(snapshot)
    gate.advance(9)
    assert gate.writes == 1 + updates // 3
    gate.writes = 100
    with pytest.raises(LimitError, match="budget"):
        gate.advance(12)
    assert chip.steps == 9
