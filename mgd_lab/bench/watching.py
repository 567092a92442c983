"""The guards of an experiment, at work on an open chip and its host."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mgd_lab.chip import Chip, ChipDescription, ReportsTelemetry
from mgd_lab.chip.recovery import Recovery, ReportsRecoveries
from mgd_lab.controller import (
    Clock,
    CostGuard,
    DiskGuard,
    Guard,
    HostSleptGuard,
    Intermission,
    PauseControl,
    Resting,
    RetriesGuard,
    TelemetryGuard,
    TelemetryReader,
    Watch,
    watched,
)
from mgd_lab.errors import ConfigurationError, RunStoreError
from mgd_lab.experiment import Experiment, Guards
from mgd_lab.experiment.nearest import did_you_mean
from mgd_lab.records import RecordSink


@dataclass(frozen=True)
class Attendance:
    """What a training attends to beside its costs, and who may make it pause.

    Attributes:
        pause: asks it to pause, and to go on.
        free_bytes: space left for the run's log; None where nobody looks.
        slept_seconds: longest absence of the host since last asked; likewise.
        resting: takes the chip to its safe values and back; needed for `guards.pause.chip: safe`.
    """

    pause: PauseControl = field(default_factory=PauseControl)
    free_bytes: Callable[[], int] | None = None
    slept_seconds: Callable[[], float] | None = None
    resting: Resting | None = None


@dataclass(frozen=True)
class Watching:
    """The guards, connected."""

    cost: CostGuard
    pause: PauseControl
    watch: Watch
    intermission: Intermission
    recoveries: Callable[[], Sequence[Recovery]]


def watching(
    experiment: Experiment,
    chip: Chip,
    attendance: Attendance,
    *,
    sink: RecordSink,
    clock: Clock,
    interrupt: threading.Event,
) -> Watching:
    """The guards that the experiment asks for; the chip is open."""
    rules, pause, description = experiment.guards, attendance.pause, chip.description
    retries, reader = RetriesGuard(rules.retries), None
    guards: list[Guard] = [retries]
    if description.telemetry and isinstance(chip, ReportsTelemetry):
        reader = TelemetryReader(chip, description, sink, clock)
        every = experiment.logging.telemetry_every_seconds
        guards.append(TelemetryGuard(reader, rules.telemetry, every))
    if attendance.free_bytes is not None:
        guards.append(DiskGuard(rules.disk, attendance.free_bytes))
    if attendance.slept_seconds is not None:
        guards.append(HostSleptGuard(rules.host_slept, attendance.slept_seconds))
    watch = Watch(guards, pause, clock, interrupt, reader)
    recoveries: Callable[[], Sequence[Recovery]] = tuple
    if isinstance(chip, ReportsRecoveries):
        recoveries = watched(chip.take_recoveries, retries.note)
    return Watching(
        cost=CostGuard(rules.cost),
        pause=pause,
        watch=watch,
        intermission=Intermission(
            pause, rules.pause, clock, interrupt, watch=watch, chip=attendance.resting
        ),
        recoveries=recoveries,
    )


def check_guards(guards: Guards, description: ChipDescription) -> None:
    """ConfigurationError where a guard names a channel that the chip does not report."""
    channels = [channel.name for channel in description.telemetry]
    for name in guards.telemetry:
        if name not in channels:
            known = ", ".join(channels) or "none"
            raise ConfigurationError(
                f"guards.telemetry.{name}: chip {description.name!r} reports no such channel"
                f"{did_you_mean(name, channels)} (its channels: {known})"
            )


def free_bytes_at(folder: Path) -> Callable[[], int]:
    """Asks for the space left on the file system of a folder."""

    def free() -> int:
        try:
            return shutil.disk_usage(folder).free
        except OSError as error:
            raise RunStoreError(
                f"{folder}: the space left for the run cannot be told: {error}"
            ) from error

    return free
