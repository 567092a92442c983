"""Composition: an experiment, a data set and an open chip become a training that can run."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import Schedule, locked
from mgd_lab.bench.amplitudes import amplitudes_of, check_precision
from mgd_lab.bench.imperfect import check_cost_noise
from mgd_lab.bench.learner import learner_of
from mgd_lab.bench.learning import (
    chunk_source,
    rounding_of,
    rule_of,
    schedule_of,
)
from mgd_lab.bench.motion_plan import check_budget, check_slew
from mgd_lab.bench.nodes import FittedNodes, fit_nodes
from mgd_lab.bench.programs import probe_program
from mgd_lab.bench.task import check_fit, cost_function, evaluation_set
from mgd_lab.bench.watching import Attendance, check_guards, watching
from mgd_lab.chip import (
    Chip,
    ChipDescription,
    GeneratesProbes,
    HoldsSamples,
    MeasuresCost,
    MeasuresSigns,
    Rung,
)
from mgd_lab.codes import period
from mgd_lab.controller import (
    Bookkeeper,
    Cadence,
    ChunkSource,
    Clock,
    Envelope,
    EvaluationSet,
    Evaluator,
    GatedChip,
    Progress,
    StepLog,
    Training,
    TrainingState,
    check_amplitudes,
    choose_rung,
    gated,
    needs_memory,
)
from mgd_lab.costs import CostFunction
from mgd_lab.datasets import DataSet
from mgd_lab.errors import CapabilityError, ConfigurationError
from mgd_lab.experiment import Experiment, narrowed
from mgd_lab.records import Counters, RecordSink

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """An experiment that has been found to fit a chip and a data set.

    `description` has the chip file's limits applied; `largest_block` its max_block_probes. Where
    `nodes` are perturbed, `amplitudes` of θ are zero, and `rung` is only how θ gets to the chip.
    """

    experiment: Experiment
    description: ChipDescription
    amplitudes: Float32
    schedule: Schedule
    cost: CostFunction
    rung: Rung
    largest_block: int
    train_inputs: Float32
    train_targets: Float32
    evaluation: EvaluationSet
    envelope: Envelope
    cadence: Cadence
    nodes: FittedNodes | None = None

    @property
    def window(self) -> int:
        """Steps between two updates."""
        return self.schedule.tau_theta

    @property
    def source(self) -> ChunkSource:
        """Codes, samples and signs of any step."""
        perturbed = self.amplitudes if self.nodes is None else self.nodes.amplitudes
        return chunk_source(self.experiment, perturbed, len(self.train_inputs))


def fit(experiment: Experiment, data: DataSet, chip: Chip) -> Fitted:
    """Everything about an experiment that can be judged before a value is sent to the open chip.

    Raises:
        ConfigurationError, CapabilityError, DataError: they do not fit.
        LimitError: the perturbation alone does not fit into the limits, would be too fast for
            them, or the run may spend more writes than there are.
    """
    description = chip.description
    if narrowed(description, experiment.chip.limits) != description:
        raise CapabilityError(
            f"driver {experiment.chip.driver!r} does not apply the chip file's limits to the "
            f"description of chip {description.name!r}; a run would ignore them"
        )
    check_fit(data, experiment.task, description)
    check_guards(experiment.guards, description)
    train_inputs, train_targets = data.split("train")
    nodes = fit_nodes(experiment, chip, len(train_inputs))
    amplitudes = _amplitudes(experiment, description, nodes)
    perturbed = description.parameters if nodes is None else nodes.nodes
    _check_locking(experiment, perturbed, len(train_inputs))
    schedule = schedule_of(experiment)
    evaluation = evaluation_set(data, experiment.evaluate, experiment.seed)
    if needs_memory(chip) and (
        evaluation.split != "train" or len(evaluation.inputs) != len(train_inputs)
    ):
        raise CapabilityError(
            f"evaluate: chip {description.name!r} is evaluated from its sample memory, which holds "
            "the training samples; use split: train and samples: all"
        )
    cost = cost_function(experiment.task, description, train_targets)
    rung = _rung(experiment, chip, nodes, len(train_inputs), cost)
    check_cost_noise(experiment.chip, rung)
    # Where nodes are perturbed θ moves at updates only, paced as on the rungs of one register.
    check_slew(chip, rung if nodes is None else "forward", amplitudes)
    asked = experiment.chip.max_block_probes
    largest = description.largest_block
    if nodes is not None:
        largest = min(largest, nodes.most_probes)
    fitted = Fitted(
        experiment=experiment,
        description=description,
        amplitudes=amplitudes,
        schedule=schedule,
        cost=cost,
        rung=rung,
        largest_block=min(description.largest_block, asked or largest, largest),
        train_inputs=train_inputs,
        train_targets=train_targets,
        evaluation=evaluation,
        envelope=Envelope(
            description,
            amplitudes,
            experiment.chip.limits.on_update,
            rounding_of(experiment),
        ),
        cadence=_cadence(experiment, schedule, description.parameters, len(evaluation.inputs)),
        nodes=nodes,
    )
    check_budget(fitted)
    return fitted


def _amplitudes(
    experiment: Experiment, description: ChipDescription, nodes: FittedNodes | None
) -> Float32:
    """Of θ, (P,)."""
    if nodes is not None:
        return np.zeros(description.parameters, np.float32)
    perturbation = experiment.training.perturbation
    amplitudes = amplitudes_of(perturbation.amplitude, description)
    check_amplitudes(description, amplitudes, perturbation.kind)
    check_precision(experiment.chip, amplitudes)
    return amplitudes


def _rung(
    experiment: Experiment,
    chip: Chip,
    nodes: FittedNodes | None,
    samples: int,
    cost: CostFunction,
) -> Rung:
    if nodes is not None:
        return "dense"
    return choose_rung(
        chip,
        experiment.chip.rung,
        experiment.training.perturbation.kind,
        samples,
        wants_costs=experiment.logging.costs != "none",
        host_only=experiment.training.update.host_only,
        cost=cost,
    )


def start(fitted: Fitted, theta: Float64) -> TrainingState:
    """The state at step 0; LimitError where θ (P,) does not fit into the envelope."""
    admitted = fitted.envelope.admit(theta)
    return TrainingState(
        theta=admitted.theta,
        sent=admitted.sent,
        rule=rule_of(fitted.experiment.training.update).init(len(theta)),
        total=np.zeros(len(theta)),
        projected=admitted.projected,
    )


def restored(
    fitted: Fitted, arrays: Mapping[str, NDArray[Any]], counters: Counters
) -> TrainingState:
    """The state of a checkpoint; LimitError where its θ no longer fits into the envelope."""
    admitted = fitted.envelope.admit(arrays["theta"], counters.updates)
    state = TrainingState.restored(arrays, counters, admitted.sent)
    state.theta = admitted.theta
    state.projected += admitted.projected
    return state


def assemble(
    fitted: Fitted,
    chip: Chip,
    *,
    sink: RecordSink,
    clock: Clock,
    interrupt: threading.Event,
    observe: Callable[[Progress], None],
    workers: Executor,
    open_window: Float64 | None = None,
    attendance: Attendance | None = None,
) -> Training:
    """Prepares the open chip (cost, samples, amplitudes) and builds the loop around it.

    Whatever the loop sends goes through the gate: the one given, or a new one.
    `workers` is a thread that speaks to the chip while the host computes. It must outlive the
    training, and be idle before the chip is closed. `open_window` is the log's memory of a window
    that an interruption cut in two; `attendance`, what is watched beside the costs.
    """
    gate = gated(chip, fitted.envelope)
    prepare(fitted, gate)
    watched = watching(
        fitted.experiment,
        gate,
        attendance or Attendance(),
        sink=sink,
        clock=clock,
        interrupt=interrupt,
    )
    log = StepLog(sink, clock, fitted.experiment.logging.costs, open_window)
    book = Bookkeeper(
        schedule=fitted.schedule,
        evaluator=Evaluator(
            gate,
            fitted.cost,
            fitted.evaluation,
            fitted.largest_block,
            watched.cost,
            watched.pause,
        ),
        cadence=fitted.cadence,
        log=log,
        sink=sink,
        clock=clock,
        interrupted=watched.watch.held_up,
        writes=lambda: gate.writes,
        recoveries=watched.recoveries,
    )
    return Training(
        schedule=fitted.schedule,
        source=fitted.source,
        learner=learner_of(fitted, gate, watched, workers, log),
        book=book,
        stop=fitted.experiment.stop,
        finish=fitted.experiment.training.finish,
        clock=clock,
        interrupt=interrupt,
        observe=observe,
        watch=watched.watch,
        pausing=watched.intermission,
    )


def prepare(fitted: Fitted, chip: GatedChip) -> None:
    """Tells the chip what its rung needs to know; nothing is energised by it."""
    rung = fitted.rung
    if isinstance(chip, MeasuresCost) and rung != "forward":
        chip.set_cost(fitted.cost)
    if isinstance(chip, HoldsSamples) and (rung not in ("forward", "cost") or needs_memory(chip)):
        chip.load_samples(fitted.train_inputs, fitted.train_targets)
    if isinstance(chip, MeasuresSigns) and rung == "signs":
        chip.set_amplitudes(fitted.amplitudes)
    if isinstance(chip, GeneratesProbes) and rung == "generated":
        chip.configure_probes(probe_program(fitted))


def _check_locking(experiment: Experiment, parameters: int, samples: int) -> None:
    training, times = experiment.training, experiment.training.time_constants
    code_period = period(training.perturbation.kind, parameters)
    if locked(
        code_period=code_period,
        tau_p=times.tau_p,
        samples=samples,
        batch=training.batch,
        tau_x=times.tau_x,
        cyclic=training.samples.order == "cyclic",
    ):
        raise ConfigurationError(
            f"training.samples.order: cyclic locks each of the {samples} samples to the same few "
            f"of the {code_period} {training.perturbation.kind} codes for ever (tau_p "
            f"{times.tau_p}, tau_x {times.tau_x}): training would follow a biased gradient without "
            f"a sign of it. Use order: shuffled, or hold each sample for a code period (tau_x: "
            f"{(code_period or 1) * times.tau_p}), or hold each code over the whole set (tau_p: "
            f"{samples * times.tau_x})"
        )


def snapshot_interval(experiment: Experiment, tau_theta: int, parameters: int) -> int:
    """Updates between two snapshots; where the choice is ours they take less than the costs."""
    chosen = max(100, math.ceil(8 * parameters / (16 * tau_theta)))
    return experiment.logging.parameters_every_updates or chosen


def _cadence(
    experiment: Experiment, schedule: Schedule, parameters: int, evaluated: int
) -> Cadence:
    evaluate, logging = experiment.evaluate, experiment.logging
    probes_per_step = schedule.probes_per_window() / schedule.tau_theta
    # Evaluations stay below a tenth of the training probes.
    every = math.ceil(max(1000.0, 10.0 * evaluated / probes_per_step))
    return Cadence(
        evaluate_every_steps=evaluate.every_steps or every,
        parameters_every_updates=snapshot_interval(experiment, schedule.tau_theta, parameters),
        checkpoint_every_seconds=logging.checkpoint_every_seconds,
    )
