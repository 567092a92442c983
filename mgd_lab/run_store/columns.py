"""A run as tables of columns, read a piece at a time: what every export format is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.run_store.array_bytes import unsigned_dtype
from mgd_lab.run_store.cost_series import cost_layout
from mgd_lab.run_store.documents import json_text
from mgd_lab.run_store.sparse_series import mean_chunks, parameter_chunks, snapshot_count

if TYPE_CHECKING:
    from mgd_lab.run_store.run import Run

Piece = Mapping[str, NDArray[Any]]

TEXT = np.dtype(np.str_)


@dataclass(frozen=True)
class Column:
    """One quantity of a table.

    Attributes:
        dtype: of one value; `TEXT` for text of any length.
        meaning, unit: for people; unit "" where the number has none.
        width: values a row; 0 for one, and the column is one-dimensional.
        across: what the second dimension counts, where there is one.
        variable: its name where all tables share one name space.
    """

    name: str
    dtype: np.dtype[Any]
    meaning: str
    unit: str = ""
    width: int = 0
    across: str = ""
    variable: str = ""


@dataclass(frozen=True)
class Table:
    """Rows along `dimension`; `pieces` yields them in order, each a mapping by column name."""

    name: str
    dimension: str
    rows: int
    columns: tuple[Column, ...]
    pieces: Callable[[], Iterator[Piece]]

    def variable(self, column: Column) -> str:
        return column.variable or f"{self.dimension}_{column.name}"


def run_tables(run: Run) -> list[Table]:
    """All tables of a run; call and use it inside `run.one_moment()`."""
    return [
        cost_table(run),
        _window_means(run),
        _parameters(run),
        _evaluations(run),
        _telemetry(run),
        _events(run),
        _checkpoints(run),
    ]


def run_metadata(run: Run) -> dict[str, Any]:
    """What is to stand in every exported file: texts and whole numbers."""
    return {
        "run": run.path.name,
        "name": run.name,
        "simulated": "true" if run.simulated else "false",
        "created_utc": str(run.meta.get("created_utc", "")),
        "baseline_kind": str(run.meta.get("baseline", "measured")),
        "mgd_lab_version": str(run.meta.get("mgd_lab", "")),
        "parameter_names": json_text(run.meta.get("parameter_names", [])),
        "parameter_units": json_text(run.meta.get("parameter_units", [])),
        "experiment": json_text(run.experiment),
    }


def cost_table(run: Run) -> Table:
    with run.one_moment() as connection:
        rows, sample_bytes, batch = cost_layout(connection)
    paired = run.meta.get("baseline") == "paired"
    sample = unsigned_dtype(sample_bytes).newbyteorder("=")
    columns = (
        _integer("step", "step, from 0", variable="step"),
        Column("sample", sample, "index of the sample", "", batch, "batch", "sample"),
        _float("cost", "cost C+" if paired else "cost C", variable="cost"),
        _float("baseline", "cost C-" if paired else "baseline C0", variable="baseline"),
    )
    return Table(
        "costs", "step", rows, columns, lambda: (chunk._asdict() for chunk in run.cost_chunks())
    )


def _window_means(run: Run) -> Table:
    with run.one_moment() as connection:
        query = "SELECT coalesce(sum(count), 0) FROM window_means"
        rows = int(connection.execute(query).fetchone()[0])
    columns = (
        _integer("step", "steps done when the window closed"),
        _float("cost", "mean cost of the window"),
        _float("baseline", "mean baseline of the window"),
    )

    def pieces() -> Iterator[Piece]:
        with run.one_moment() as connection:
            yield from (chunk._asdict() for chunk in mean_chunks(connection))

    return Table("window_means", "window", rows, columns, pieces)


def _parameters(run: Run) -> Table:
    with run.one_moment() as connection:
        rows = snapshot_count(connection)
    width = run.parameters(0, 0).theta.shape[1]
    units = {str(unit) for unit in run.meta.get("parameter_units", [])}
    unit = units.pop() if len(units) == 1 else ""
    columns = (
        _integer("step", "steps done"),
        _integer("update", "updates done"),
        Column("theta", np.dtype(float), "parameters", unit, max(width, 1), "parameter", "theta"),
    )

    def pieces() -> Iterator[Piece]:
        with run.one_moment() as connection:
            yield from (chunk._asdict() for chunk in parameter_chunks(connection))

    return Table("parameters", "snapshot", rows, columns, pieces)


def _evaluations(run: Run) -> Table:
    evaluations = run.evaluations()
    columns = (
        _integer("step", "steps done"),
        _float("cost", "cost without perturbation"),
        _float("accuracy", "share of samples classified right", unit="1"),
        _integer("update", "updates done"),
        Column("split", TEXT, "samples that were used"),
        _integer("samples", "number of samples"),
        _float("utc_seconds", "seconds since 1970-01-01 UTC", unit="s"),
    )
    return _whole("evaluations", "evaluation", columns, evaluations._asdict())


def _telemetry(run: Run) -> Table:
    _, rows = run.telemetry_counts()
    columns = (
        _integer("step", "steps done"),
        _float("utc_seconds", "seconds since 1970-01-01 UTC", unit="s"),
        Column("name", TEXT, "channel"),
        _float("value", "reading, in the channel's unit"),
        Column("unit", TEXT, "the channel's unit"),
    )
    return Table(
        "telemetry",
        "telemetry",
        rows,
        columns,
        lambda: (chunk._asdict() for chunk in run.telemetry_chunks()),
    )


def _events(run: Run) -> Table:
    events = run.events()
    details = np.array([json_text(each) for each in events.details], dtype=np.str_)
    columns = (
        _integer("step", "steps done"),
        Column("kind", TEXT, "kind of event"),
        Column("message", TEXT, "what happened"),
        _float("utc_seconds", "seconds since 1970-01-01 UTC", unit="s"),
        Column("details", TEXT, "JSON"),
    )
    return _whole("events", "event", columns, {**events._asdict(), "details": details})


def _checkpoints(run: Run) -> Table:
    checkpoints = run.checkpoints()
    *counters, utc, monotonic, final = checkpoints._fields
    columns = (
        *(_integer(name, f"total of {name}" if name != "step" else "steps") for name in counters),
        _float(utc, "seconds since 1970-01-01 UTC", unit="s"),
        _float(monotonic, "seconds of a clock that never jumps", unit="s"),
        Column(final, TEXT, "how the run ended, at an end"),
    )
    return _whole("checkpoints", "checkpoint", columns, checkpoints._asdict())


def _whole(name: str, dimension: str, columns: tuple[Column, ...], arrays: Piece) -> Table:
    return Table(name, dimension, len(arrays["step"]), columns, lambda: iter([arrays]))


def _integer(name: str, meaning: str, *, variable: str = "") -> Column:
    return Column(name, np.dtype(np.int64), meaning, variable=variable)


def _float(name: str, meaning: str, *, unit: str = "", variable: str = "") -> Column:
    return Column(name, np.dtype(np.float64), meaning, unit, variable=variable)
