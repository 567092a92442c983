"""Which probes a run consists of: a pure function of the time constants.

Step s perturbs with code s // τ_p and presents the `batch` draws of period s // τ_x; parameters
move after every τ_θ steps (a window). The list of probes of a window does not depend on how it
is cut into blocks.

Within a step, probes stand in this order. Baseline `measured`: where the sample or the
parameters have changed, or the baseline has become old, `batch` probes without perturbation;
then `batch` probes with it. Baseline `paired`: for each sample of the batch the positive, then
the negative perturbation, next to each other in time, so that drift cancels; where `unperturbed`
says so, `batch` probes without perturbation come before them whenever the sample or the parameters
have changed. Baseline `none` (the analog algorithm): `batch` probes with the perturbation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import ConfigurationError

Baseline = Literal["measured", "paired", "none"]


@dataclass(frozen=True, slots=True)
class Plan:
    """The probes of `count` neighbouring steps from `first_step`.

    Attributes:
        first_code: code index of row 0; step n uses row `code_rows[n]`.
        code_rows: (count,) int64, and `codes`, the number of rows.
        first_draw: draw number of the first sample; step n presents draws
            `first_draw + sample_rows[n] · batch` … `+ batch − 1`.
        sample_rows: (count,) int64, and `periods`, the number of sample periods touched.
        fresh: (count,) bool, true where the step begins with probes without perturbation.
        probe_starts: (count + 1,) int64, place of each step's first probe.
        probe_steps: (probes,) int64, the step (from 0) of each probe.
        probe_slots: (probes,) int64, which sample of the batch it presents.
        signs: (probes,) int8, −1, 0 or +1.
    """

    first_step: int
    count: int
    first_code: int
    codes: int
    code_rows: NDArray[np.int64]
    first_draw: int
    periods: int
    sample_rows: NDArray[np.int64]
    fresh: NDArray[np.bool_]
    probe_starts: NDArray[np.int64]
    probe_steps: NDArray[np.int64]
    probe_slots: NDArray[np.int64]
    signs: NDArray[np.int8]


@dataclass(frozen=True)
class Schedule:
    """The time constants, in steps.

    `unperturbed` goes with baseline `paired`: each sample is presented without perturbation, too,
    after it or the parameters have changed, for what such a presentation tells besides its cost.
    """

    tau_p: int = 1
    tau_x: int = 1
    tau_theta: int = 1
    batch: int = 1
    baseline: Baseline = "measured"
    baseline_refresh_steps: int | None = None
    unperturbed: bool = False

    def __post_init__(self) -> None:
        for name in ("tau_p", "tau_x", "tau_theta", "batch"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.baseline_refresh_steps is not None:
            if self.baseline != "measured":
                raise ConfigurationError("baseline_refresh_steps goes with a measured baseline")
            if self.baseline_refresh_steps < 1:
                raise ConfigurationError("baseline_refresh_steps must be at least 1")
        if self.unperturbed and self.baseline != "paired":
            raise ConfigurationError("unperturbed goes with a paired baseline")

    def plan(self, first_step: int, count: int) -> Plan:
        """The probes of steps `first_step` … `first_step + count − 1`."""
        steps = np.arange(first_step, first_step + count, dtype=np.int64)
        code_index = steps // self.tau_p
        period = steps // self.tau_x
        first_code, first_period = first_step // self.tau_p, first_step // self.tau_x
        fresh = self._fresh(steps)
        before = np.where(fresh, self.batch, 0)
        per_step = before + self._perturbed_per_step
        starts = np.zeros(count + 1, np.int64)
        np.cumsum(per_step, out=starts[1:])
        probe_steps = np.repeat(np.arange(count, dtype=np.int64), per_step)
        place = np.arange(starts[-1], dtype=np.int64) - starts.take(probe_steps)
        slots, signs = self._layout(place, place - before.take(probe_steps))
        return Plan(
            first_step=first_step,
            count=count,
            first_code=first_code,
            codes=int(code_index[-1]) - first_code + 1 if count else 0,
            code_rows=code_index - first_code,
            first_draw=first_period * self.batch,
            periods=int(period[-1]) - first_period + 1 if count else 0,
            sample_rows=period - first_period,
            fresh=fresh,
            probe_starts=starts,
            probe_steps=probe_steps,
            probe_slots=slots,
            signs=signs,
        )

    def probes_per_window(self) -> float:
        """Probes of a window, averaged over windows."""
        if not self._has_unperturbed:
            return float(self.tau_theta * self._perturbed_per_step)
        cycle = self.tau_x // np.gcd(self.tau_x, self.tau_theta)
        # One common period of samples and windows holds every alignment of the two; a sample of
        # it is enough for an estimate where that is very long.
        windows = int(min(cycle, max(1, 1_000_000 // self.tau_theta)))
        steps = min(windows * self.tau_theta, 1_000_000)
        fresh = self._fresh(np.arange(steps, dtype=np.int64))
        unperturbed = self.batch * float(np.mean(fresh))
        return self.tau_theta * (self._perturbed_per_step + unperturbed)

    def last_fresh(self, step: int) -> int | None:
        """The last step, at most `step`, with probes without perturbation; None for none.

        Where the baseline is measured, it is what step `step` is compared with.
        """
        if not self._has_unperturbed:
            return None
        age = min(step % self.tau_x, step % self.tau_theta)
        if self.baseline_refresh_steps is not None:
            age %= self.baseline_refresh_steps
        return step - age

    def draws(self, steps: int) -> int:
        """Draws from the data set in the first `steps` steps."""
        return -(-steps // self.tau_x) * self.batch

    @property
    def _has_unperturbed(self) -> bool:
        return self.baseline == "measured" or self.unperturbed

    @property
    def _perturbed_per_step(self) -> int:
        return self.batch * (2 if self.baseline == "paired" else 1)

    def _fresh(self, steps: NDArray[np.int64]) -> NDArray[np.bool_]:
        if not self._has_unperturbed:
            return np.zeros(len(steps), np.bool_)
        # Steps since the sample or the parameters changed, whichever was later.
        age = np.minimum(steps % self.tau_x, steps % self.tau_theta)
        if self.baseline_refresh_steps is not None:
            age %= self.baseline_refresh_steps
        return age == 0

    def _layout(
        self, place: NDArray[np.int64], perturbed: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Slot and sign from the place in the step, and among its perturbed probes."""
        if self.baseline == "paired":
            slots, own = perturbed // 2, np.where(perturbed % 2 == 0, 1, -1)
        else:
            slots, own = perturbed, np.ones(len(place), np.int64)
        without = perturbed < 0
        return np.where(without, place, slots), np.where(without, 0, own).astype(np.int8)
