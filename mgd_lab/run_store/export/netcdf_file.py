"""A run as one NetCDF file, laid out as `Run.to_xarray()` is; metadata in global attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mgd_lab.run_store.columns import TEXT, Column, Table
from mgd_lab.run_store.dataset import attributes
from mgd_lab.run_store.libraries import load_library


def write_netcdf(path: Path, tables: list[Table], metadata: Mapping[str, Any]) -> None:
    netcdf = load_library("h5netcdf", "export to NetCDF")
    sizes = _dimensions(tables)
    h5py = load_library("h5py", "export to NetCDF")
    with netcdf.File(path, "w") as file:
        file.attrs.update(metadata)
        file.dimensions = sizes
        for table in tables:
            for column in table.columns:
                dtype = h5py.string_dtype() if column.dtype == TEXT else column.dtype
                variable = file.create_variable(
                    table.variable(column), _along(table, column), dtype
                )
                variable.attrs.update(attributes(column))
            _fill(file, table)
        names = json.loads(metadata["parameter_names"])
        if names and len(names) == sizes["parameter"]:
            parameter = file.create_variable("parameter", ("parameter",), h5py.string_dtype())
            parameter[:] = np.array(names, dtype=object)


def _dimensions(tables: list[Table]) -> dict[str, int | None]:
    sizes: dict[str, int | None] = {}
    for table in tables:
        # The library knows no dimension of size 0; one without limit starts there.
        sizes[table.dimension] = table.rows or None
        for column in table.columns:
            if column.width:
                sizes[column.across] = column.width
    return sizes


def _along(table: Table, column: Column) -> tuple[str, ...]:
    return (table.dimension, column.across) if column.width else (table.dimension,)


def _fill(file: Any, table: Table) -> None:
    at = 0
    for piece in table.pieces():
        rows = len(piece[table.columns[0].name])
        for column in table.columns:
            values = piece[column.name]
            if rows:
                file[table.variable(column)][at : at + rows] = (
                    values.astype(object) if column.dtype == TEXT else values
                )
        at += rows
