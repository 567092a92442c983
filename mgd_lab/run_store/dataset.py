"""A run as an xarray Dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.run_store.columns import TEXT, Column, Table, run_metadata, run_tables
from mgd_lab.run_store.libraries import load_library

if TYPE_CHECKING:
    from mgd_lab.run_store.run import Run


def run_dataset(run: Run, start: int, stop: int | None, stride: int) -> Any:
    """Costs of the steps asked for along `step`; snapshots, window means, evaluations, events
    and checkpoints along dimensions of their own, with names that begin with theirs.
    """
    xarray = load_library("xarray", "to_xarray()")
    costs, *others = run_tables(run)
    variables: dict[str, Any] = {}
    asked = run.costs(start, stop, stride)._asdict()
    for column in costs.columns:
        variables[costs.variable(column)] = _variable(costs, column, asked[column.name])
    for table in others:
        pieces = list(table.pieces())
        for column in table.columns:
            values = [piece[column.name] for piece in pieces]
            variables[table.variable(column)] = _variable(table, column, _joined(values, column))
    coordinates = {"step": variables.pop("step")}
    names = run.meta.get("parameter_names", [])
    if names and len(names) == variables["theta"][1].shape[1]:
        coordinates["parameter"] = ("parameter", np.array(names, dtype=np.str_), {})
    return xarray.Dataset(variables, coords=coordinates, attrs=run_metadata(run))


def _variable(
    table: Table, column: Column, values: NDArray[Any]
) -> tuple[tuple[str, ...], NDArray[Any], dict[str, str]]:
    dimensions = (table.dimension, column.across) if column.width else (table.dimension,)
    return dimensions, values, attributes(column)


def attributes(column: Column) -> dict[str, str]:
    """What a variable says of itself, in the words of the CF conventions."""
    found = {"long_name": column.meaning}
    if column.unit:
        found["units"] = column.unit
    return found


def _joined(values: list[NDArray[Any]], column: Column) -> NDArray[Any]:
    if not values:
        return np.empty((0, column.width) if column.width else 0, dtype=column.dtype)
    joined = np.concatenate(values)
    return joined if column.dtype == TEXT else joined.astype(column.dtype, copy=False)
