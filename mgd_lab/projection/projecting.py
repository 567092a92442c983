"""The table: training times of runs on hardware, beside backpropagation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mgd_lab.errors import ConfigurationError
from mgd_lab.projection.counts import BothCounts
from mgd_lab.projection.hardware import NAMED, PAPER, Hardware
from mgd_lab.projection.measured import MeasuredReference, MeasuredRun, read_measured
from mgd_lab.projection.paper import BATCH, GPU_SECONDS, PUBLISHED_SECONDS, STEPS, paper_counts
from mgd_lab.projection.target import Target


@dataclass(frozen=True)
class ProjectedTime:
    """Training time on one hardware, in seconds, counted in both ways.

    `published_seconds` is what the paper states for `as_one_seconds`; None for any other training.
    """

    hardware: Hardware
    as_one_seconds: float
    as_presentations_seconds: float
    published_seconds: float | None = None


@dataclass(frozen=True)
class Projection:
    """One training and its times.

    Attributes:
        title: the run's name, or the paper's.
        run: None for the paper's.
        steps, probes, updates, batch: counted; the paper does not tell its updates: None.
    """

    title: str
    dataset: str
    run: MeasuredRun | None
    steps: float
    probes: float
    updates: float | None
    batch: int
    times: tuple[ProjectedTime, ...]


@dataclass(frozen=True)
class Backpropagation:
    """Time of backpropagation.

    Attributes:
        where: what computes it, in words.
        seconds: None where it is not known, and then `note` says what to do.
        note: source, or how far it was trained.
    """

    where: str
    seconds: float | None
    note: str
    reference: MeasuredReference | None = None


@dataclass(frozen=True)
class ProjectionReport:
    """All that `mgd-lab project` tells."""

    target: Target | None
    projections: tuple[Projection, ...]
    backpropagation: tuple[Backpropagation, ...] = field(default=())


def project_runs(
    paths: Sequence[Path],
    *,
    target: Target | None = None,
    hardware: Sequence[Hardware] = (),
) -> ProjectionReport:
    """Times of chips' runs on the named classes of hardware and on `hardware`.

    References among the runs give the times of backpropagation.

    Raises:
        ConfigurationError: no run of a chip is among them, or one has done no step.
        RunStoreError: a run cannot be read.
    """
    measured = [read_measured(path, target) for path in paths]
    runs = [run for run in measured if isinstance(run, MeasuredRun)]
    references = [run for run in measured if isinstance(run, MeasuredReference)]
    if not runs:
        raise ConfigurationError(
            "project needs the run of a chip, real or emulated, whose probes it counts; "
            + ("the runs named are references" if references else "name one, or give --paper")
        )
    datasets = {run.dataset for run in runs}
    others = [one.path.name for one in references if one.dataset not in datasets]
    if others:
        raise ConfigurationError(
            f"{', '.join(others)}: this reference learnt another data set than the runs beside it "
            f"({', '.join(sorted(datasets))}); leave it out"
        )
    return ProjectionReport(
        target=target,
        projections=tuple(_of_run(run, (*NAMED, *hardware)) for run in runs),
        backpropagation=_backpropagation(references, datasets),
    )


def project_paper() -> ProjectionReport:
    """The paper's projection for CIFAR-10, from its own step count, by the same arithmetic."""
    return ProjectionReport(
        target=None,
        projections=(
            Projection(
                title="McCaughan et al. 2023, CIFAR-10",
                dataset="cifar10",
                run=None,
                steps=float(STEPS),
                probes=float(STEPS * BATCH),
                updates=None,
                batch=BATCH,
                times=_times(paper_counts(), NAMED, published=True),
            ),
        ),
        backpropagation=(_published("cifar10"),),
    )


def _of_run(run: MeasuredRun, hardware: Sequence[Hardware]) -> Projection:
    return Projection(
        title=run.name,
        dataset=run.dataset,
        run=run,
        steps=run.way.steps,
        probes=run.probes,
        updates=run.updates,
        batch=run.batch,
        times=_times(run.counts, hardware),
    )


def _times(
    counts: BothCounts, hardware: Sequence[Hardware], *, published: bool = False
) -> tuple[ProjectedTime, ...]:
    return tuple(
        ProjectedTime(
            hardware=one,
            as_one_seconds=counts.as_one.seconds(one),
            as_presentations_seconds=counts.as_presentations.seconds(one),
            published_seconds=PUBLISHED_SECONDS.get(one.name) if published else None,
        )
        for one in hardware
    )


def _backpropagation(
    references: Sequence[MeasuredReference], datasets: set[str]
) -> tuple[Backpropagation, ...]:
    """Those measured; the published time, where no GPU was; what is absent."""
    lines = [_measured(one) for one in references]
    if not any(not one.gpu for one in references):
        lines.append(
            Backpropagation(
                "this computer",
                None,
                "not measured: name a run of mgd-lab reference CONFIG beside",
            )
        )
    if not any(one.gpu for one in references):
        lines += [_published(dataset) for dataset in sorted(datasets)]
    return tuple(lines)


def _measured(reference: MeasuredReference) -> Backpropagation:
    way = reference.way
    how_far = f"measured, {reference.epochs:.3g} epochs"
    if way.reached is False:
        how_far += f"; target not reached: {way.why_not}"
    return Backpropagation(
        reference.device or ("GPU" if reference.gpu else "cpu"),
        reference.seconds,
        how_far,
        reference,
    )


def _published(dataset: str) -> Backpropagation:
    seconds = GPU_SECONDS.get(dataset)
    if seconds is None:
        return Backpropagation(
            "a GPU", None, f"neither measured, nor a figure published for {dataset}"
        )
    return Backpropagation("a GPU", seconds, f"not measured; {PAPER}")
