"""A run as one reads it."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import NDArray

from mgd_lab.errors import NoRunError
from mgd_lab.records import Counters
from mgd_lab.run_store import sparse_series, telemetry_series
from mgd_lab.run_store.cost_series import cost_chunks, damaged_blocks, read_costs
from mgd_lab.run_store.documents import read_mapping
from mgd_lab.run_store.folder import ENVIRONMENT_NAME, RESOLVED_NAME, RunFolder
from mgd_lab.run_store.log_reader import one_moment, open_log, reading
from mgd_lab.run_store.migration import read_as_current
from mgd_lab.run_store.schema import read_meta
from mgd_lab.run_store.summary import latest_counters, rebuilt_summary
from mgd_lab.run_store.tables import (
    Checkpoints,
    CostMeans,
    Costs,
    Evaluations,
    Events,
    Parameters,
    Telemetry,
)
from mgd_lab.run_store.telemetry_series import TelemetryBlock

if TYPE_CHECKING:
    import xarray


def open_run(path: Path | str) -> Run:
    """Open a run for reading: its folder, or any file in it.

    A run that is being written, or whose writer was killed, shows all up to its last checkpoint.

    Raises:
        RunStoreError: there is no run, its log is damaged, or a newer MGD Lab wrote it.
    """
    given = Path(path)
    if not given.exists():
        raise NoRunError(f"no run at {given}: the path does not exist; see mgd-lab runs")
    return Run(RunFolder(given if given.is_dir() else given.parent))


class Run:
    """A run's folder, read-only. Every read shows the log as of its latest checkpoint.

    Reads raise `RunStoreError` where the log is damaged or closed.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.path: Path = folder.path.absolute()
        self._folder = RunFolder(self.path)
        self._connection: sqlite3.Connection = open_log(folder.log)
        try:
            with reading(folder.log):
                self.meta: dict[str, Any] = read_meta(self._connection, folder.log)
                read_as_current(self._connection, self.meta["schema"])
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def name(self) -> str:
        """The experiment's name, as given."""
        return str(self.meta.get("name", self.path.name))

    @property
    def simulated(self) -> bool:
        """Whether anything in the run was no hardware."""
        return bool(self.meta.get("simulated", False))

    @property
    def reference(self) -> str:
        """The word "backpropagation" where the run is a reference, "" where a chip was trained."""
        return str(self.meta.get("reference", ""))

    @cached_property
    def experiment(self) -> dict[str, Any]:
        """The experiment with every default."""
        return read_mapping(self.path / RESOLVED_NAME)

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Versions, machine and instruments."""
        return read_mapping(self.path / ENVIRONMENT_NAME)

    @property
    def summary(self) -> dict[str, Any]:
        """summary.json; while the run goes on or after a crash, the same rebuilt from the log
        with status "running" or "crashed".
        """
        if self._folder.summary.exists():
            return read_mapping(self._folder.summary)
        with self.one_moment() as connection:
            return rebuilt_summary(self.path, connection, self.meta, self.experiment)

    @property
    def counters(self) -> Counters:
        """Totals at the latest checkpoint."""
        with self.one_moment() as connection:
            return latest_counters(connection)

    def costs(
        self, start: int = 0, stop: int | None = None, stride: int = 1, *, verify: bool = True
    ) -> Costs:
        """Steps start, start + stride, … below stop, as far as the log holds them.

        Empty where `logging.costs` is `window_mean` or `none`. `verify=False` reads what is there,
        whatever the checksums say.
        """
        with self.one_moment() as connection:
            return read_costs(connection, start, stop, stride, verify=verify)

    def cost_chunks(self, steps: int = 65536, *, verify: bool = True) -> Iterator[Costs]:
        """All costs in order, `steps` steps at a time, as of one moment; `verify` as in `costs`."""
        with self.one_moment() as connection:
            yield from cost_chunks(connection, steps, verify=verify)

    def window_means(self) -> CostMeans:
        """Means over windows, where `logging.costs` is `window_mean`."""
        with self.one_moment() as connection:
            return sparse_series.read_means(connection)

    def parameters(self, start: int = 0, stop: int | None = None) -> Parameters:
        """Snapshots of θ with start <= step < stop; theta is (N, P) float64."""
        with self.one_moment() as connection:
            return sparse_series.read_parameters(connection, start, stop)

    def parameter_chunks(self) -> Iterator[Parameters]:
        """All snapshots in order, about 1 MiB at a time, as of one moment."""
        with self.one_moment() as connection:
            yield from sparse_series.parameter_chunks(connection)

    def snapshot_count(self) -> int:
        with self.one_moment() as connection:
            return sparse_series.snapshot_count(connection)

    def evaluations(self) -> Evaluations:
        """Costs and accuracies over splits; accuracy is NaN where there is none."""
        with self.one_moment() as connection:
            return sparse_series.read_evaluations(connection)

    def events(self, last: int | None = None) -> Events:
        """All events, or the last so many."""
        with self.one_moment() as connection:
            return sparse_series.read_events(connection, last)

    def event_counts(self) -> dict[str, int]:
        """Number of events by kind, in the order in which each kind came first."""
        with self.one_moment() as connection:
            return sparse_series.event_counts(connection)

    def checkpoints(self) -> Checkpoints:
        with self.one_moment() as connection:
            return sparse_series.read_checkpoints(connection)

    def state(self) -> dict[str, NDArray[Any]]:
        """The controller's arrays at the latest checkpoint; empty before the first."""
        with self.one_moment() as connection:
            return sparse_series.read_state(connection)

    @cached_property
    def telemetry_units(self) -> dict[str, str]:
        """Units of telemetry by channel, as far as the chip stated them."""
        return telemetry_series.telemetry_units(self.environment)

    def telemetry(self) -> Telemetry:
        """Readings of chip and instruments, one channel at one instant a row."""
        with self.one_moment() as connection:
            return telemetry_series.read_telemetry(connection, self.telemetry_units)

    def telemetry_chunks(self) -> Iterator[Telemetry]:
        """The same, about 16,000 readings at a time, as of one moment."""
        with self.one_moment() as connection:
            yield from telemetry_series.telemetry_chunks(connection, self.telemetry_units)

    def telemetry_blocks(self) -> Iterator[TelemetryBlock]:
        """The same as arrays (instants, channels), as of one moment."""
        with self.one_moment() as connection:
            yield from telemetry_series.telemetry_blocks(connection)

    def telemetry_counts(self) -> tuple[int, int]:
        """How many instants were recorded, and how many readings in all."""
        with self.one_moment() as connection:
            return telemetry_series.telemetry_counts(connection)

    def damaged_blocks(self) -> list[tuple[int, int]]:
        """First step and number of steps of each row of costs that is not what was written.

        Does not raise for those; reading them would. Rows that carry no checksum (logs of schema
        version 1) are judged by their length.
        """
        with self.one_moment() as connection:
            return damaged_blocks(connection)

    def to_xarray(self, start: int = 0, stop: int | None = None, stride: int = 1) -> xarray.Dataset:
        """Costs of the steps asked for, and all else, as one Dataset in memory.

        Raises:
            MissingExtraError: xarray is not installed.
        """
        from mgd_lab.run_store.dataset import run_dataset

        with self.one_moment():
            return run_dataset(self, start, stop, stride)

    @contextmanager
    def one_moment(self) -> Generator[sqlite3.Connection]:
        """All reads inside show the log at one moment, however it grows meanwhile."""
        with reading(self._folder.log), one_moment(self._connection):
            yield self._connection

    def __repr__(self) -> str:
        mark = ", simulated" if self.simulated else ""
        return f"<Run {self.path.name}: {self.counters.steps} steps{mark}>"
