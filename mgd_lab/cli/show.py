"""`mgd-lab show RUN`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mgd_lab.cli.errors import reported
from mgd_lab.cli.options import Json, RunPath, print_json
from mgd_lab.cli.quantities import cost, duration, number, percent
from mgd_lab.cli.shown_events import event_lines
from mgd_lab.cli.shown_reference import reference_lines
from mgd_lab.cli.shown_telemetry import telemetry_lines
from mgd_lab.run_store import Run, open_run

NAME = "show"


@reported
def command(
    run: RunPath,
    events: Annotated[
        bool, typer.Option("--events", help="Show all events, not the last.")
    ] = False,
    json: Json = False,
) -> None:
    """Tell what a run was, how far it came and what happened in it."""
    with open_run(run) as opened, opened.one_moment():
        summary = opened.summary
        _print(opened, summary)
        for lines in (telemetry_lines(opened), event_lines(opened, everything=events)):
            for line in lines:
                typer.echo(line)
        if json:
            print_json(summary)


def _print(run: Run, summary: dict[str, Any]) -> None:
    simulated = " (simulated)" if run.simulated else ""
    typer.echo(f"{run.path.name}: {str(summary['status']).replace('_', ' ')}{simulated}")
    typer.echo(f"  started         {run.meta.get('created_utc', 'unknown')}")
    if summary.get("wall_seconds") is not None:
        typer.echo(f"  took            {duration(summary['wall_seconds'])}")
    if run.reference:
        for line in reference_lines(run):
            typer.echo(line)
    else:
        typer.echo(f"  chip            {_chip(run)}")
        typer.echo(f"  training        {_training(run.experiment)}")
    for key in (
        "steps",
        "updates",
        "probes",
        "evaluation_probes",
        "remeasured_probes",
        "samples",
    ):
        typer.echo(f"  {key.replace('_', ' '):<15} {number(summary.get(key))}".rstrip())
    typer.echo(f"  cost            {cost(summary.get('cost'))}")
    typer.echo(f"  accuracy        {percent(summary.get('accuracy'))}")
    typer.echo(f"  seed            {summary.get('seed')}")
    typer.echo(f"  MGD Lab         {run.environment.get('mgd_lab')}, git {_git(run.environment)}")
    if summary.get("message"):
        typer.echo(f"  ended with      {summary['message']}")


def _chip(run: Run) -> str:
    chip = run.environment.get("chip", {})
    identity = chip.get("identity", {})
    description = chip.get("description", {})
    named = ", ".join(text for text in identity.values() if text)
    return f"{description.get('name', 'unknown')} ({named}), rung {chip.get('rung', 'unknown')}"


def _training(experiment: dict[str, Any]) -> str:
    training = experiment.get("training", {})
    perturbation = training.get("perturbation", {})
    times = {k: v for k, v in training.get("time_constants", {}).items() if v is not None}
    update = training.get("update", {})
    return (
        f"{training.get('algorithm')}, {perturbation.get('kind')} codes, "
        + ", ".join(f"{name} {value}" for name, value in times.items())
        + f", {update.get('rule')} at learning rate {update.get('learning_rate')}"
    )


def _git(environment: dict[str, Any]) -> str:
    git = environment.get("git")
    if not git:
        return "none"
    return f"{str(git.get('commit'))[:10]}{' with changes' if git.get('dirty') else ''}"
