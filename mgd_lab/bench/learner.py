"""What does the windows of a training: which learner, with what it measures and estimates by."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import TYPE_CHECKING

from mgd_lab.bench.learning import (
    estimate_of,
    filters_of,
    mean_square_of,
    rate_of,
    rule_of,
)
from mgd_lab.bench.programs import learning_program
from mgd_lab.bench.watching import Watching
from mgd_lab.chip import Learns, PerturbsNodes
from mgd_lab.controller import (
    AnalogLearner,
    DiscreteLearner,
    GatedChip,
    LayerInputs,
    Learner,
    Measurement,
    NodeEstimate,
    NodeProber,
    OnChipLearner,
    Prober,
    StepLog,
    Updater,
    prober_for,
)

if TYPE_CHECKING:
    from mgd_lab.bench.assembly import Fitted


def learner_of(
    fitted: Fitted, chip: GatedChip, watched: Watching, workers: Executor, log: StepLog
) -> Learner:
    """The learner of an experiment's rung, algorithm and target, on the gated chip."""
    if fitted.rung == "learns" and isinstance(chip, Learns):
        return OnChipLearner(chip, learning_program(fitted), fitted.envelope)
    inputs = LayerInputs(0 if fitted.nodes is None else fitted.nodes.width)
    prober = _prober(fitted, chip, inputs)
    measurement = Measurement(
        prober,
        fitted.largest_block,
        watched.watch.held_up,
        fitted.description.name,
        workers,
        watched.cost,
        watched.pause,
    )
    training = fitted.experiment.training
    update = training.update
    updater = Updater(rule_of(update), rate_of(update), fitted.envelope)
    if fitted.nodes is not None:
        nodes, schedule = fitted.nodes, fitted.schedule
        squares = nodes.mean_square(training.perturbation.kind)
        estimate = NodeEstimate(schedule, nodes.layers, squares, update.scale, updater, inputs)
        return DiscreteLearner(schedule, estimate, measurement, log)
    square = mean_square_of(fitted.experiment, fitted.amplitudes)
    if training.algorithm == "discrete":
        estimate = estimate_of(fitted.experiment, square, updater)
        return DiscreteLearner(fitted.schedule, estimate, measurement, log)
    filters = filters_of(training.time_constants, square)
    return AnalogLearner(fitted.schedule, filters, measurement, updater, log)


def _prober(fitted: Fitted, chip: GatedChip, inputs: LayerInputs) -> Prober:
    if fitted.nodes is not None and isinstance(chip, PerturbsNodes):
        return NodeProber(chip, fitted.description.name, inputs)
    return prober_for(fitted.rung, chip, fitted.cost, fitted.train_inputs, fitted.train_targets)
