"""`mgd-lab conformance CHIP`."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from mgd_lab.cli.errors import reported
from mgd_lab.cli.options import Json, print_json
from mgd_lab.conformance import CheckResult, check_chip
from mgd_lab.errors import ChipError, MgdLabError

NAME = "conformance"
_WORDS = {"passed": "passed", "failed": "FAILED", "not_applicable": "n/a"}
_NAME_WIDTH = 24


@reported
def command(
    chip: Annotated[Path, typer.Argument(help="Chip file (YAML).", metavar="CHIP")],
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a key of the chip file (chip.rung=cost); repeatable. The value is YAML.",
        ),
    ] = None,
    amplitude: Annotated[
        float | None,
        typer.Option(
            "--amplitude",
            metavar="NUMBER",
            help="Largest perturbation, in the parameters' unit; θ stays within four of them from "
            "the safe values. Otherwise a hundredth of a parameter's range, or 0.01.",
        ),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance",
            metavar="NUMBER",
            help="Difference of costs that passes, for a chip that computes in less than float64.",
        ),
    ] = 0.0,
    check: Annotated[
        list[str] | None,
        typer.Option("--check", metavar="NAME", help="Do this check only; repeatable."),
    ] = None,
    json: Json = False,
) -> None:
    """Run the contract tests on a chip, ours or one with a driver of your own.

    Small values around the safe ones are sent to the chip. Exit 0: all passed; 3: some failed.
    """
    results: list[CheckResult] = []

    def observe(result: CheckResult) -> None:
        results.append(result)
        typer.echo(f"{_WORDS[result.status]:<7} {result.name:<{_NAME_WIDTH}} {result.reason}")

    try:
        with _interrupted_by_signals():
            check_chip(
                chip,
                set_ or (),
                amplitude=amplitude,
                tolerance=tolerance,
                checks=check,
                observe=observe,
            )
    except MgdLabError as error:
        if json:
            print_json(_summary(chip, results, str(error)))
        raise
    failures = [result.name for result in results if not result.ok]
    passed = sum(result.status == "passed" for result in results)
    typer.echo(
        f"{chip}: {passed} passed, {len(failures)} failed, "
        f"{len(results) - passed - len(failures)} not applicable"
    )
    if json:
        print_json(_summary(chip, results, None))
    if failures:
        raise typer.Exit(ChipError.exit_code)


def _summary(chip: Path, results: list[CheckResult], message: str | None) -> dict[str, object]:
    failures = message is not None or any(not result.ok for result in results)
    summary: dict[str, object] = {
        "chip": str(chip),
        "status": "failed" if failures else "passed",
        "checks": [result.as_mapping() for result in results],
    }
    return summary if message is None else {**summary, "message": message}


@contextmanager
def _interrupted_by_signals() -> Generator[None]:
    """Ctrl-C, SIGTERM and SIGHUP end the test, once: then the chip is made safe undisturbed."""
    raised = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal raised
        del number, frame
        if not raised:
            raised = True
            raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heeded = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    earlier = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
