"""How fast and how often a plan would move the parameters: judged before anything is energised."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import Chip, ChipDescription, HoldsParameters, Rung
from mgd_lab.controller import INTERVAL_SECONDS
from mgd_lab.controller.refusals import parameter_of, unit_of
from mgd_lab.errors import LimitError

if TYPE_CHECKING:
    from mgd_lab.bench.assembly import Fitted

Float32 = NDArray[np.float32]

_ONE_REGISTER = ("forward", "cost")
# As found when the outputs are switched on, the start, and what is left at the end.
_WRITES_AROUND_TRAINING = 3
# A move of a perturbation that takes longer is a slip of the pen, not a plan.
_LONGEST_MOVE_SECONDS = 3600.0


def check_slew(chip: Chip, rung: Rung, amplitudes: Float32) -> None:
    """LimitError where a perturbation (P,) would move a parameter faster than it may.

    On the rungs of one register the gate paces every write; on the others the chip goes from one
    probe to the next by itself, by up to twice the amplitude in a probe's time.
    """
    description = chip.description
    slew = description.slew_per_second
    limited = np.flatnonzero(slew > 0)
    if not len(limited):
        return
    if not isinstance(chip, HoldsParameters):
        raise LimitError(
            f"{parameter_of(description, int(limited[0]))}: its slew is limited to "
            f"{_slew(description, int(limited[0]))}, which cannot be kept: the chip's parameters "
            "cannot be read back and ramped (it lacks the capability HoldsParameters). Nothing was "
            "energised"
        )
    moving = np.zeros(len(slew))
    moving[limited] = 2.0 * amplitudes[limited] / slew[limited]
    slowest = int(np.argmax(moving))
    if moving[slowest] > _LONGEST_MOVE_SECONDS:
        raise LimitError(
            f"{parameter_of(description, slowest)}: its slew is limited to "
            f"{_slew(description, slowest)}, at which going from one perturbation to the next "
            f"takes {moving[slowest]:.3g} s. Nothing was energised. Correct slew_per_second, or "
            "use a smaller amplitude"
        )
    if rung in _ONE_REGISTER:
        return
    seconds = description.probe_seconds
    speed = np.full(len(slew), np.inf) if seconds == 0 else 2.0 * amplitudes / seconds
    wrong = limited[~(speed[limited] <= slew[limited])]
    if not len(wrong) and rung != "learns":
        return
    i = int(wrong[0]) if len(wrong) else int(limited[0])
    unit = unit_of(description, i)
    if rung == "learns":
        reason = "the chip moves it by itself while it learns"
    elif seconds == 0:
        reason = (
            f"the chip moves it by up to {2 * amplitudes[i]:g}{unit} from probe to probe, in a "
            "time (probe_seconds) that it does not tell"
        )
    else:
        reason = (
            f"the chip moves it by up to {2 * amplitudes[i]:g}{unit} from probe to probe, in "
            f"{seconds:g} s, which is {speed[i]:g}{unit} a second"
        )
    raise LimitError(
        f"{parameter_of(description, i)}: its slew is limited to {_slew(description, i)}; on the "
        f"rung {rung} {reason}. Nothing was energised. Choose rung: forward or cost in the chip "
        "file, where every move is paced"
        + (", or a smaller amplitude" if seconds and rung != "learns" else "")
    )


def check_budget(fitted: Fitted) -> None:
    """LimitError where the run may write parameters more often than their budget allows."""
    budget = smallest_budget(fitted.description)
    if budget is None:
        return
    chip = f"chip {fitted.description.name!r}"
    worst = most_writes(fitted)
    if worst is None:
        raise LimitError(
            f"{chip} may be written {budget:,} times (writes_budget), and stop leaves open how "
            "often it would be. Nothing was energised. Set stop.steps, stop.updates or stop.probes"
        )
    if worst > budget:
        raise LimitError(
            f"{chip} may be written {budget:,} times (writes_budget); the run may take {worst:,} "
            f"writes on the rung {fitted.rung}. Nothing was energised. Set stop.steps or "
            "stop.updates lower, "
            + (
                "or use a rung that does not write a register for each perturbation"
                if fitted.rung in _ONE_REGISTER
                else "or a larger time_constants.tau_theta"
            )
        )


def smallest_budget(description: ChipDescription) -> int | None:
    """The budget that binds, for a write counts for all parameters; None for any number."""
    budgets = description.writes_budget
    return int(budgets[budgets > 0].min()) if np.any(budgets > 0) else None


def most_writes(fitted: Fitted) -> int | None:
    """Writes in the worst case that `stop` allows; None where it allows any number."""
    stop, window = fitted.experiment.stop, fitted.schedule.tau_theta
    limits = (
        stop.steps,
        None if stop.updates is None else stop.updates * window,
        None if stop.probes is None else _most_steps(fitted, stop.probes),
    )
    steps = [limit for limit in limits if limit is not None]
    return most_writes_in(fitted, min(steps)) if steps else None


def most_writes_in(fitted: Fitted, steps: int) -> int:
    """Writes of so many steps and of what is around them, each step of a ramp being one.

    An update that moves a parameter further than it may in a ramp step takes more, which only the
    gate can count.
    """
    updates = steps // fitted.schedule.tau_theta
    # One at the start, one after a window at most, one at the end.
    between = min(steps // fitted.cadence.evaluate_every_steps, updates)
    evaluations = 2 + between
    if fitted.rung in _ONE_REGISTER:
        moves = (math.ceil(register_values(fitted, steps)) + evaluations) * _ramp_steps(fitted)
    else:
        moves = updates + evaluations
    return moves + _WRITES_AROUND_TRAINING + _steps_to_start(fitted.description)


def register_values(fitted: Fitted, steps: int) -> float:
    """Values of θ + θ̃, one after another, in so many steps on a rung of one register."""
    schedule = fitted.schedule
    if schedule.baseline == "paired":
        # Both signs for each sample, so that drift cancels.
        return 2 * schedule.batch * steps
    if schedule.baseline == "none":
        return steps
    windows = steps / schedule.tau_theta + 1
    return min(2.0 * steps, windows * schedule.probes_per_window() / schedule.batch)


def seconds_of_a_move(fitted: Fitted) -> float:
    """Least time from one perturbation to its negative that the slew allows; 0 for none."""
    slew = fitted.description.slew_per_second
    limited = slew > 0
    return float(np.max(2.0 * fitted.amplitudes[limited] / slew[limited], initial=0.0))


def _most_steps(fitted: Fitted, probes: int) -> int:
    """Steps that so many probes may take; the step that reaches the limit is done."""
    schedule = fitted.schedule
    least = schedule.batch * (2 if schedule.baseline == "paired" else 1)
    windows = probes / schedule.probes_per_window() + 1
    return min(-(-probes // least), math.ceil(windows * schedule.tau_theta))


def _ramp_steps(fitted: Fitted) -> int:
    return max(1, math.ceil(seconds_of_a_move(fitted) / INTERVAL_SECONDS))


def _steps_to_start(description: ChipDescription) -> int:
    """Of the ramp from anywhere within the limits, where there are such."""
    slew = description.slew_per_second
    ranges = (description.high - description.low)[slew > 0]
    seconds = np.max(ranges / slew[slew > 0], initial=0.0)
    return math.ceil(seconds / INTERVAL_SECONDS) if np.isfinite(seconds) else 0


def _slew(description: ChipDescription, i: int) -> str:
    return f"{description.slew_per_second[i]:g}{unit_of(description, i)} a second"
