"""A sink that can be told events before training opens its log and after it has closed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mgd_lab.controller import Clock
from mgd_lab.records import Checkpoint, Event, Record, RecordSink


class TellingSink:
    """Passes records on; what is told after the last checkpoint of a run becomes durable too.

    Args:
        sink: where records go.
        clock: when events happen.
        step: at which they happen before there is a checkpoint.
    """

    def __init__(self, sink: RecordSink, clock: Clock, step: int) -> None:
        self._sink = sink
        self._clock = clock
        self._step = step
        self._last: Checkpoint | None = None

    def write(self, record: Record) -> None:
        """Passes it on."""
        if isinstance(record, Checkpoint):
            self._last = record
        self._sink.write(record)

    def tell(self, kind: str, message: str, details: Mapping[str, Any]) -> None:
        """Keeps an event."""
        last, utc = self._last, self._clock.utc()
        step = self._step if last is None else last.counters.steps
        self._sink.write(Event(step, kind, message, utc, details))
        if last is not None and last.final:
            # Only a checkpoint makes it durable, and training writes no more of them.
            again = replace(last, utc_seconds=utc, monotonic_seconds=self._clock.monotonic())
            self._sink.write(again)
