"""Runs the checks on a chip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mgd_lab.bench import SettingsOfDrivers, chip_drivers
from mgd_lab.bench.chip_lock import locked_chip
from mgd_lab.bench.chips import build_chip
from mgd_lab.chip import Chip
from mgd_lab.conformance.chip_file import load_chip_file
from mgd_lab.conformance.material import material_for
from mgd_lab.conformance.registry import CHECKS, Check
from mgd_lab.conformance.session import Session, Subject
from mgd_lab.conformance.verdict import CheckResult, Verdict, failed
from mgd_lab.errors import ConfigurationError, MgdLabError
from mgd_lab.experiment import ChipSettings

_SEED = 1


def check_chip(
    chip_file: str | Path,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    *,
    amplitude: float | None = None,
    tolerance: float = 0.0,
    checks: Sequence[str] | None = None,
    observe: Callable[[CheckResult], None] | None = None,
) -> list[CheckResult]:
    """Judges the chip that a chip file names; it is safe when this returns or raises.

    Args:
        chip_file: the chip file.
        overrides: {"chip.rung": "cost"}, or texts `chip.rung=cost`.
        amplitude: largest perturbation, in the parameters' unit; otherwise a hundredth of a
            parameter's range, or 0.01 where that has no bounds.
        tolerance: difference of costs that passes on a chip without noise; 0 demands the same
            bits, which only a chip that computes in float64 can give.
        checks: names of the checks to run; all where None.
        observe: called with each result as soon as there is one.

    Raises:
        ConfigurationError: the chip file, or a name in `checks`, is wrong.
        LimitError: the chip's limits leave no room for the amplitude.
        ChipError: the chip is in use, could not be opened, or not made safe.
    """
    settings = load_chip_file(chip_file, overrides, drivers=SettingsOfDrivers(chip_drivers()))
    with locked_chip(settings):
        return check_built_chip(
            build_chip(settings),
            settings,
            amplitude=amplitude,
            tolerance=tolerance,
            checks=checks,
            observe=observe,
        )


def check_built_chip(
    chip: Chip,
    settings: ChipSettings | None = None,
    *,
    amplitude: float | None = None,
    tolerance: float = 0.0,
    checks: Sequence[str] | None = None,
    observe: Callable[[CheckResult], None] | None = None,
) -> list[CheckResult]:
    """The same for a chip that is there, not open; it is opened many times."""
    chosen = _chosen(checks)
    subject = _subject(chip, settings or ChipSettings(driver="given"), amplitude, tolerance)
    results: list[CheckResult] = []
    for check in chosen:
        for result in _results(check, subject):
            results.append(result)
            if observe is not None:
                observe(result)
    return results


def _chosen(names: Sequence[str] | None) -> Sequence[Check]:
    known = {check.name: check for check in CHECKS}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise ConfigurationError(
            f"no check {', '.join(unknown)}; the checks are {', '.join(known)}"
        )
    return CHECKS if names is None else [known[name] for name in names]


def _subject(
    chip: Chip, settings: ChipSettings, amplitude: float | None, tolerance: float
) -> Subject:
    """What there is to test, learned in a first opening that sends no values."""
    if amplitude is not None and not 0 < amplitude < float("inf"):
        raise ConfigurationError(f"amplitude is {amplitude}; it must be a finite number above 0")
    if not 0 <= tolerance < float("inf"):
        raise ConfigurationError(f"tolerance is {tolerance}; it must be a finite number, 0 or more")
    with chip:
        description = chip.description
    material = material_for(description, amplitude, _SEED)
    return Subject(chip, settings, description, material, tolerance)


def _results(check: Check, subject: Subject) -> Iterator[CheckResult]:
    session = Session(subject)
    if check.run is not None:
        run = check.run
        yield _result(check, check.name, lambda: run(session), session)
    if check.run_on_rung is not None:
        run_on_rung = check.run_on_rung
        for rung in session.rungs():
            name = f"{check.name}[{rung}]"
            yield _result(check, name, lambda rung=rung: run_on_rung(session, rung), session)


def _result(check: Check, name: str, run: Callable[[], Verdict], session: Session) -> CheckResult:
    try:
        if check.opens:
            verdict = run()
        else:
            with session.chip:
                session.begin()
                verdict = run()
    except MgdLabError as error:
        verdict = failed(f"{error}")
    # A driver under test may fail in any way; that is a finding, and not the end of the report.
    except Exception as error:  # noqa: BLE001
        verdict = failed(
            f"{type(error).__name__}: {error} (drivers raise the errors of mgd_lab.errors)"
        )
    return CheckResult(name, check.about, verdict.status, verdict.reason, verdict.figures)
