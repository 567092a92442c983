"""`mgd-lab project RUN…`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mgd_lab.cli.errors import reported
from mgd_lab.cli.options import Json, print_json
from mgd_lab.cli.quantities import number
from mgd_lab.errors import ConfigurationError
from mgd_lab.figures import plot_projection
from mgd_lab.projection import (
    Backpropagation,
    Projection,
    ProjectionReport,
    Target,
    load_hardware,
    project_paper,
    project_runs,
    time_text,
)

NAME = "project"
_ONE, _EACH = "a batch as one probe", "as B presentations"

Row = tuple[str, str, str, str]


@reported
def command(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN...", help="Runs of chips, and references to compare with."),
    ] = None,
    hardware: Annotated[
        list[Path] | None,
        typer.Option("--hardware", metavar="FILE", help="A chip of your own (YAML); repeatable."),
    ] = None,
    target: Annotated[
        float | None,
        typer.Option("--target", metavar="ACCURACY", help="Count up to this accuracy, 0 to 1."),
    ] = None,
    cost: Annotated[
        float | None, typer.Option("--cost", metavar="COST", help="Count down to this cost.")
    ] = None,
    paper: Annotated[
        bool, typer.Option("--paper", help="The published projection, from its own step count.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Picture: .png, .svg or .pdf."),
    ] = None,
    json: Json = False,
) -> None:
    """Tell how long training would take on other hardware, beside backpropagation."""
    if paper:
        if runs or hardware or target is not None or cost is not None:
            raise ConfigurationError(
                "--paper stands alone: it knows the published steps, not what else was done in them"
            )
        report = project_paper()
    else:
        own = [load_hardware(path) for path in hardware or ()]
        report = project_runs(runs or (), target=_target(target, cost), hardware=own)
    for projection in report.projections:
        _tell(projection, report)
    if output is not None:
        plot_projection(report, output)
        typer.echo(str(output))
    if json:
        print_json(_plain(report))


def _target(accuracy: float | None, cost: float | None) -> Target | None:
    if accuracy is not None and cost is not None:
        raise ConfigurationError("--target and --cost both name a target; give one of them")
    if accuracy is not None and not 0 < accuracy <= 1:
        raise ConfigurationError(f"--target: expected an accuracy above 0 to 1, got {accuracy:g}")
    if cost is not None and not 0 < cost < float("inf"):
        raise ConfigurationError(f"--cost: expected a cost above 0, got {cost:g}")
    return None if accuracy is None and cost is None else Target(accuracy, cost)


def _tell(projection: Projection, report: ProjectionReport) -> None:
    typer.echo(f"{projection.title}: {_how_far(projection, report.target)}")
    updates = "" if projection.updates is None else f", {number(projection.updates)} updates"
    typer.echo(
        f"  {number(projection.steps)} steps, {number(projection.probes)} probes{updates}, batch "
        f"{projection.batch:,}"
    )
    for line in _lines(_rows(projection, report)):
        typer.echo(line)


def _rows(projection: Projection, report: ProjectionReport) -> list[Row]:
    """Name, time where a batch is one probe, time where it is B, note."""
    rows: list[Row] = [("training time on", _ONE, _EACH, "")]
    for time in projection.times:
        said = time.published_seconds
        note = "" if said is None else f"published: {time_text(said)}"
        both = time_text(time.as_one_seconds), time_text(time.as_presentations_seconds)
        rows.append((time.hardware.name, *both, note))
    for line in report.backpropagation:
        known = "-" if line.seconds is None else time_text(line.seconds)
        rows.append((f"backpropagation, {line.where}", known, known, line.note))
    return rows


def _lines(rows: list[Row]) -> list[str]:
    """In columns; a line stays whole, however narrow the terminal."""
    names, ones, each, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    return [
        f"  {name:<{names}}  {one:>{ones}}  {other:>{each}}  {note}".rstrip()
        for name, one, other, note in rows
    ]


def _how_far(projection: Projection, target: Target | None) -> str:
    run = projection.run
    if run is None:
        return "published steps"
    mark = " (simulated)" if run.simulated else ""
    if target is None or run.way.reached is None:
        return f"the whole run, no target was named{mark}"
    if run.way.reached:
        return f"to {target.text} on the {run.way.split} split{mark}"
    return f"the whole run, since {target.text} was not reached: {run.way.why_not}{mark}"


def _plain(report: ProjectionReport) -> dict[str, Any]:
    target = report.target
    return {
        "target": None if target is None else {"accuracy": target.accuracy, "cost": target.cost},
        "runs": [_plain_run(projection) for projection in report.projections],
        "backpropagation": [_plain_line(line) for line in report.backpropagation],
    }


def _plain_run(projection: Projection) -> dict[str, Any]:
    run = projection.run
    return {
        "run": None if run is None else str(run.path),
        "name": projection.title,
        "dataset": projection.dataset,
        "simulated": None if run is None else run.simulated,
        "target_reached": None if run is None else run.way.reached,
        "steps": projection.steps,
        "probes": projection.probes,
        "updates": projection.updates,
        "batch": projection.batch,
        "hardware": [
            {
                "name": time.hardware.name,
                "source": time.hardware.source,
                "batch_as_one_probe_seconds": time.as_one_seconds,
                "batch_as_presentations_seconds": time.as_presentations_seconds,
                "published_seconds": time.published_seconds,
            }
            for time in projection.times
        ],
    }


def _plain_line(line: Backpropagation) -> dict[str, Any]:
    reference = line.reference
    return {
        "where": line.where,
        "seconds": line.seconds,
        "measured": reference is not None,
        "run": None if reference is None else str(reference.path),
        "target_reached": None if reference is None else reference.way.reached,
        "note": line.note,
    }
