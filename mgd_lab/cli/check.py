"""`mgd-lab check CONFIG`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

from mgd_lab.bench import CheckReport
from mgd_lab.bench import check as check_experiment
from mgd_lab.cli.errors import reported
from mgd_lab.cli.options import Changes, ChipFile, Config, Json, RunsDir, load, print_json
from mgd_lab.cli.quantities import duration, number, size

NAME = "check"


@reported
def command(
    config: Config,
    chip: ChipFile = None,
    set_: Changes = None,
    runs_dir: RunsDir = Path("runs"),
    json: Json = False,
) -> None:
    """Verify all that can be verified without energising, and tell what the run will cost."""
    report = check_experiment(load(config, chip, set_), runs_dir=runs_dir)
    _print(report)
    if json:
        print_json({"status": "ok", **asdict(report)})


def _print(report: CheckReport) -> None:
    simulated = " (simulated)" if report.simulated else ""
    lines = [
        f"{report.name}: experiment and chip fit{simulated}",
        f"  chip              {report.chip}, {number(report.parameters)} parameters",
        f"{_way(report)}, blocks of up to {number(report.largest_block)} probes",
        *([] if report.timing is None else [f"  timing            {report.timing}"]),
        f"  training samples  {number(report.training_samples)}",
        f"  steps             {number(report.steps)}, {number(report.updates)} updates",
        f"  probes            {number(report.probes)}, and {number(report.evaluation_probes)} to "
        "evaluate",
        f"  writes of θ       {_writes(report)}",
        f"  bytes on a link   {_size(report.link_bytes)}",
        f"  disk              {_size(report.disk_bytes)}, {_size(report.free_disk_bytes)} free",
        f"  time              {_time(report)}",
    ]
    for line in lines:
        typer.echo(line)
    for warning in report.warnings:
        typer.echo(f"warning: {warning}", err=True)


def _way(report: CheckReport) -> str:
    if report.nodes is None:
        return f"  rung              {report.rung}"
    return f"  perturbs          {number(report.nodes)} nodes"


def _writes(report: CheckReport) -> str:
    budget = report.writes_budget
    most = number(report.parameter_writes)
    return most if budget is None else f"at most {most}, of a budget of {number(budget)}"


def _size(count: int | None) -> str:
    return "unknown" if count is None else size(count)


def _time(report: CheckReport) -> str:
    if report.seconds is None:
        return "unknown: the chip declares no timings"
    return f"about {duration(report.seconds)}, from {report.seconds_from}"
