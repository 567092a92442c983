"""A chip that trains itself in compiled code: many windows a call.

What that code does not do is done by `OnChipLearning`, from the same state: presentations that are
looked at one by one, and errors.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import LearningProgram
from mgd_lab.codes import sample_order
from sim_instruments.compiled_engine import CompiledEngine
from sim_instruments.compiled_memory import State, numbers_of, wiring_of, work_of
from sim_instruments.compiled_signatures import compiled_loop
from sim_instruments.compiled_steps import AGAIN, REFUSED
from sim_instruments.learners import Bench
from sim_instruments.learning_rates import learning_rate
from sim_instruments.on_chip_learning import MOST_STEPS, Measure, OnChipLearning

Float64 = NDArray[np.float64]

# A call is a tenth of a second at the most, at a billion multiplications a second.
_WORK_A_CALL = 100_000_000
_STEPS_A_CALL = 65536
# Multiplications in a stretch from which all cores gain more than Python costs, and how often each
# parameter is then used in a presentation.
_WORK_FOR_CORES = 4_000_000
_REUSE = 25


def is_quick(program: LearningProgram, engine: CompiledEngine) -> bool:
    """Whether a stretch of steps ends soon, and `measure` would not be quicker on all cores.

    That pays where presentations take long and correlating does not: in convolutions.
    """
    window = 1 if program.algorithm == "analog" else program.probes.tau_theta
    work = 2 * program.probes.batch * min(window, MOST_STEPS) * engine.work
    parameters = len(program.probes.amplitudes)
    is_worth_threads = work > _WORK_FOR_CORES and engine.work > _REUSE * parameters
    return work <= 2 * _WORK_A_CALL and not is_worth_threads


class CompiledLearning(OnChipLearning):
    """The same learning, bit for bit.

    Args:
        program, theta, measure: as of `OnChipLearning`.
        engine: computes what `measure` measures.
        bench: what stands there now; None where presentations are to be made by `measure`.
    """

    def __init__(
        self,
        program: LearningProgram,
        theta: Float64,
        measure: Measure,
        engine: CompiledEngine,
        bench: Callable[[], Bench | None],
    ) -> None:
        super().__init__(program, theta, measure)
        self._engine = engine
        self._bench = bench
        self._loop = compiled_loop(engine.precision)
        kind = np.dtype(engine.precision)
        self._numbers, self._work = numbers_of(program, kind), work_of(program, kind)
        each = 2 * program.probes.batch * engine.work
        self._most = max(1, min(_STEPS_A_CALL, _WORK_A_CALL // each))

    def advance(self, step: int) -> None:
        """Until `step` steps have been done."""
        # Refuses to go back, and makes the update that is due.
        super().advance(min(step, self.steps))
        bench = self._bench()
        if bench is None:
            super().advance(step)
            return
        while self.steps < step:
            self._call(bench, step)

    def _call(self, bench: Bench, step: int) -> None:
        """Some of the steps that are left, in compiled code."""
        last = self.steps + self._most
        limited = bool(np.isfinite(bench.low).any() or np.isfinite(bench.high).any())
        np.copyto(self._work.low, bench.low)
        np.copyto(self._work.high, bench.high)
        wiring = wiring_of(self._engine.plan, self._engine.variation, bench.inputs, bench.targets)
        kept: list[float] = [self._baseline, self._last_cost, self._modulation]
        kept += self._beta_products
        counts = np.array([self.steps, self._projected, 0], np.int64)
        vectors = (self.theta, self._total, self._first_memory, self._second_memory)
        state = State(*vectors, self._filtered, np.array(kept), counts)
        made = self._draws(min(last + MOST_STEPS, step)), self._rates(last, step)
        found = self._loop(
            self._numbers, wiring, state, self._work, *made, self._place(), limited, last, step
        )
        numbers: list[float] = state.numbers.tolist()
        self._baseline, self._last_cost, self._modulation = numbers[:3]
        self._beta_products = numbers[3:]
        self.steps, self._projected = int(counts[0]), int(counts[1])
        if found != REFUSED and self.steps % self._window == 0:
            self._total.fill(0.0)
        if counts[2]:
            bench.presented(self._work.shown.copy(), int(counts[2]))
        if found == REFUSED:
            self._update_is_due = True
            self._move()
        elif found == AGAIN:
            super().advance(self.steps + self._stretch(step))

    def _place(self) -> NDArray[np.int64]:
        """Of the next step; codes are made anew."""
        p, steps = self._program.probes, self.steps
        index, since_code = divmod(steps, p.tau_p)
        return np.array([steps % self._window, steps % p.tau_x, since_code, index, 0, 0], np.int64)

    def _draws(self, last: int) -> NDArray[np.uint32]:
        """Samples of the steps up to `last`."""
        p = self._program.probes
        first = self.steps // p.tau_x * p.batch
        count = ((last - 1) // p.tau_x + 1) * p.batch - first
        return sample_order(p.order, p.seed, p.samples, first, count).copy()

    def _rates(self, last: int, step: int) -> Float64:
        """Of the updates that a call may make; one where all are alike."""
        if self._program.rate_kind == "constant":
            return np.array([self._program.rate])
        first = self.steps // self._window + 1
        # A call ends with the stretch in which `last` lies.
        end = min(last // self._window + 1, step // self._window) + 1
        steps = range(first * self._window, max(end, first + 1) * self._window, self._window)
        return np.array([learning_rate(self._program, done) for done in steps])
