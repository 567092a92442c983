"""Bars while files come over the net, on a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from mgd_lab.cli.readers import perhaps_unread


class DownloadProgress:
    """A bar for each file; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._tasks: dict[str, TaskID] = {}
        self._bars: Progress | None = None
        if sys.stderr.isatty():
            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            with perhaps_unread():
                self._bars.stop()

    def show(self, name: str, done: int, total: int | None) -> None:
        """Redraws the bar of a file; bytes so far, and in all where they are known."""
        if self._bars is None:
            return
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total, completed=done)
        self._bars.update(self._tasks[name], completed=done, total=total)
