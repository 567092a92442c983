"""Everything that a figure shows of one run, read at one moment of its log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from mgd_lab.bench.amplitudes import amplitudes_of
from mgd_lab.chip import ChipDescription
from mgd_lab.errors import RunStoreError
from mgd_lab.experiment import Logging, Stop, Training
from mgd_lab.figures.cost_bins import CostBins, bins_of_costs, bins_of_means
from mgd_lab.figures.gradient_series import GradientSeries, gradient_series
from mgd_lab.figures.gradient_spans import Perturbing
from mgd_lab.figures.telemetry_bins import ChannelBins, bins_of_telemetry
from mgd_lab.figures.trajectories import Trajectories, trajectories
from mgd_lab.run_store import Evaluations, Run, open_run

Model = TypeVar("Model", Training, Stop, Logging)


@dataclass(frozen=True)
class RunCurves:
    """One run.

    Attributes:
        status: as in its summary.
        costs: None where the log keeps none.
        cost_name: "mse" or "cross_entropy".
        gradient: None where the log does not tell it, and then `no_gradient` says why.
        window: τ_θ in steps.
        group_names, groups: names of parameter groups, and the group of each parameter.
        unit: of the parameters; "" where they have none, None where they differ.
        reference: "backpropagation" where no chip was trained, else "".
        presented: steps and presentations of samples at the checkpoints, from (0, 0), (n,) both:
            training probes of a chip, samples that a reference was trained with.
        extent: where the x axis of the run ends; in steps, unless it shows something else.
    """

    name: str
    folder: str
    simulated: bool
    status: str
    seed: int
    steps: int
    stop: Stop
    cost_name: str
    costs: CostBins | None
    evaluations: Evaluations
    gradient: GradientSeries | None
    no_gradient: str
    window: float
    parameters: Trajectories | None
    telemetry: tuple[ChannelBins, ...]
    group_names: tuple[str, ...]
    groups: tuple[int, ...]
    unit: str | None
    reference: str
    presented: tuple[NDArray[np.float64], NDArray[np.float64]]
    extent: float


def read_curves(path: Path) -> RunCurves:
    """Raises RunStoreError where the run cannot be read."""
    with open_run(path) as run, run.one_moment():
        try:
            training = _section(Training, run.experiment["training"])
            stop = _section(Stop, run.experiment["stop"])
            logging = _section(Logging, run.experiment["logging"])
            description = ChipDescription.from_mapping(run.environment["chip"]["description"])
            seed = int(run.experiment["seed"])
            cost_name = str(run.experiment["task"]["cost"])
        except (KeyError, TypeError, ValidationError) as error:
            raise RunStoreError(
                f"run {run.path}: this MGD Lab does not understand its experiment or chip "
                f"({error!r}). Plot it with the version that wrote it, "
                f"{run.meta.get('mgd_lab', 'unknown')}"
            ) from error
        steps = run.counters.steps
        gradient, reason = _gradient(run, training, logging, description, seed, steps)
        units = {group.unit for group in description.groups}
        return RunCurves(
            name=run.name,
            folder=run.path.name,
            simulated=run.simulated,
            status=str(run.summary.get("status", "unknown")),
            seed=seed,
            steps=steps,
            stop=stop,
            cost_name=cost_name,
            costs=_costs(run, training, logging, steps),
            evaluations=run.evaluations(),
            gradient=gradient,
            no_gradient=reason,
            window=float(training.time_constants.tau_theta),
            parameters=trajectories(run),
            telemetry=bins_of_telemetry(run),
            group_names=tuple(group.name for group in description.groups),
            groups=tuple(
                k for k, group in enumerate(description.groups) for _ in range(group.count)
            ),
            unit=units.pop() if len(units) == 1 else None,
            reference=run.reference,
            presented=_presented(run),
            extent=float(steps),
        )


def perturbing_of(training: Training, description: ChipDescription, seed: int) -> Perturbing:
    """What a discrete run's codes were made from."""
    return Perturbing(
        kind=training.perturbation.kind,
        seed=seed,
        amplitudes=amplitudes_of(training.perturbation.amplitude, description),
        tau_p=training.time_constants.tau_p,
        tau_theta=int(training.time_constants.tau_theta),
        paired=training.baseline == "paired",
    )


def _gradient(
    run: Run,
    training: Training,
    logging: Logging,
    description: ChipDescription,
    seed: int,
    steps: int,
) -> tuple[GradientSeries | None, str]:
    if run.reference:
        return None, ""
    if training.algorithm != "discrete":
        return None, "the analog algorithm measures no baseline"
    if training.perturbation.target == "nodes":
        return None, "it perturbs nodes, and its log keeps nothing of what entered their layers"
    if logging.costs != "all":
        return None, f"its log keeps no single costs (logging.costs: {logging.costs})"
    series = gradient_series(run, perturbing_of(training, description, seed), steps)
    if not len(series.step):
        return None, f"{steps} steps are too few to estimate it"
    return series, ""


def _costs(run: Run, training: Training, logging: Logging, steps: int) -> CostBins | None:
    if logging.costs == "none" or not steps or run.reference:
        return None
    if logging.costs == "window_mean":
        return bins_of_means(run, steps)
    return bins_of_costs(run, steps, paired=training.baseline == "paired")


def _presented(run: Run) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    at = run.checkpoints()
    counts = at.samples if run.reference else at.probes
    return (
        np.concatenate([[0.0], at.step.astype(np.float64)]),
        np.concatenate([[0.0], counts.astype(np.float64)]),
    )


def _section(model: type[Model], mapping: Any) -> Model:
    # JSON is where pydantic's strict mode takes lists for tuples and text for paths.
    return model.model_validate_json(json.dumps(mapping), strict=True)
