"""`mgd-lab replay RUN`."""

from __future__ import annotations

import math
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from mgd_lab.cli.errors import reported
from mgd_lab.cli.options import Json, RunPath, print_json
from mgd_lab.cli.quantities import duration, number
from mgd_lab.replay import Deviation, Difference, Exploration, ReplayReport, replay_run

NAME = "replay"
_NOT_REPRODUCED = 3
_ROWS = 10
_SUSPECTS = 5

Explored = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Explore, on the recorded measurements, another update "
        "(training.update.learning_rate=0.1, training.update.rule=adam) or "
        "training.time_constants.tau_theta; repeatable.",
    ),
]


@reported
def command(run: RunPath, set_: Explored = None, json: Json = False) -> None:
    """Compute a run again from its log alone, and tell whether it comes out the same."""
    with _bar() as bar:
        report = replay_run(run, set_ or (), observe=bar)
    _tell(report)
    if report.explored is not None:
        _tell_exploration(report.explored)
    if json:
        print_json(_plain(report.summary))
    raise typer.Exit(0 if report.reproduced else _NOT_REPRODUCED)


class _Bar:
    """Steps done, redrawn in place; nothing where stdout is no terminal."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._task = None if progress is None else progress.add_task("replay", total=1.0)

    def __call__(self, steps: int, total: int) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=steps, total=max(total, 1))


@contextmanager
def _bar() -> Generator[_Bar]:
    if not sys.stdout.isatty():
        yield _Bar(None)
        return
    percentage = TextColumn("{task.percentage:>3.0f} %")
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        percentage,
        console=Console(),
        transient=True,
    ) as progress:
        yield _Bar(progress)


def _tell(report: ReplayReport) -> None:
    simulated = " (simulated)" if report.simulated else ""
    rate = report.steps / report.seconds if report.seconds else 0.0
    took = report.recorded_seconds
    run = "" if took is None else f"; the run took {duration(took)}"
    typer.echo(f"replay of {report.path.name}{simulated}")
    typer.echo(
        f"  {number(report.steps)} steps in {duration(report.seconds)} "
        f"({number(rate)} steps/s{run})"
    )
    first = report.first_difference
    if first is None:
        typer.echo(
            f"  all {number(report.snapshots)} snapshots of the parameters, and the state after "
            f"{number(report.steps)} steps, are reproduced bit for bit"
        )
        return
    typer.echo(
        f"  NOT reproduced: {number(report.agreeing)} of {number(report.snapshots)} snapshots of "
        f"the parameters agree, the state at the end "
        f"{'agrees' if report.state_agrees else 'does not'}"
    )
    typer.echo("  first difference:")
    _tell_difference(first)
    if len(report.differences) > 1:
        typer.echo("  besides:")
        for difference in report.differences[1:]:
            _tell_difference(difference)
    for sentence in report.surroundings:
        typer.echo(f"  perhaps because {sentence}")


def _tell_difference(difference: Difference) -> None:
    first, last = difference.first_step, difference.last_step
    where = f"step {first:,}" if first >= last else f"steps {first:,} to {last:,}"
    typer.echo(f"    {where}: {difference.message}")
    found = difference.suspects
    if found:
        named = ", ".join(
            f"step {suspect.step:,} (recorded cost off by {-suspect.change:+.3g})"
            for suspect in found[:_SUSPECTS]
        )
        more = f" and {len(found) - _SUSPECTS} others" if len(found) > _SUSPECTS else ""
        one = "one changed cost explains it" if len(found) == 1 else "any one of these explains it"
        typer.echo(f"      {one}: {named}{more}")


def _tell_exploration(explored: Exploration) -> None:
    changes = ", ".join(f"{key}={value}" for key, value in explored.changes.items())
    typer.echo(f"explored on the recorded measurements: {changes}")
    size = explored.perturbation_size
    if explored.stops_at is None:
        typer.echo(
            f"  θ' stays within a perturbation ({size:.3g}) of the recorded θ to the end of the log"
        )
    else:
        typer.echo(
            f"  stops to mean something at step {number(explored.stops_at)}: from there on θ' is "
            f"farther from the recorded θ than a perturbation reaches ({size:.3g}), and the chip "
            "was measured elsewhere"
        )
    if explored.refused:
        typer.echo(f"  θ' ends where the limits refuse {explored.refused}")
    typer.echo("        step    |θ'−θ|  in perturbations   angle of the change   its length")
    for row in _some(explored.deviations):
        typer.echo(_row(row))


def _some(rows: tuple[Deviation, ...]) -> list[Deviation]:
    """A few rows, evenly spread, the last among them."""
    moved = [row for row in rows if row.step > 0]
    if len(moved) <= _ROWS:
        return moved
    return [moved[round(k * (len(moved) - 1) / (_ROWS - 1))] for k in range(_ROWS)]


def _row(row: Deviation) -> str:
    angle = "-" if math.isnan(row.angle_degrees) else f"{row.angle_degrees:.1f}°"
    ratio = "-" if math.isnan(row.length_ratio) else f"{row.length_ratio:.3g}"
    return f"{row.step:>12,} {row.distance:>9.3g} {row.relative:>17.3g} {angle:>21} {ratio:>12}"


def _plain(value: Any) -> Any:
    """Nested values that JSON can hold: a number that it lacks becomes None."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
