"""How fast and how often parameters may move, kept on the way to the chip."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import Chip, ChipDescription, HoldsParameters
from mgd_lab.controller.clock import Clock
from mgd_lab.controller.gate_judge import Judge
from mgd_lab.controller.ramp import (
    INTERVAL_SECONDS,
    ramp_rows,
    ramp_steps,
    seconds_for,
    wait_until,
)
from mgd_lab.errors import LimitError, MgdLabError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


class WriteBudget:
    """Counts writes of θ, where a parameter group has a budget of them; the smallest one binds.

    A write is a new θ, or θ + θ̃ where a parameter has one register, in any of the parameters: it
    counts for all of them.

    Attributes:
        writes: so many so far. It may be set, by a run that goes on.
        most: the smallest budget; 0 where there is none, and nothing is counted.
    """

    def __init__(self, description: ChipDescription) -> None:
        budgets = description.writes_budget
        self.most = int(budgets[budgets > 0].min()) if np.any(budgets > 0) else 0
        self.writes = 0
        self._description = description
        self._refuses = True

    def spend(self, writes: int) -> None:
        """LimitError where so many more are not left; then they must not happen."""
        if not self.most:
            return
        if self._refuses and self.writes + writes > self.most:
            names = [g.name for g in self._description.groups if g.writes_budget == self.most]
            raise LimitError(
                f"chip {self._description.name!r}: the write budget of {', '.join(names)} is "
                f"{self.most:,}, {self.writes:,} have been spent and {writes:,} more would be "
                "needed. Nothing was sent. If the chip stands more, raise limits."
                "parameters.writes_budget (or the group's) in the chip file and resume"
            )
        self.writes += writes

    @contextmanager
    def unlimited(self) -> Generator[None]:
        """Inside, writes are counted and never refused: for making the chip safe."""
        before, self._refuses = self._refuses, False
        try:
            yield
        finally:
            self._refuses = before


class Motion:
    """Where the parameters are; every move is spent from the budget and kept within the slew.

    A move waits until its time has passed since the chip was last told anything; one that takes
    longer than `INTERVAL_SECONDS` is written in steps of that.
    """

    def __init__(
        self, chip: Chip, judge: Judge, budget: WriteBudget, clock: Clock, sleep: Any = time.sleep
    ) -> None:
        self._chip = chip
        self._judge = judge
        self._budget = budget
        self._clock = clock
        self._sleep: Callable[[float], None] = sleep
        self._slew = judge.description.slew_per_second
        self._limited = bool(np.any(self._slew > 0))
        self._low, self._high = judge.description.low, judge.description.high
        self._must_arrive = False
        self._still: Float64 = np.zeros(judge.description.parameters)
        # Where the registers are, unless that is not known, and how far around it since when.
        self._at: Float64 | None = None
        self._swing = self._still
        self._since = 0.0

    @contextmanager
    def towards(self, target: Float32 | Float64, swing: Float64 | None = None) -> Generator[None]:
        """Around the call that brings the chip to `target`, to swing about it by `swing` (P,)."""
        wide = target.astype(np.float64)
        around = self._still if swing is None else swing
        if self._limited:
            self._approach(wide, around)
        elif self._at is None or not np.array_equal(self._at, wide):
            self._budget.spend(1)
        # Until the call has returned, nobody knows.
        self._at = None
        yield
        self._arrived(wide, around)

    @contextmanager
    def making_safe(self) -> Generator[None]:
        """Inside, a chip that does not tell where it is jumps rather than being left there."""
        before, self._must_arrive = self._must_arrive, True
        try:
            yield
        finally:
            self._must_arrive = before

    def forget(self) -> None:
        """The parameters may be elsewhere now: they are read back before the next move."""
        self._at = None

    def refuse_moves_of_its_own(self) -> None:
        """LimitError where the chip would move by itself and the slew is limited."""
        if self._limited:
            raise LimitError(
                f"chip {self._judge.description.name!r} has a limit slew_per_second, which nobody "
                "keeps while it learns by itself. Nothing was sent. Use another rung"
            )

    def _approach(self, target: Float64, around: Float64) -> None:
        try:
            # What lies beyond the limits is not sent, not even on the way back from there.
            start = np.clip(self._here(), self._low, self._high)
            rows = ramp_rows(start, target, ramp_steps(start, target, self._slew, INTERVAL_SECONDS))
        except MgdLabError:
            if not self._must_arrive:
                raise
            self._budget.spend(1)
            return
        row = next(rows, target)
        for following in rows:
            self._step(row)
            row = following
        here = self._here()
        if not np.array_equal(here, target):
            self._budget.spend(1)
        self._wait(np.abs(target - here) + self._swing + around)

    def _step(self, row: Float64) -> None:
        self._judge.registers(row)
        chip = self._registers()
        self._budget.spend(1)
        self._wait(np.abs(row - self._here()) + self._swing)
        self._at = None
        chip.write_parameters(row)
        self._arrived(row, self._still)

    def _wait(self, change: Float64) -> None:
        wait_until(self._since + seconds_for(change, self._slew), self._clock, self._sleep)

    def _here(self) -> Float64:
        at = self._at
        if at is None:
            at = self._registers().read_parameters()
            self._arrived(at, self._still)
        return at

    def _arrived(self, at: Float64, swing: Float64) -> None:
        self._at, self._swing, self._since = at, swing, self._clock.monotonic()

    def _registers(self) -> HoldsParameters:
        if isinstance(self._chip, HoldsParameters):
            return self._chip
        raise LimitError(
            f"chip {self._judge.description.name!r} has a limit slew_per_second, which cannot be "
            "kept: its parameters can be neither written nor read back one ramp step after another "
            "(it lacks the capability HoldsParameters). Nothing was sent"
        )
