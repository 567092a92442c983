"""What can be verified before a chip is energised, and what the run will cost."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.bench.arming import Arming, armed
from mgd_lab.bench.assembly import Fitted, assemble, fit, start
from mgd_lab.bench.chip_lock import locked_chip
from mgd_lab.bench.chips import SIMULATION, build_chip, is_simulated
from mgd_lab.bench.disk_use import log_bytes
from mgd_lab.bench.grouping import grouping_of
from mgd_lab.bench.initial import initial_parameters
from mgd_lab.bench.interruption import heeded
from mgd_lab.bench.motion_plan import (
    most_writes_in,
    register_values,
    seconds_of_a_move,
    smallest_budget,
)
from mgd_lab.bench.task import data_set
from mgd_lab.chip import Chip, Rung
from mgd_lab.chip.timing import ReportsTiming
from mgd_lab.controller import EvaluationSet, Outcome, SystemClock, gated
from mgd_lab.experiment import ChipSettings, LoadedExperiment, Stop
from mgd_lab.records import Record

Float64 = NDArray[np.float64]

_REHEARSAL_SECONDS = 0.3
_REHEARSAL_RATE = 1e-12


@dataclass(frozen=True)
class CheckReport:
    """An experiment that fits its chip, and what it will take if no target ends it earlier.

    `nodes` is how many are perturbed instead of parameters, None for none; the probes without
    perturbation that report layer inputs are among `probes`. Counts are None where `stop` leaves
    them open and the chip's speed is not known.
    `parameter_writes` are values of θ or θ + θ̃ sent as a whole, at most, and `writes_budget` how
    many the chip allows, None for any; `link_bytes` cross the link to the chip in both directions,
    without the framing of each message; `seconds_from` says where `seconds` comes from. `timing` is
    what a chip that may be timed in several ways says of that.
    """

    name: str
    chip: str
    simulated: bool
    parameters: int
    nodes: int | None
    rung: Rung
    timing: str | None
    largest_block: int
    training_samples: int
    steps: int | None
    updates: int | None
    probes: int | None
    evaluation_probes: int | None
    parameter_writes: int | None
    writes_budget: int | None
    link_bytes: int | None
    disk_bytes: int | None
    free_disk_bytes: int | None
    seconds: float | None
    seconds_from: str
    warnings: tuple[str, ...]


def check(loaded: LoadedExperiment, *, runs_dir: Path = Path("runs")) -> CheckReport:
    """Connects to the chip, fits everything, sends it no parameters but its safe ones.

    A simulated chip is rehearsed for a moment to learn its speed.

    Raises:
        MgdLabError: something does not fit; the message says what, where and what to do.
    """
    experiment = loaded.experiment
    data = data_set(experiment.task, experiment.seed)
    with locked_chip(experiment.chip), build_chip(experiment.chip) as chip:
        fitted = fit(experiment, data, chip)
        theta = initial_parameters(experiment.training.initial, experiment.seed, chip)
        start(fitted, theta)
        simulated = is_simulated(experiment.chip, chip)
        slew = np.any(fitted.description.slew_per_second)
        if simulated and not slew and not _has_real_instruments(experiment.chip):
            rate, source = (
                _rehearsed(fitted, chip, theta),
                "a short rehearsal on the simulated chip",
            )
        else:
            rate, source = _declared(fitted), "the timings that the chip declares"
        grouping = grouping_of(chip.identity)
        timing = chip.timing_report if isinstance(chip, ReportsTiming) else None
    report = _report(fitted, simulated, rate, source if rate else "", runs_dir)
    report = replace(report, timing=timing)
    if grouping:
        return replace(report, warnings=(*report.warnings, f"chip.engine: {grouping}"))
    return report


def _has_real_instruments(settings: ChipSettings) -> bool:
    """Beside a chip that says that it is simulated; a rehearsal would energise them."""
    instruments: Any = getattr(settings, "instruments", None)
    return bool(instruments) and getattr(settings, "visa_library", None) != SIMULATION


def warnings(fitted: Fitted) -> tuple[str, ...]:
    """What is allowed and probably not meant."""
    found: list[str] = []
    training, times = fitted.experiment.training, fitted.experiment.training.time_constants
    if (
        training.algorithm == "analog"
        and times.tau_hp is not None
        and times.tau_x < 3 * times.tau_hp
    ):
        found.append(
            f"training.time_constants.tau_x: {times.tau_x} is below three times tau_hp "
            f"({times.tau_hp:g}); the high-pass is reset at every new sample and has little time "
            "to settle"
        )
    if training.update.rounding == "stochastic" and not np.any(fitted.description.resolution):
        found.append(
            "training.update.rounding: stochastic changes nothing, since no parameter of the chip "
            "has a resolution (chip file: limits.parameters.resolution)"
        )
    stop = fitted.experiment.stop
    if stop.steps is not None and stop.steps < fitted.window:
        found.append(
            f"stop.steps: the run ends after {stop.steps} steps, before the first update at step "
            f"{fitted.window}"
        )
    if fitted.rung == "learns" and fitted.experiment.logging.costs != "none":
        found.append(
            "chip.rung: a chip that learns by itself returns no costs; the log will hold "
            "evaluations and parameters only"
        )
    if stop.accuracy_at_least is not None and fitted.evaluation.target_kind == "values":
        found.append(
            "stop.accuracy_at_least: the targets are no classes, so that there is no accuracy to "
            "reach"
        )
    return tuple(found)


class _Nowhere:
    """A sink for rehearsals."""

    def write(self, record: Record) -> None:
        """Forgets the record."""


def _tell_nobody(kind: str, message: str, details: Mapping[str, Any]) -> None:
    """Forgets what happened."""


def _rehearsed(fitted: Fitted, chip: Chip, theta: Float64) -> float:
    """Steps a second of a moment's training, evaluations apart."""
    experiment = fitted.experiment
    few = fitted.evaluation
    one = EvaluationSet(few.split, few.inputs[:1], few.targets[:1], few.target_kind)
    # Speed is what is looked for: θ hardly moves, or a fast chip could reach its limits meanwhile.
    update = experiment.training.update.model_copy(update={"learning_rate": _REHEARSAL_RATE})
    training = experiment.training.model_copy(update={"update": update})

    def until(stop: Stop) -> Fitted:
        changes = {"stop": stop, "training": training}
        return replace(fitted, experiment=experiment.model_copy(update=changes), evaluation=one)

    gate = gated(chip, fitted.envelope)
    with (
        heeded(None) as interrupt,
        armed(gate, Arming(interrupt=interrupt, tell=_tell_nobody)),
        ThreadPoolExecutor(1) as workers,
        # Nothing wears on a simulated chip.
        gate.ignoring_budget(),
    ):

        def trained(stop: Stop) -> Outcome:
            return assemble(
                until(stop),
                gate,
                sink=_Nowhere(),
                clock=SystemClock(),
                interrupt=interrupt.event,
                observe=lambda _: None,
                workers=workers,
            ).run(start(fitted, theta))

        # What the first step of a process takes, imports and compiling, no other takes.
        trained(Stop(steps=1))
        outcome = trained(Stop(seconds=_REHEARSAL_SECONDS))
    return outcome.counters.steps / outcome.seconds


def _declared(fitted: Fitted) -> float:
    """Steps a second from the description's timings and slew; 0 where it states none."""
    description, schedule = fitted.description, fitted.schedule
    probes = schedule.probes_per_window() / schedule.tau_theta
    per_block = min(fitted.largest_block, probes * schedule.tau_theta)
    seconds = probes * (description.probe_seconds + description.exchange_seconds / per_block)
    if fitted.rung in ("forward", "cost"):
        seconds += register_values(fitted, 1) * seconds_of_a_move(fitted)
    return 1.0 / seconds if seconds > 0 else 0.0


def _steps(fitted: Fitted, rate: float) -> int | None:
    stop, schedule = fitted.experiment.stop, fitted.schedule
    per_step = schedule.probes_per_window() / schedule.tau_theta
    limits = [
        limit
        for limit in (
            stop.steps,
            None if stop.updates is None else stop.updates * schedule.tau_theta,
            None if stop.probes is None else round(stop.probes / per_step),
            round(stop.seconds * rate) if stop.seconds is not None and rate else None,
        )
        if limit is not None
    ]
    return max(1, min(limits)) if limits else None


def _report(
    fitted: Fitted, simulated: bool, rate: float, source: str, runs_dir: Path
) -> CheckReport:
    steps = _steps(fitted, rate)
    counts: dict[str, Any] = dict.fromkeys(
        ("updates", "probes", "evaluation_probes", "parameter_writes", "link_bytes", "disk_bytes")
    )
    seconds = None
    if steps is not None:
        counts = _counts(fitted, steps)
        if rate:
            per_probe = steps / rate / counts["probes"]
            seconds = steps / rate + counts["evaluation_probes"] * per_probe
        counts["disk_bytes"] = _disk_bytes(fitted, steps, seconds)
    free = _free(runs_dir)
    found = warnings(fitted)
    if free is not None and counts["disk_bytes"] is not None and counts["disk_bytes"] > free:
        found += (
            f"logging: the log will take about {counts['disk_bytes']:.3g} bytes and {runs_dir} has "
            f"{free:.3g} free; use another --runs-dir, or logging.costs: window_mean",
        )
    return CheckReport(
        name=fitted.experiment.name,
        chip=fitted.description.name,
        simulated=simulated,
        parameters=fitted.description.parameters,
        nodes=None if fitted.nodes is None else fitted.nodes.nodes,
        rung=fitted.rung,
        timing=None,
        largest_block=fitted.largest_block,
        training_samples=len(fitted.train_inputs),
        steps=steps,
        writes_budget=smallest_budget(fitted.description),
        free_disk_bytes=free,
        seconds=seconds,
        seconds_from=source,
        warnings=found,
        **counts,
    )


def _counts(fitted: Fitted, steps: int) -> dict[str, int]:
    schedule, description, cadence = fitted.schedule, fitted.description, fitted.cadence
    parameters = description.parameters
    updates = steps // schedule.tau_theta
    probes = round(schedule.probes_per_window() / schedule.tau_theta * steps)
    evaluations = _evaluations(steps, schedule.tau_theta, cadence.evaluate_every_steps)
    wide = 4 * description.inputs
    bytes_per_probe = {
        "learns": 0,
        "generated": 8,
        "signs": 5 + -(-parameters // 8) + 8,
        "dense": 4 + 4 * parameters + 8,
        "cost": 8 * parameters + wide + 4 * description.outputs + 8,
        "forward": 8 * parameters + wide + 8 * description.outputs,
    }[fitted.rung]
    one_register = fitted.rung in ("cost", "forward")
    reported = 0
    if fitted.nodes is not None:
        bytes_per_probe = 4 + 4 * fitted.nodes.nodes + 8
        perturbed = steps * schedule.batch * (2 if schedule.baseline == "paired" else 1)
        reported = 8 * fitted.nodes.width * (probes - perturbed)
    return {
        "updates": updates,
        "probes": probes,
        "evaluation_probes": evaluations * len(fitted.evaluation.inputs),
        "parameter_writes": most_writes_in(fitted, steps),
        "link_bytes": probes * bytes_per_probe
        + reported
        + (0 if one_register or fitted.rung == "learns" else updates * 4 * parameters),
    }


def _disk_bytes(fitted: Fitted, steps: int, seconds: float | None) -> int:
    window = fitted.schedule.tau_theta
    return log_bytes(
        fitted,
        steps=steps,
        updates=steps // window,
        evaluations=_evaluations(steps, window, fitted.cadence.evaluate_every_steps),
        seconds=seconds,
    )


def _evaluations(steps: int, window: int, every: int) -> int:
    """One at the start, one at the first update at or after each multiple, one at the end."""
    updated = steps - steps % window
    between = min(updated // every, steps // window)
    last = updated if every <= window else -(-between * every // window) * window
    return 1 + between + (last != steps)


def _free(runs_dir: Path) -> int | None:
    folder = runs_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
