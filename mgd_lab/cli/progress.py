"""A progress line while a run trains; where stdout is no terminal, pauses alone are told."""

from __future__ import annotations

import contextlib
import os
import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bar

from mgd_lab.cli.quantities import cost, duration, number, percent
from mgd_lab.cli.readers import perhaps_unread
from mgd_lab.controller import Progress

_STDERR = 2


class ProgressLine:
    """Steps, cost, accuracy, rate and time left, redrawn in place."""

    def __init__(self, name: str) -> None:
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._paused = ""
        if sys.stdout.isatty():
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f} %"),
                TextColumn("{task.fields[facts]}"),
                console=Console(),
                transient=True,
            )
            self._task = self._bar.add_task(name, total=1.0, facts="")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            with perhaps_unread():
                self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Redraws the line."""
        if self._bar is None or self._task is None:
            self._tell_pause(progress.paused)
            return
        rate = progress.counters.steps / progress.seconds if progress.seconds else 0.0
        left = ""
        if progress.fraction > 0:
            seconds = progress.seconds * (1 - progress.fraction) / progress.fraction
            left = f"  {duration(seconds)} left"
        facts = (
            f"step {number(progress.counters.steps)}  cost {cost(progress.cost)}  "
            f"accuracy {percent(progress.accuracy)}  {number(rate)} steps/s{left}"
        )
        if progress.paused:
            facts = escape(_paused(progress.paused))
        self._bar.update(self._task, completed=progress.fraction, facts=facts)

    def _tell_pause(self, reason: str) -> None:
        """Somebody may look at the file, and wonder why nothing happens."""
        if reason != self._paused:
            self._paused = reason
            text = _paused(reason) if reason else "going on"
            # Nobody need read it.
            with contextlib.suppress(OSError):
                os.write(_STDERR, f"{text}\n".encode())


def _paused(reason: str) -> str:
    return f"paused: {reason}; kill -USR1 {os.getpid()} to go on, Ctrl-C to end"
